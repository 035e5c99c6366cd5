//! The side that knows whom it wants to speak to.

use super::boxes::{self, BoxKey};
use super::{
    CLIENT_NONCE, COOKIE, Ciphers, Fields, HELLO, HELLO_NONCE, INITIATE, INITIATE_NONCE, PADDING, READY, READY_NONCE,
    SERVER_NONCE, SIGNED, VERSION, VOUCH_NONCE, WELCOME, WELCOME_NONCE, failed, opened, put, unexpected,
};
use crate::error::{CurveError, DisconnectReason, HandshakeStage, ProtocolError};
use crate::keys::{CurveClient, KeyPair, PublicKey, SecretKey};
use crate::security::{Entropy, Handshake, Progress};

/// The numbers of the nonces of HELLO and INITIATE; that of the first MESSAGE follows.
const HELLO_NUMBER: u64 = 1;
const INITIATE_NUMBER: u64 = 2;

#[derive(Debug)]
pub(in crate::security) struct Client {
    settings: CurveClient,
    metadata: Vec<u8>,
    entropy: Entropy,
    short_term: KeyPair,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    /// For WELCOME, which is sealed with this key.
    Hello(BoxKey),
    /// For READY.
    Initiate(BoxKey),
    /// The number of the server's READY.
    Ready(BoxKey, u64),
    Over,
}

impl Client {
    pub(in crate::security) fn new(settings: CurveClient, metadata: Vec<u8>, entropy: Entropy) -> Self {
        let short_term = SecretKey::from_bytes(entropy.key(false)).into();
        Self { settings, metadata, entropy, short_term, state: State::New }
    }

    fn hello(&self, key: &BoxKey, out: &mut Vec<u8>) {
        let number = HELLO_NUMBER.to_be_bytes();
        let mut signature = Vec::new();
        key.seal(&boxes::short(HELLO_NONCE, &number), SIGNED, &mut signature);
        put(&[HELLO, VERSION, PADDING, self.short_term.public().as_bytes(), &number, &signature], out);
    }

    /// The server's short-term key and its cookie.
    fn welcome(key: &BoxKey, fields: &mut Fields<'_>) -> Result<(PublicKey, Vec<u8>), DisconnectReason> {
        let nonce = boxes::long(*WELCOME_NONCE, fields.take(16)?);
        let text = key.open(&nonce, fields.take(144)?).ok_or_else(|| failed(CurveError::Welcome))?;
        fields.end()?;
        let mut fields = Fields { command: "WELCOME", rest: &text };
        Ok((PublicKey::from_bytes(fields.key()?), fields.take(COOKIE)?.to_vec()))
    }

    /// Says who we are, for the server alone to read.
    fn initiate(&self, server: &PublicKey, cookie: &[u8], out: &mut Vec<u8>) -> Result<BoxKey, DisconnectReason> {
        let weak = || failed(CurveError::WeakKey);
        let key = BoxKey::between(self.short_term.secret(), server).ok_or_else(weak)?;
        let permanent = BoxKey::between(self.settings.keys.secret(), server).ok_or_else(weak)?;
        let vouched = [*self.short_term.public().as_bytes(), *self.settings.server.as_bytes()].concat();
        let random = self.entropy.nonce(false);
        let mut text = [self.settings.keys.public().as_bytes(), random].concat();
        permanent.seal(&boxes::long(*VOUCH_NONCE, random), &vouched, &mut text);
        text.extend_from_slice(&self.metadata);
        let number = INITIATE_NUMBER.to_be_bytes();
        let mut sealed = Vec::new();
        key.seal(&boxes::short(INITIATE_NONCE, &number), &text, &mut sealed);
        put(&[INITIATE, cookie, &number, &sealed], out);
        Ok(key)
    }
}

impl Handshake for Client {
    fn stage(&self) -> HandshakeStage {
        match self.state {
            State::New | State::Hello(_) => HandshakeStage::Security,
            _ => HandshakeStage::Ready,
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        let key = BoxKey::between(self.short_term.secret(), &self.settings.server);
        let key = key.ok_or_else(|| failed(CurveError::WeakKey))?;
        self.hello(&key, out);
        self.state = State::Hello(key);
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        if body.starts_with(HELLO) {
            return Err(ProtocolError::SameRole { mechanism: "CURVE" }.into());
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Hello(key) => {
                let rest = body.strip_prefix(WELCOME).ok_or_else(|| unexpected(body))?;
                let (server, cookie) = Self::welcome(&key, &mut Fields { command: "WELCOME", rest })?;
                self.state = State::Initiate(self.initiate(&server, &cookie, out)?);
                Ok(Progress::Pending)
            }
            State::Initiate(key) => {
                let rest = body.strip_prefix(READY).ok_or_else(|| unexpected(body))?;
                let mut fields = Fields { command: "READY", rest };
                let number = fields.number()?;
                let text = key.open(&boxes::short(READY_NONCE, &number), fields.rest);
                let metadata = opened(&text.ok_or_else(|| failed(CurveError::Ready))?);
                self.state = State::Ready(key, u64::from_be_bytes(number));
                Ok(Progress::Announced { command: "READY", metadata, user: None })
            }
            State::New | State::Ready(..) | State::Over => Err(unexpected(body)),
        }
    }

    fn admit(&mut self, _: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        let State::Ready(key, heard) = std::mem::replace(&mut self.state, State::Over) else { return None };
        Some(Box::new(Ciphers::new((key.stream(CLIENT_NONCE), INITIATE_NUMBER), (key.stream(SERVER_NONCE), heard))))
    }
}
