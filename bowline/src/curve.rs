//! CURVE: keys, and who takes which part.
//!
//! A server has a key pair; its clients know the public key, and each has a pair of its own. Both sides prove that they have
//! their secrets, and everything that passes between them is sealed, with keys that are made anew for each connection.
//!
//! ```
//! use bowline::curve::{self, CurveClient, CurveServer};
//! use bowline::{Mechanism, Options, Pull, Push};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (server, client) = (curve::generate()?, curve::generate()?);
//!
//! let admits = CurveServer::new(server.clone()).only([client.public()]);
//! let pull = Pull::with_options(Options::new().mechanism(Mechanism::CurveServer(admits)));
//! let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
//!
//! let knows = CurveClient::new(server.public(), client);
//! let push = Push::with_options(Options::new().mechanism(Mechanism::CurveClient(knows)));
//! push.connect(&endpoint)?;
//! push.send("for your eyes only").await?;
//!
//! assert_eq!(pull.recv().await?.parts(), ["for your eyes only"]);
//! # Ok(())
//! # }
//! ```
//!
//! Which side binds and which connects has nothing to do with it: the server of CURVE may be the one that connects. Over
//! `inproc` there is no mechanism, as in libzmq: the other side is this process.

use std::io;

pub use bowline_proto::keys::{CurveClient, CurveServer, InvalidKey, KeyPair, PublicKey, SecretKey};

use crate::rt;

/// A new key pair, made of what the operating system has of chance.
///
/// # Errors
///
/// If the system has none, which does not happen on one that runs.
pub fn generate() -> io::Result<KeyPair> {
    Ok(SecretKey::from_bytes(rt::random()?).into())
}
