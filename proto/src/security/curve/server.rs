//! The side that proves itself to whoever knows its public key.

use zeroize::{Zeroize, Zeroizing};

use super::boxes::{self, BoxKey};
use super::{
    CLIENT_NONCE, COOKIE, COOKIE_NONCE, Ciphers, Fields, HELLO, HELLO_NONCE, INITIATE, INITIATE_NONCE, PADDING, READY,
    READY_NONCE, SERVER_NONCE, SIGNED, VERSION, VOUCH_NONCE, VOUCHER, WELCOME, WELCOME_NONCE, failed, malformed,
    opened, put, refuse, unexpected,
};
use crate::error::{CurveError, DisconnectReason, HandshakeStage};
use crate::keys::{CurveServer, KeyPair, PublicKey, SecretKey};
use crate::security::{Entropy, Handshake, Progress};

/// The number of the nonce of READY; that of the first MESSAGE follows.
const READY_NUMBER: u64 = 1;

#[derive(Debug)]
pub(in crate::security) struct Server {
    settings: CurveServer,
    metadata: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    New(Entropy),
    /// For INITIATE. All that we know of the client is in the cookie, and this opens it: once, and no other cookie.
    Welcome(BoxKey),
    /// The number of the client's INITIATE.
    Initiate(BoxKey, u64),
    Over,
}

/// What an INITIATE brought.
struct Initiated {
    /// The key of the traffic.
    key: BoxKey,
    number: u64,
    /// The client's permanent key, which it vouched for.
    client: PublicKey,
    metadata: Zeroizing<Vec<u8>>,
}

/// What a cookie holds.
struct Cookie {
    client: PublicKey,
    short_term: SecretKey,
}

impl Server {
    pub(in crate::security) const fn new(settings: CurveServer, metadata: Vec<u8>, entropy: Entropy) -> Self {
        Self { settings, metadata, state: State::New(entropy) }
    }

    /// Checks a HELLO and answers it. What is left of both is the key of the cookie.
    fn hello(&self, entropy: &Entropy, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<BoxKey, DisconnectReason> {
        if fields.take(2)? != VERSION {
            return Err(failed(CurveError::Version));
        }
        // RFC 26, The HELLO Command: all fields are validated
        if fields.take(PADDING.len())? != PADDING {
            return Err(malformed("HELLO"));
        }
        let client = PublicKey::from_bytes(fields.key()?);
        let number = fields.number()?;
        let signature = fields.take(80)?;
        fields.end()?;
        let key = BoxKey::between(self.settings.keys.secret(), &client).ok_or_else(|| failed(CurveError::WeakKey))?;
        match key.open(&boxes::short(HELLO_NONCE, &number), signature) {
            Some(signed) if boxes::same(&signed, SIGNED) => {}
            _ => return Err(failed(CurveError::Hello)),
        }
        let short_term = KeyPair::from(SecretKey::from_bytes(entropy.key(false)));
        let cookie_key = BoxKey::own(entropy.key(true));
        let mut held = [*client.as_bytes(), *short_term.secret().as_bytes()].concat();
        let mut text = [short_term.public().as_bytes(), entropy.nonce(false)].concat();
        cookie_key.seal(&boxes::long(*COOKIE_NONCE, entropy.nonce(false)), &held, &mut text);
        held.zeroize();
        let mut sealed = Vec::new();
        key.seal(&boxes::long(*WELCOME_NONCE, entropy.nonce(true)), &text, &mut sealed);
        put(&[WELCOME, entropy.nonce(true), &sealed], out);
        Ok(cookie_key)
    }

    /// Checks an INITIATE.
    fn initiate(&self, cookie_key: &BoxKey, fields: &mut Fields<'_>) -> Result<Initiated, DisconnectReason> {
        let weak = || failed(CurveError::WeakKey);
        let cookie = cookie(cookie_key, fields.take(COOKIE)?)?;
        let number = fields.number()?;
        let key = BoxKey::between(&cookie.short_term, &cookie.client).ok_or_else(weak)?;
        let text = key.open(&boxes::short(INITIATE_NONCE, &number), fields.rest);
        let mut text = text.ok_or_else(|| failed(CurveError::Initiate))?;
        let mut fields = Fields { command: "INITIATE", rest: &text };
        let client = PublicKey::from_bytes(fields.key()?);
        let mut voucher = Fields { command: "INITIATE", rest: fields.take(VOUCHER)? };
        let nonce = boxes::long(*VOUCH_NONCE, voucher.take(16)?);
        let permanent = BoxKey::between(&cookie.short_term, &client).ok_or_else(weak)?;
        let shown = permanent.open(&nonce, voucher.rest).ok_or_else(|| failed(CurveError::Vouch))?;
        let expected = [*cookie.client.as_bytes(), *self.settings.keys.public().as_bytes()].concat();
        if !boxes::same(&shown, &expected) {
            return Err(failed(CurveError::Vouch));
        }
        text.drain(..32 + VOUCHER);
        Ok(Initiated { key, number: u64::from_be_bytes(number), client, metadata: text })
    }

    fn admits(&self, client: &PublicKey) -> bool {
        // Every key is looked at, to the last byte.
        let known = |keys: &Vec<PublicKey>| {
            keys.iter().fold(false, |found, key| found | boxes::same(key.as_bytes(), client.as_bytes()))
        };
        self.settings.clients.as_ref().is_none_or(known)
    }
}

/// Opens what we gave the client to keep for us.
fn cookie(key: &BoxKey, sealed: &[u8]) -> Result<Cookie, DisconnectReason> {
    let (nonce, sealed) = sealed.split_at(16);
    let text = key.open(&boxes::long(*COOKIE_NONCE, nonce), sealed).ok_or_else(|| failed(CurveError::Cookie))?;
    let mut fields = Fields { command: "INITIATE", rest: &text };
    let client = PublicKey::from_bytes(fields.key()?);
    Ok(Cookie { client, short_term: SecretKey::from_bytes(fields.key()?) })
}

impl Handshake for Server {
    fn stage(&self) -> HandshakeStage {
        match self.state {
            State::New(_) => HandshakeStage::Security,
            _ => HandshakeStage::Ready,
        }
    }

    fn start(&mut self, _: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        match &self.state {
            State::New(entropy) => {
                let rest = body.strip_prefix(HELLO).ok_or_else(|| unexpected(body))?;
                let key = self.hello(entropy, &mut Fields { command: "HELLO", rest }, out)?;
                self.state = State::Welcome(key);
                Ok(Progress::Pending)
            }
            State::Welcome(cookie_key) => {
                let rest = body.strip_prefix(INITIATE).ok_or_else(|| unexpected(body))?;
                let mut fields = Fields { command: "INITIATE", rest };
                let Initiated { key, number, client, metadata } = self.initiate(cookie_key, &mut fields)?;
                if !self.admits(&client) {
                    return Err(refuse(out));
                }
                self.state = State::Initiate(key, number);
                let user = Some(client.to_string());
                Ok(Progress::Announced { command: "INITIATE", metadata: opened(&metadata), user })
            }
            State::Initiate(..) | State::Over => Err(unexpected(body)),
        }
    }

    fn admit(&mut self, out: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        let State::Initiate(key, heard) = std::mem::replace(&mut self.state, State::Over) else { return None };
        let number = READY_NUMBER.to_be_bytes();
        let mut sealed = Vec::new();
        key.seal(&boxes::short(READY_NONCE, &number), &self.metadata, &mut sealed);
        put(&[READY, &number, &sealed], out);
        Some(Box::new(Ciphers::new((key.stream(SERVER_NONCE), READY_NUMBER), (key.stream(CLIENT_NONCE), heard))))
    }
}
