//! Authentication: who may connect, and as whom.
//!
//! An [`Authenticator`] judges each peer before it is ready: any function of a [`Request`] whose future gives a
//! [`Verdict`].
//!
//! ```
//! use bowline::auth::{Code, Credentials, Request, Verdict};
//! use bowline::{Mechanism, Options, PlainCredentials, Pull, Push};
//!
//! async fn judge(request: Request) -> Verdict {
//!     match request.credentials {
//!         // A directory or a database may be asked here.
//!         Credentials::Plain(shown) if shown.username() == "ann" && shown.password() == "secret" => {
//!             Verdict::accept_as("ann").with("Role", "editor")
//!         }
//!         _ => Verdict::refuse(Code::Credentials, "unknown"),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Without a list of its own, PLAIN leaves all of them to the authenticator.
//! let options = Options::new().mechanism(Mechanism::PlainServer(Vec::new())).authenticator(judge);
//! let pull = Pull::with_options(options);
//! let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
//!
//! let ann = PlainCredentials::new("ann", "secret")?;
//! let push = Push::with_options(Options::new().mechanism(Mechanism::PlainClient(ann)));
//! push.connect(&endpoint)?;
//! pull.wait_for_peer().await;
//! let peer = &pull.peers()[0].info;
//! assert_eq!(peer.user.as_deref(), Some("ann"));
//! assert_eq!(peer.metadata, [("Role".to_owned(), "editor".into())]);
//! # Ok(())
//! # }
//! ```
//!
//! | mechanism | who judges | what is known then |
//! |---|---|---|
//! | NULL | the side that accepted the connection | address, socket type, identity, properties |
//! | PLAIN | its server, whichever side dialed | the same, with a user name and a password that nobody has compared yet |
//! | CURVE | its server, whichever side dialed | the same, with the public key of which the peer has proved to have the secret |
//!
//! All of them are asked about after the peer's last command, and have heard nothing of us before the verdict, but for the
//! public key of CURVE. Passwords and clients that [`Mechanism`](crate::Mechanism) itself lists are looked at first. Over
//! `inproc` nobody is asked: the other side is this process.
//!
//! Who is accepted has a [`user`](crate::PeerInfo::user) and [`metadata`](crate::PeerInfo::metadata): with the peers of a
//! socket, in its monitor, and in the [`Context`](crate::rpc::Context) of a call. Who is refused gets an ERROR command with
//! the [`Code`], and tells its own monitor [`HandshakeRefused`](crate::DisconnectReason::HandshakeRefused); ours tells
//! [`Unauthorized`](crate::DisconnectReason::Unauthorized), with the text too. It gives the endpoint up, unless
//! [`reconnect_stop`](crate::Options::reconnect_stop) says otherwise. With [`Code::Temporary`] there is no ERROR command, since
//! that is final for libzmq's clients: the connection is closed, and the peer tries again later.
//!
//! With the feature `auth-files` there are three that are ready to be used, and can be [put together](Authenticator::and):
//! `KeyDirectory` for CURVE, `PasswordFile` for PLAIN, and `Addresses`.
//!
//! [`zap`] has the same as values of RFC 27, for handlers that exist already.

#[cfg(feature = "auth-files")]
mod addresses;
#[cfg(feature = "auth-files")]
mod certificate;
#[cfg(feature = "auth-files")]
mod error;
#[cfg(feature = "auth-files")]
mod fresh;
#[cfg(feature = "auth-files")]
mod keys;
#[cfg(feature = "auth-files")]
mod passwords;

#[cfg(feature = "auth-files")]
pub use addresses::{Addresses, InvalidNet, Net};
#[cfg(feature = "auth-files")]
pub use error::{FileCause, FileError};
#[cfg(feature = "auth-files")]
pub use keys::KeyDirectory;
#[cfg(feature = "auth-files")]
pub use passwords::PasswordFile;

pub use bowline_proto::auth::{
    And, Authenticator, Code, Credentials, Judge, Judging, Refusal, Request, UnknownCode, Verdict,
};
pub use bowline_proto::wire::zap;
