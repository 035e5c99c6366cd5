//! PLAIN: a user name and a password in clear text.
//!
//! ```text
//! client   HELLO ->            INITIATE ->
//! server          <- WELCOME              <- READY
//! ```
// RFC 24

use std::hint::black_box;

use super::{Ciphers, Handshake, Progress};
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::options::PlainCredentials;
use crate::wire::command::Command;

/// Why a server refuses: the status code of RFC 27 for bad credentials, which libzmq tells its monitors.
const UNAUTHORIZED: &[u8] = b"400";

/// What a side waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Await {
    /// The client for WELCOME, the server for HELLO.
    Admission,
    /// The client for READY, the server for INITIATE.
    Metadata,
}

impl Await {
    const fn stage(self) -> HandshakeStage {
        match self {
            Self::Admission => HandshakeStage::Security,
            Self::Metadata => HandshakeStage::Ready,
        }
    }
}

fn unexpected(command: &Command<'_>) -> DisconnectReason {
    ProtocolError::UnexpectedCommand { name: command.name().to_owned() }.into()
}

/// The side that shows its credentials.
#[derive(Debug)]
pub(super) struct Client {
    credentials: PlainCredentials,
    metadata: Vec<u8>,
    awaits: Await,
}

impl Client {
    pub(super) const fn new(credentials: PlainCredentials, metadata: Vec<u8>) -> Self {
        Self { credentials, metadata, awaits: Await::Admission }
    }
}

impl Client {
    fn handle_command<'a>(
        &mut self,
        command: Command<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Progress<'a>, DisconnectReason> {
        match (self.awaits, command) {
            (Await::Admission, Command::Welcome) => {
                self.awaits = Await::Metadata;
                Command::Initiate(&self.metadata).encode(out);
                Ok(Progress::Pending)
            }
            (Await::Metadata, Command::Ready(metadata)) => {
                Ok(Progress::Announced { command: "READY", metadata: metadata.into(), user: None })
            }
            // libzmq does not say in its greeting which side it takes, so it shows only here
            (_, Command::Hello { .. }) => Err(ProtocolError::SameRole { mechanism: "PLAIN" }.into()),
            (_, other) => Err(unexpected(&other)),
        }
    }
}

impl Handshake for Client {
    fn stage(&self) -> HandshakeStage {
        self.awaits.stage()
    }

    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        let (username, password) = (self.credentials.username().as_bytes(), self.credentials.password().as_bytes());
        Command::Hello { username, password }.encode(out);
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        self.handle_command(Command::decode(body)?, out)
    }

    fn admit(&mut self, _: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        None
    }
}

/// The side that knows the users.
#[derive(Debug)]
pub(super) struct Server {
    users: Vec<PlainCredentials>,
    metadata: Vec<u8>,
    awaits: Await,
    user: Option<String>,
}

impl Server {
    pub(super) const fn new(users: Vec<PlainCredentials>, metadata: Vec<u8>) -> Self {
        Self { users, metadata, awaits: Await::Admission, user: None }
    }

    /// The user of these credentials. Looks at every user and at every byte, so that the time it takes says nothing
    /// about how close a guess came.
    fn user(&self, username: &[u8], password: &[u8]) -> Option<String> {
        let mut found = None;
        for user in &self.users {
            let same = same(user.username().as_bytes(), username) & same(user.password().as_bytes(), password);
            if black_box(same) {
                found = Some(user.username().to_owned());
            }
        }
        found
    }
}

impl Server {
    fn handle_command<'a>(
        &mut self,
        command: Command<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Progress<'a>, DisconnectReason> {
        match (self.awaits, command) {
            (Await::Admission, Command::Hello { username, password }) => {
                let Some(user) = self.user(username, password) else {
                    Command::Error(UNAUTHORIZED).encode(out);
                    return Err(DisconnectReason::Unauthorized);
                };
                self.user = Some(user);
                self.awaits = Await::Metadata;
                Command::Welcome.encode(out);
                Ok(Progress::Pending)
            }
            (Await::Metadata, Command::Initiate(metadata)) => {
                Ok(Progress::Announced { command: "INITIATE", metadata: metadata.into(), user: self.user.take() })
            }
            (_, other) => Err(unexpected(&other)),
        }
    }
}

impl Handshake for Server {
    fn stage(&self) -> HandshakeStage {
        self.awaits.stage()
    }

    fn start(&mut self, _: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        self.handle_command(Command::decode(body)?, out)
    }

    fn admit(&mut self, out: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        Command::Ready(&self.metadata).encode(out);
        None
    }
}

/// Whether two strings are the same, in a time that depends on the length of the guess alone.
fn same(known: &[u8], guess: &[u8]) -> bool {
    let mut differ = usize::from(known.len() != guess.len());
    for (at, byte) in guess.iter().enumerate() {
        differ |= usize::from(known.get(at).copied().unwrap_or(0) ^ byte);
    }
    black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann(password: &str) -> PlainCredentials {
        PlainCredentials::new("ann", password).unwrap()
    }

    fn server() -> Server {
        let bob = PlainCredentials::new("bob", "").unwrap();
        Server::new(vec![ann("secret"), bob], b"server".to_vec())
    }

    fn hello<'a>(username: &'a str, password: &'a str) -> Command<'a> {
        Command::Hello { username: username.as_bytes(), password: password.as_bytes() }
    }

    #[test]
    fn a_known_user_is_welcomed_and_then_announces_itself() {
        let (mut server, mut out) = (server(), Vec::new());
        assert_eq!(server.stage(), HandshakeStage::Security);
        assert_eq!(server.handle_command(hello("ann", "secret"), &mut out), Ok(Progress::Pending));
        assert_eq!((server.stage(), &out[..]), (HandshakeStage::Ready, &b"\x04\x08\x07WELCOME"[..]));
        let done = server.handle_command(Command::Initiate(b"client"), &mut out).unwrap();
        let user = Some("ann".to_owned());
        assert_eq!(done, Progress::Announced { command: "INITIATE", metadata: b"client"[..].into(), user });
        out.clear();
        server.admit(&mut out);
        assert_eq!(out, b"\x04\x0c\x05READYserver");
    }

    #[test]
    fn credentials_must_match_in_both_strings_and_to_the_last_byte() {
        let refused =
            [("ann", ""), ("ann", "secre"), ("ann", "secret\0"), ("ann", "secrets"), ("bob", "secret"), ("", "")];
        for (username, password) in refused {
            let (mut server, mut out) = (server(), Vec::new());
            let result = server.handle_command(hello(username, password), &mut out);
            assert_eq!(result, Err(DisconnectReason::Unauthorized), "{username} {password:?}");
            assert_eq!(out, b"\x04\x0a\x05ERROR\x03400");
            assert_eq!(server.stage(), HandshakeStage::Security);
        }
        assert_eq!(server().handle_command(hello("bob", ""), &mut Vec::new()), Ok(Progress::Pending));
    }

    #[test]
    fn the_client_says_hello_and_initiates_once_welcome() {
        let (mut client, mut out) = (Client::new(ann("pw"), b"client".to_vec()), Vec::new());
        client.start(&mut out).unwrap();
        assert_eq!(out, b"\x04\x0d\x05HELLO\x03ann\x02pw");
        out.clear();
        assert_eq!(client.handle_command(Command::Welcome, &mut out), Ok(Progress::Pending));
        assert_eq!(out, b"\x04\x0f\x08INITIATEclient");
        let done = client.handle_command(Command::Ready(b"server"), &mut out).unwrap();
        assert_eq!(done, Progress::Announced { command: "READY", metadata: b"server"[..].into(), user: None });
    }

    #[test]
    fn two_clients_find_out() {
        let result = Client::new(ann("pw"), Vec::new()).handle_command(hello("ann", "pw"), &mut Vec::new());
        assert_eq!(result, Err(ProtocolError::SameRole { mechanism: "PLAIN" }.into()));
    }

    #[test]
    fn commands_out_of_turn_are_refused_by_name() {
        fn name(name: &str) -> Result<Progress<'static>, DisconnectReason> {
            Err(ProtocolError::UnexpectedCommand { name: name.into() }.into())
        }
        let mut client = Client::new(ann("pw"), Vec::new());
        assert_eq!(client.handle_command(Command::Ready(b""), &mut Vec::new()), name("READY"));
        client.handle_command(Command::Welcome, &mut Vec::new()).unwrap();
        assert_eq!(client.handle_command(Command::Welcome, &mut Vec::new()), name("WELCOME"));
        let mut server = server();
        assert_eq!(server.handle_command(Command::Initiate(b""), &mut Vec::new()), name("INITIATE"));
        server.handle_command(hello("ann", "secret"), &mut Vec::new()).unwrap();
        assert_eq!(server.handle_command(hello("ann", "secret"), &mut Vec::new()), name("HELLO"));
    }
}
