//! The words of ZAP: what ZeroMQ's authentication handlers are asked, and answer.
//!
//! The frames stand in the message of a REQ or REP socket, which adds and takes the envelope. What an existing handler is
//! asked and answers goes into [`auth`] and comes from there without a loss, but for what only [`auth::Request`]
//! knows: the peer's port, socket type and properties.
// RFC 27

use bytes::Bytes;

use super::metadata::{self, Walk};
use crate::auth::{self, Code, Credentials, Refusal, Verdict};
use crate::keys::PublicKey;
use crate::message::{Message, Part};
use crate::options::PlainCredentials;
use crate::peer::Properties;

/// The version of both.
const VERSION: &[u8] = b"1.0";
/// The status of those who may connect.
const OK: &str = "200";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the reply has to bring back.
    pub id: Bytes,
    /// What the socket is used for.
    pub domain: String,
    /// The peer's IP address; empty where it has none.
    pub address: String,
    /// The peer's identity. libzmq puts that of its own socket here.
    pub identity: Bytes,
    /// What the peer has shown, with the name of the mechanism.
    pub credentials: Credentials,
}

impl Request {
    /// The question that `request` is, under this id.
    pub fn new(id: impl Into<Bytes>, request: &auth::Request) -> Self {
        Self {
            id: id.into(),
            domain: request.domain.clone(),
            address: request.ip().map_or_else(String::new, |ip| ip.to_string()),
            identity: request.peer.identity.clone(),
            credentials: request.credentials.clone(),
        }
    }

    /// Its frames.
    pub fn encode(&self) -> Message {
        let shown: [&[u8]; 3] = match &self.credentials {
            Credentials::Null => [b"NULL", b"", b""],
            Credentials::Plain(plain) => [b"PLAIN", plain.username().as_bytes(), plain.password().as_bytes()],
            Credentials::Curve(key) => [b"CURVE", key.as_bytes(), b""],
        };
        let frames = match &self.credentials {
            Credentials::Null => 1,
            Credentials::Curve(_) => 2,
            Credentials::Plain(_) => 3,
        };
        let head = [VERSION, &self.id, self.domain.as_bytes(), self.address.as_bytes(), &self.identity];
        head.into_iter().chain(shown.into_iter().take(frames)).map(Part::copy_from_slice).collect()
    }

    /// The request of these frames.
    ///
    /// # Errors
    ///
    /// If it is none, or is about a mechanism that is not known here.
    pub fn decode(message: &Message) -> Result<Self, ZapError> {
        let [version, id, domain, address, identity, mechanism, shown @ ..] = message.parts() else {
            return Err(ZapError::Frames { found: message.parts().len() });
        };
        check_version(version)?;
        let credentials = match (&mechanism[..], shown) {
            (b"NULL", []) => Credentials::Null,
            (b"PLAIN", [username, password]) => {
                let credentials = PlainCredentials::new(text(username)?, text(password)?);
                Credentials::Plain(credentials.map_err(|_| ZapError::Credentials)?)
            }
            (b"CURVE", [key]) => {
                let key = <[u8; 32]>::try_from(&key[..]).map_err(|_| ZapError::Credentials)?;
                Credentials::Curve(PublicKey::from_bytes(key))
            }
            (b"NULL" | b"PLAIN" | b"CURVE", _) => return Err(ZapError::Credentials),
            _ => return Err(ZapError::Mechanism),
        };
        let [id, identity] = [id, identity].map(|part| Bytes::copy_from_slice(part));
        Ok(Self { id, domain: text(domain)?, address: text(address)?, identity, credentials })
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The id of the request.
    pub id: Bytes,
    /// The verdict. Of one who may connect without a name the user is empty in the frames, and `None` here.
    pub verdict: Verdict,
}

impl Reply {
    /// Its frames.
    ///
    /// # Errors
    ///
    /// If the name of a property is none.
    pub fn encode(&self) -> Result<Message, ZapError> {
        let mut encoded = Vec::new();
        let (status, reason, user) = match &self.verdict {
            Verdict::Accept { user, metadata } => {
                for (name, value) in metadata {
                    if !metadata::is_name(name.as_bytes()) {
                        return Err(ZapError::Metadata);
                    }
                    metadata::encode_property(name, value, &mut encoded);
                }
                (OK, "OK", user.as_deref().unwrap_or_default())
            }
            Verdict::Refuse(Refusal { code, text }) => (code.as_str(), &text[..], ""),
        };
        let frames = [VERSION, &self.id, status.as_bytes(), reason.as_bytes(), user.as_bytes(), &encoded];
        Ok(frames.into_iter().map(Part::copy_from_slice).collect())
    }

    /// The reply of these frames.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn decode(message: &Message) -> Result<Self, ZapError> {
        let [version, id, status, reason, user, metadata] = message.parts() else {
            return Err(ZapError::Frames { found: message.parts().len() });
        };
        check_version(version)?;
        let verdict = if status[..] == *OK.as_bytes() {
            let user = Some(text(user)?).filter(|user| !user.is_empty());
            Verdict::Accept { user, metadata: properties(metadata)? }
        } else {
            let code: Code = text(status)?.parse().map_err(|_| ZapError::Status)?;
            Verdict::Refuse(Refusal { code, text: text(reason)? })
        };
        Ok(Self { id: Bytes::copy_from_slice(id), verdict })
    }
}

/// Frames that are no question or answer of ZAP 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZapError {
    /// Too few frames, or too many.
    #[error("{found} frames")]
    Frames {
        /// How many.
        found: usize,
    },
    /// Another version.
    #[error("another version than 1.0")]
    Version,
    /// A mechanism other than NULL, PLAIN and CURVE.
    #[error("an unknown mechanism")]
    Mechanism,
    /// Credentials that the mechanism does not have.
    #[error("credentials that the mechanism does not have")]
    Credentials,
    /// A status other than 200, 300, 400 and 500.
    #[error("an unknown status code")]
    Status,
    /// Properties that can't be read or written.
    #[error("malformed metadata")]
    Metadata,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Text,
}

fn check_version(version: &Part) -> Result<(), ZapError> {
    if version[..] == *VERSION { Ok(()) } else { Err(ZapError::Version) }
}

fn text(part: &Part) -> Result<String, ZapError> {
    std::str::from_utf8(part).map(str::to_owned).map_err(|_| ZapError::Text)
}

fn properties(encoded: &[u8]) -> Result<Properties, ZapError> {
    let owned = |(name, value): (&str, &[u8])| (name.to_owned(), Bytes::copy_from_slice(value));
    Walk::new(encoded).map(|property| property.map(owned).map_err(|_| ZapError::Metadata)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;
    use crate::peer::PeerInfo;

    fn request(credentials: Credentials) -> Request {
        let (domain, address) = ("global".to_owned(), "192.0.2.1".to_owned());
        Request { id: "1".into(), domain, address, identity: "worker".into(), credentials }
    }

    fn credentials() -> [Credentials; 3] {
        let ann = PlainCredentials::new("ann", "secret").unwrap();
        [Credentials::Null, Credentials::Plain(ann), Credentials::Curve(PublicKey::from_bytes([7; 32]))]
    }

    #[test]
    fn requests_have_the_frames_of_rfc_27_and_are_read_back() {
        let head: [&[u8]; 5] = [b"1.0", b"1", b"global", b"192.0.2.1", b"worker"];
        let tails: [&[&[u8]]; 3] = [&[b"NULL"], &[b"PLAIN", b"ann", b"secret"], &[b"CURVE", &[7; 32]]];
        for (shown, tail) in credentials().into_iter().zip(tails) {
            let message = request(shown.clone()).encode();
            assert_eq!(message.parts(), [&head[..], tail].concat());
            assert_eq!(Request::decode(&message), Ok(request(shown)));
        }
    }

    #[test]
    fn a_question_about_a_peer_names_its_ip_without_its_port() {
        let peer = PeerInfo { address: "192.0.2.1:5555".into(), ..PeerInfo::of_type(SocketType::Dealer) };
        let asked = auth::Request { domain: "global".into(), credentials: Credentials::Null, peer };
        let request = Request::new("7", &asked);
        assert_eq!((&request.id[..], &request.address[..]), (&b"7"[..], "192.0.2.1"));
    }

    #[test]
    fn replies_have_the_frames_of_rfc_27_and_are_read_back() {
        let metadata = b"\x04Role\0\0\0\x05admin";
        let table: [(Verdict, [&[u8]; 4]); 4] = [
            (Verdict::accept_as("ann").with("Role", "admin"), [b"200", b"OK", b"ann", metadata]),
            (Verdict::accept(), [b"200", b"OK", b"", b""]),
            (Verdict::refuse(Code::Credentials, "unknown"), [b"400", b"unknown", b"", b""]),
            (Verdict::refuse(Code::Temporary, ""), [b"300", b"", b"", b""]),
        ];
        for (verdict, frames) in table {
            let reply = Reply { id: "1".into(), verdict };
            let message = reply.encode().unwrap();
            assert_eq!(message.parts(), [&[&b"1.0"[..], b"1"], &frames[..]].concat());
            assert_eq!(Reply::decode(&message), Ok(reply));
        }
    }

    #[test]
    fn what_is_no_request_is_named() {
        let decode = |frames: &[&[u8]]| Request::decode(&frames.iter().copied().map(Part::copy_from_slice).collect());
        let with = |tail: &[&[u8]]| decode(&[&[&b"1.0"[..], b"1", b"", b"", b""], tail].concat());
        assert_eq!(decode(&[b"1.0", b"1"]), Err(ZapError::Frames { found: 2 }));
        assert_eq!(decode(&[b"2.0", b"1", b"", b"", b"", b"NULL"]), Err(ZapError::Version));
        assert_eq!(decode(&[b"1.0", b"1", b"\xff", b"", b"", b"NULL"]), Err(ZapError::Text));
        assert_eq!(with(&[b"GSSAPI", b"ann"]), Err(ZapError::Mechanism));
        for tail in [&[&b"NULL"[..], b""][..], &[b"PLAIN", b"ann"], &[b"PLAIN", &[b'a'; 256], b""], &[b"CURVE", b"7"]] {
            assert_eq!(with(tail), Err(ZapError::Credentials), "{tail:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_named() {
        let decode = |frames: &[&[u8]]| Reply::decode(&frames.iter().copied().map(Part::copy_from_slice).collect());
        assert_eq!(decode(&[b"1.0"]), Err(ZapError::Frames { found: 1 }));
        assert_eq!(decode(&[b"", b"1", b"200", b"", b"", b""]), Err(ZapError::Version));
        assert_eq!(decode(&[b"1.0", b"1", b"201", b"", b"", b""]), Err(ZapError::Status));
        assert_eq!(decode(&[b"1.0", b"1", b"200", b"", b"", b"\x04Role"]), Err(ZapError::Metadata));
        assert_eq!(decode(&[b"1.0", b"1", b"200", b"", b"\xff", b""]), Err(ZapError::Text));
        let verdict = Verdict::accept().with("no name", "");
        assert_eq!(Reply { id: "1".into(), verdict }.encode(), Err(ZapError::Metadata));
    }
}
