//! PLAIN: a user name and a password in clear text.
//!
//! ```text
//! client   HELLO ->            INITIATE ->
//! server          <- WELCOME              <- READY
//! ```
// RFC 24

use std::hint::black_box;

use super::{Ciphers, Handshake, Progress, refuse_credentials};
use crate::auth::Credentials;
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::options::PlainCredentials;
use crate::wire::command::Command;

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
                let credentials = Credentials::Null;
                Ok(Progress::Announced { command: "READY", metadata: metadata.into(), credentials })
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
    judges: bool,
    metadata: Vec<u8>,
    awaits: Await,
    /// What the client has shown, from HELLO to INITIATE.
    shown: Option<PlainCredentials>,
}

impl Server {
    pub(super) const fn new(users: Vec<PlainCredentials>, judges: bool, metadata: Vec<u8>) -> Self {
        Self { users, judges, metadata, awaits: Await::Admission, shown: None }
    }

    /// Whether these are the credentials of a user, or for somebody else to judge. Looks at every user and at every
    /// byte, so that the time it takes says nothing about how close a guess came.
    fn knows(&self, username: &[u8], password: &[u8]) -> bool {
        if self.users.is_empty() {
            return self.judges;
        }
        self.users.iter().fold(false, |found, user| {
            found | black_box(same(user.username().as_bytes(), username) & same(user.password().as_bytes(), password))
        })
    }

    /// The credentials, if they may go on. Text that is not UTF-8 is nobody's.
    fn admitted(&self, username: &[u8], password: &[u8]) -> Option<PlainCredentials> {
        let [name, password_text] = [username, password].map(|bytes| std::str::from_utf8(bytes).ok());
        let shown = PlainCredentials::new(name?, password_text?).ok()?;
        self.knows(username, password).then_some(shown)
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
                let shown = self.admitted(username, password);
                self.shown = Some(shown.ok_or_else(|| refuse_credentials("unknown user or wrong password", out))?);
                self.awaits = Await::Metadata;
                Command::Welcome.encode(out);
                Ok(Progress::Pending)
            }
            (Await::Metadata, Command::Initiate(metadata)) => {
                let credentials = self.shown.take().map_or(Credentials::Null, Credentials::Plain);
                Ok(Progress::Announced { command: "INITIATE", metadata: metadata.into(), credentials })
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
    use crate::auth::Code;

    fn ann(password: &str) -> PlainCredentials {
        PlainCredentials::new("ann", password).unwrap()
    }

    fn server() -> Server {
        let bob = PlainCredentials::new("bob", "").unwrap();
        Server::new(vec![ann("secret"), bob], false, b"server".to_vec())
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
        let credentials = Credentials::Plain(ann("secret"));
        assert_eq!(done, Progress::Announced { command: "INITIATE", metadata: b"client"[..].into(), credentials });
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
            let refused = result.unwrap_err();
            assert_eq!(refused.code(), Some(Code::Credentials), "{username} {password:?}");
            assert_eq!(out, b"\x04\x0a\x05ERROR\x03400");
            assert_eq!(server.stage(), HandshakeStage::Security);
        }
        assert_eq!(server().handle_command(hello("bob", ""), &mut Vec::new()), Ok(Progress::Pending));
    }

    #[test]
    fn without_users_it_is_for_who_judges_and_else_for_nobody() {
        let hello = Command::Hello { username: b"eve", password: b"\x01" };
        let mut judges = Server::new(Vec::new(), true, Vec::new());
        assert_eq!(judges.handle_command(hello, &mut Vec::new()), Ok(Progress::Pending));
        let mut server = Server::new(Vec::new(), false, Vec::new());
        assert!(server.handle_command(hello, &mut Vec::new()).is_err());
        let mut listed = Server::new(vec![ann("secret")], true, Vec::new());
        assert!(listed.handle_command(hello, &mut Vec::new()).is_err(), "the list comes first");
    }

    #[test]
    fn text_that_is_not_utf8_is_nobodys() {
        for (username, password) in [(&b"\xff"[..], &b"pw"[..]), (b"ann", b"\xff")] {
            let mut server = Server::new(Vec::new(), true, Vec::new());
            let result = server.handle_command(Command::Hello { username, password }, &mut Vec::new());
            assert_eq!(result.unwrap_err().code(), Some(Code::Credentials));
        }
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
        let credentials = Credentials::Null;
        assert_eq!(done, Progress::Announced { command: "READY", metadata: b"server"[..].into(), credentials });
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
