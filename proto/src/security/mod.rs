//! Security mechanisms: how two peers come to trust each other before they exchange messages.

mod curve;
mod entropy;
mod null;
mod plain;

use std::borrow::Cow;
use std::fmt;

use crate::auth::{Code, Credentials, Refusal};
use crate::error::{DisconnectReason, HandshakeStage};
use crate::options::Mechanism;
use crate::wire::command::Command;
pub(crate) use curve::{Ciphers, OVERHEAD, Opener, Sealer, TEXT_AT};
pub use entropy::Entropy;

/// One side of a mechanism's handshake: commands in, commands out.
///
/// The link calls these methods from its own task, one at a time; none may block. ERROR commands of the peer never
/// get here: they end every handshake alike.
///
/// A mechanism that also seals traffic hands its two ciphers out when the peer is admitted: the link opens frames with
/// one where it cuts them, and seals with the other in `Link::seal` and `Link::poll_transmit`.
pub(crate) trait Handshake: Send + Sync {
    /// How far this side came.
    fn stage(&self) -> HandshakeStage;

    /// Called once, when the greetings are exchanged and agree.
    ///
    /// # Errors
    ///
    /// If nothing can be said to a peer of this key.
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), DisconnectReason>;

    /// The body of the peer's next command. Each mechanism reads it for itself: they share names, not contents.
    ///
    /// # Errors
    ///
    /// The reason to end the connection. A refusal has put its ERROR command into `out`.
    fn handle<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason>;

    /// Called once, after [`Progress::Announced`], if the link accepts what the peer announced, and so does whoever judges
    /// it. What seals the traffic from here on, if anything does.
    fn admit(&mut self, out: &mut Vec<u8>) -> Option<Box<Ciphers>>;
}

/// What a command brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress<'a> {
    /// More commands are to come.
    Pending,
    /// The peer proved what it had to, and this is what it says of itself: the handshake is over.
    Announced {
        /// The command that said so, for errors.
        command: &'static str,
        /// Its metadata, still encoded.
        metadata: Cow<'a, [u8]>,
        /// What it has shown; nothing where it is the server.
        credentials: Credentials,
    },
}

/// Refuses the peer: it is told the code. Why, for our own side.
pub(crate) fn refuse(refusal: Refusal, out: &mut Vec<u8>) -> DisconnectReason {
    // RFC 37: an ERROR is final. libzmq never dials again after one, whatever its code, and sends none with 300 for that.
    if refusal.code != Code::Temporary {
        Command::Error(refusal.code.as_str().as_bytes()).encode(out);
    }
    DisconnectReason::Unauthorized(refusal)
}

/// Refuses what the peer has shown.
fn refuse_credentials(text: &str, out: &mut Vec<u8>) -> DisconnectReason {
    refuse(Refusal { code: Code::Credentials, text: text.to_owned() }, out)
}

/// By its name alone: what stands in a table of methods is linked, used or not, and that of all it contains as well.
impl fmt::Debug for dyn Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handshake")
    }
}

/// Our side of the handshake for this mechanism, announcing these encoded metadata. `judges`: the peer is judged after it
/// has announced itself, and learns nothing of us before.
pub(crate) fn handshake(
    mechanism: &Mechanism,
    judges: bool,
    metadata: Vec<u8>,
    entropy: Entropy,
) -> Box<dyn Handshake> {
    match mechanism {
        Mechanism::Null => Box::new(null::Null::new(metadata, judges)),
        Mechanism::PlainClient(credentials) => Box::new(plain::Client::new(credentials.clone(), metadata)),
        Mechanism::PlainServer(users) => Box::new(plain::Server::new(users.clone(), judges, metadata)),
        Mechanism::CurveClient(settings) => Box::new(curve::Client::new(settings.clone(), metadata, entropy)),
        Mechanism::CurveServer(settings) => Box::new(curve::Server::new(settings.clone(), metadata, entropy)),
    }
}
