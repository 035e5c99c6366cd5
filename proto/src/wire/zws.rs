//! ZWS 2.0: what a WebSocket carries between peers of ZeroMQ, to and from the bytes of ZMTP.
//!
//! One message of WebSocket is one frame, and has its length:
//!
//! ```text
//! +-------+======+
//! | flags | body |      flags: 0 the last part of a message, 1 another part follows, 2 a command
//! +-------+======+
//! ```
//!
//! There is no greeting, since the subprotocol that both sides agree on names the mechanism. Without a mechanism there are
//! no commands either: the first message each way is the identity of its sender, and no socket type is told.
//!
//! A link knows none of this. It is given the greeting that the peer would have sent, and, where there is no mechanism, a
//! READY; what it says itself that has no place here is left out. That greeting says ZMTP 3.0, whose subscriptions are
//! messages and which has no PING: so it is with libzmq over a WebSocket.
//!
//! Between peers that both know it, a subprotocol of our own carries the bytes of ZMTP 3.1 as they are, cut anywhere: then
//! small messages share one of WebSocket's, a web page can have every mechanism (browsers refuse names with a `/`), and
//! nothing has to be made up.
// RFC 45

use bytes::{BufMut, Bytes, BytesMut};

use super::command::Command;
use super::frame::{COMMAND, HEADER_MOST, Header, MORE};
use super::greeting::{GREETING_LEN, Greeting};
use super::metadata::{IDENTITY, SOCKET_TYPE, Walk, encode_property};
use crate::error::ProtocolError;
use crate::options::IDENTITY_MOST;
use crate::socket_type::SocketType;

/// The subprotocol of our own.
const ZMTP: &str = "ZMTP3.1";
/// ZWS without a mechanism; with one, that follows behind a `/`.
const BARE: &str = "ZWS2.0";
/// The only mechanism that may be left out.
const NULL: &str = "NULL";

/// More parts of the same message follow.
const FLAG_MORE: u8 = 1;
/// A command.
const FLAG_COMMAND: u8 = 2;

/// What the messages of a WebSocket are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// `ZMTP3.1`: pieces of the bytes of ZMTP 3.1.
    Zmtp,
    /// `ZWS2.0/NULL`, `ZWS2.0/PLAIN`, `ZWS2.0/CURVE`: frames, commands among them.
    Mechanism,
    /// `ZWS2.0`: the identity, then the parts of messages.
    Bare,
}

impl Subprotocol {
    /// What a peer that has this mechanism can speak, the best first.
    pub fn known(mechanism: &str) -> impl Iterator<Item = (Self, String)> {
        let bare = (mechanism == NULL).then(|| (Self::Bare, BARE.to_owned()));
        [(Self::Zmtp, ZMTP.to_owned()), (Self::Mechanism, format!("{BARE}/{mechanism}"))].into_iter().chain(bare)
    }

    /// The subprotocol of this name, if a peer that has this mechanism can speak it.
    pub fn named(name: &str, mechanism: &str) -> Option<Self> {
        Self::known(mechanism).find(|(_, known)| known == name).map(|(subprotocol, _)| subprotocol)
    }
}

/// The bytes of a link, made into messages.
#[derive(Debug)]
pub struct Outward {
    is_bare: bool,
    /// How much of the greeting is still to be left out.
    greeting: usize,
    /// The beginning of a header.
    header: Vec<u8>,
    /// The flags of the frame that is under way, and how much of it is to come.
    frame: Option<(u8, u64)>,
    message: BytesMut,
}

impl Outward {
    /// For a subprotocol other than that of our own.
    pub fn new(subprotocol: Subprotocol) -> Self {
        let is_bare = matches!(subprotocol, Subprotocol::Bare);
        Self { is_bare, greeting: GREETING_LEN, header: Vec::new(), frame: None, message: BytesMut::new() }
    }

    /// Takes the next bytes, cut anywhere, and gives out each message that they complete.
    ///
    /// # Errors
    ///
    /// Where they are no frames, which no link writes.
    pub fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(Bytes)) -> Result<(), ProtocolError> {
        let skipped = self.greeting.min(bytes.len());
        self.greeting -= skipped;
        bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            let (flags, left) = match &mut self.frame {
                Some(frame) => *frame,
                None => match self.begin(&mut bytes)? {
                    Some(frame) => frame,
                    None => break,
                },
            };
            let n = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            self.message.extend_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.frame = Some((flags, left - n as u64));
            if left == n as u64 {
                self.frame = None;
                if let Some(message) = self.finish(flags)? {
                    give(message);
                }
            }
        }
        Ok(())
    }

    /// Reads the header of the next frame, which may be in pieces.
    fn begin(&mut self, bytes: &mut &[u8]) -> Result<Option<(u8, u64)>, ProtocolError> {
        let had = self.header.len();
        let more = (HEADER_MOST - had).min(bytes.len());
        self.header.extend_from_slice(&bytes[..more]);
        let Some((Header { flags, len }, taken)) = Header::decode(&self.header)? else {
            *bytes = &[];
            return Ok(None);
        };
        *bytes = &bytes[taken - had..];
        self.header.clear();
        self.message.put_u8(match flags {
            COMMAND => FLAG_COMMAND,
            MORE => FLAG_MORE,
            _ => 0,
        });
        Ok(Some((flags, len)))
    }

    fn finish(&mut self, flags: u8) -> Result<Option<Bytes>, ProtocolError> {
        let message = self.message.split().freeze();
        if !self.is_bare || flags != COMMAND {
            return Ok(Some(message));
        }
        // Nothing but the identity can be said without commands.
        let Command::Ready(metadata) = Command::decode(&message[1..])? else { return Ok(None) };
        let identity = Walk::new(metadata).flatten().find(|(name, _)| name.eq_ignore_ascii_case(IDENTITY));
        let mut first = BytesMut::zeroed(1);
        first.extend_from_slice(identity.map_or(&[], |(_, value)| value));
        Ok(Some(first.freeze()))
    }
}

/// A message that is nothing in ZWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The messages of a peer, made into the bytes of a link.
#[derive(Debug)]
pub struct Inward {
    /// Without a mechanism, until the peer's identity is there: what its socket has to be.
    presumed: Option<SocketType>,
    is_bare: bool,
}

impl Inward {
    /// For a subprotocol other than that of our own, and a socket of ours.
    pub const fn new(subprotocol: Subprotocol, ours: SocketType) -> Self {
        let is_bare = matches!(subprotocol, Subprotocol::Bare);
        Self { is_bare, presumed: if is_bare { Some(presumed(ours)) } else { None } }
    }

    /// The greeting that the peer would have sent.
    pub fn greeting(mechanism: &str) -> [u8; GREETING_LEN] {
        Greeting::new(mechanism, false).with_minor(0).encode()
    }

    /// Appends what a message is in ZMTP.
    ///
    /// # Errors
    ///
    /// [`Malformed`] without flags, with flags that there are not, for a command where there is no mechanism, and for an
    /// identity that is none.
    pub fn push(&mut self, message: &[u8], to: &mut BytesMut) -> Result<(), Malformed> {
        let (&flags, body) = message.split_first().ok_or(Malformed)?;
        if let Some(presumed) = self.presumed.take() {
            if flags != 0 || body.len() > IDENTITY_MOST {
                return Err(Malformed);
            }
            let mut metadata = Vec::new();
            encode_property(SOCKET_TYPE, presumed.as_str().as_bytes(), &mut metadata);
            encode_property(IDENTITY, body, &mut metadata);
            let mut ready = Vec::new();
            Command::Ready(&metadata).encode(&mut ready);
            to.extend_from_slice(&ready);
            return Ok(());
        }
        let flags = match flags {
            0 => 0,
            FLAG_MORE => MORE,
            FLAG_COMMAND if !self.is_bare => COMMAND,
            _ => return Err(Malformed),
        };
        let (header, n) = Header { flags, len: body.len() as u64 }.encode();
        to.reserve(n + body.len());
        to.extend_from_slice(&header[..n]);
        to.extend_from_slice(body);
        Ok(())
    }
}

/// What a peer is taken for that does not say what it is.
const fn presumed(ours: SocketType) -> SocketType {
    match ours {
        SocketType::Pair => SocketType::Pair,
        SocketType::Pub | SocketType::XPub => SocketType::Sub,
        SocketType::Sub | SocketType::XSub => SocketType::Pub,
        SocketType::Req => SocketType::Rep,
        SocketType::Rep => SocketType::Req,
        SocketType::Dealer => SocketType::Router,
        SocketType::Router => SocketType::Dealer,
        SocketType::Pull => SocketType::Push,
        SocketType::Push => SocketType::Pull,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
        let (header, n) = Header { flags, len: body.len() as u64 }.encode();
        [&header[..n], body].concat()
    }

    fn ready(properties: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut metadata, mut out) = (Vec::new(), Vec::new());
        for (name, value) in properties {
            encode_property(name, value, &mut metadata);
        }
        Command::Ready(&metadata).encode(&mut out);
        out
    }

    /// What goes out for these bytes, which follow our greeting, in pieces of `cut` bytes.
    fn outward(subprotocol: Subprotocol, bytes: &[u8], cut: usize) -> Vec<Vec<u8>> {
        let (mut outward, mut messages) = (Outward::new(subprotocol), Vec::new());
        let all = [&Greeting::new(NULL, false).encode(), bytes].concat();
        for piece in all.chunks(cut) {
            outward.push(piece, |message| messages.push(message.to_vec())).unwrap();
        }
        messages
    }

    fn inward(inward: &mut Inward, messages: &[&[u8]]) -> Result<Vec<u8>, Malformed> {
        let mut bytes = BytesMut::new();
        messages.iter().try_for_each(|message| inward.push(message, &mut bytes))?;
        Ok(bytes.to_vec())
    }

    #[test]
    fn a_mechanism_is_named_by_the_subprotocol_and_only_null_may_be_left_out() {
        let names = |mechanism| Subprotocol::known(mechanism).map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("NULL"), ["ZMTP3.1", "ZWS2.0/NULL", "ZWS2.0"]);
        assert_eq!(names("CURVE"), ["ZMTP3.1", "ZWS2.0/CURVE"]);
        assert_eq!(Subprotocol::named("ZWS2.0", "NULL"), Some(Subprotocol::Bare));
        assert_eq!(Subprotocol::named("ZWS2.0", "PLAIN"), None);
        assert_eq!(Subprotocol::named("ZWS2.0/NULL", "PLAIN"), None);
    }

    #[test]
    fn a_frame_becomes_a_message_and_the_other_way_round() {
        let bytes = [frame(MORE, b"a"), frame(0, b""), frame(COMMAND, b"\x04PING\0\0"), frame(0, &[7; 300])].concat();
        let messages = outward(Subprotocol::Mechanism, &bytes, usize::MAX);
        assert_eq!(messages[..3], [b"\x01a".to_vec(), b"\0".to_vec(), b"\x02\x04PING\0\0".to_vec()]);
        let mut back = Inward::new(Subprotocol::Mechanism, SocketType::Pull);
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        assert_eq!(inward(&mut back, &messages), Ok(bytes));
    }

    #[test]
    fn without_a_mechanism_an_identity_stands_for_ready() {
        let ours = ready(&[(SOCKET_TYPE, b"DEALER"), (IDENTITY, b"me")]);
        let bytes = [ours, frame(0, b"hello")].concat();
        assert_eq!(outward(Subprotocol::Bare, &bytes, usize::MAX), [b"\0me".to_vec(), b"\0hello".to_vec()]);
        let mut back = Inward::new(Subprotocol::Bare, SocketType::Router);
        let theirs = ready(&[(SOCKET_TYPE, b"DEALER"), (IDENTITY, b"you")]);
        assert_eq!(inward(&mut back, &[b"\0you", b"\0hello"]), Ok([theirs, frame(0, b"hello")].concat()));
    }

    #[test]
    fn without_a_mechanism_no_command_goes_out_or_comes() {
        let mut error = Vec::new();
        Command::Error(b"400").encode(&mut error);
        assert_eq!(outward(Subprotocol::Bare, &error, usize::MAX), Vec::<Vec<u8>>::new());
        let mut back = Inward::new(Subprotocol::Bare, SocketType::Pull);
        assert_eq!(inward(&mut back, &[b"\0", b"\x02\x04PING\0\0"]), Err(Malformed));
    }

    #[test]
    fn what_is_no_message_of_zws_is_refused() {
        for bad in [&b""[..], b"\x03", b"\x80x"] {
            assert_eq!(inward(&mut Inward::new(Subprotocol::Mechanism, SocketType::Pull), &[bad]), Err(Malformed));
        }
        for bad in [&b""[..], b"\x01id", b"\x02", &[0; IDENTITY_MOST + 2]] {
            assert_eq!(inward(&mut Inward::new(Subprotocol::Bare, SocketType::Pull), &[bad]), Err(Malformed));
        }
    }

    #[test]
    fn who_does_not_say_what_it_is_is_taken_for_somebody_who_fits() {
        for ours in SocketType::ALL {
            assert!(ours.accepts(presumed(ours)), "{ours}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_messages(
            frames in prop::collection::vec((prop_oneof![Just(0), Just(MORE), Just(COMMAND)], 0..600usize), 1..8),
            cut in 1..700usize,
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|&(flags, len)| frame(flags, &vec![flags; len])).collect();
            let whole = outward(Subprotocol::Mechanism, &bytes, usize::MAX);
            prop_assert_eq!(whole.len(), frames.len());
            prop_assert_eq!(outward(Subprotocol::Mechanism, &bytes, cut), whole);
        }
    }
}
