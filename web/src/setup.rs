//! Options, one method each. The package knows their names and looks at the types of their values.

use std::time::Duration;

use bowline::curve::{CurveClient, KeyPair, PublicKey, SecretKey};
use bowline::{Identity, Mechanism, Options, PlainCredentials, Reconnect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::invalid;

/// The options of a socket or a client, before it is made.
#[wasm_bindgen]
#[derive(Default)]
pub struct Setup {
    pub(crate) options: Options,
    pub(crate) max_message: Option<usize>,
    pub(crate) retries: bool,
}

#[wasm_bindgen]
impl Setup {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self { retries: true, ..Self::default() }
    }

    pub fn send_hwm(&mut self, messages: u32) {
        self.options.send_hwm = messages as usize;
    }

    pub fn recv_hwm(&mut self, messages: u32) {
        self.options.recv_hwm = messages as usize;
    }

    pub fn identity(&mut self, identity: Vec<u8>) -> Result<(), JsValue> {
        self.options.identity = Identity::new(identity).map_err(invalid)?;
        Ok(())
    }

    pub fn linger(&mut self, time: Option<f64>) {
        self.options.linger = time.map(millis);
    }

    pub fn reconnect(&mut self, min: Option<f64>, max: Option<f64>) {
        self.options.reconnect = match (min, max) {
            (Some(min), Some(max)) => Reconnect::Exponential { min: millis(min), max: millis(max) },
            (Some(delay), None) => Reconnect::Fixed(millis(delay)),
            (None, _) => Reconnect::Never,
        };
    }

    pub fn max_attempts(&mut self, attempts: Option<u32>) {
        self.options.max_attempts = attempts;
    }

    pub fn connect_timeout(&mut self, time: Option<f64>) {
        self.options.connect_timeout = time.map(millis);
    }

    pub fn handshake_timeout(&mut self, time: f64) {
        self.options.handshake_timeout = millis(time);
    }

    pub fn heartbeat(&mut self, interval: Option<f64>) {
        self.options.heartbeat_interval = interval.map(millis);
    }

    pub fn heartbeat_timeout(&mut self, time: Option<f64>) {
        self.options.heartbeat_timeout = time.map(millis);
    }

    pub fn max_message_size(&mut self, bytes: Option<f64>) {
        self.options.max_message_size = bytes.map(|bytes| bytes as u64);
        self.max_message = bytes.map(|bytes| bytes as usize);
    }

    pub fn plain(&mut self, username: String, password: String) -> Result<(), JsValue> {
        let credentials = PlainCredentials::new(username, password).map_err(invalid)?;
        self.options.mechanism = Mechanism::PlainClient(credentials);
        Ok(())
    }

    pub fn curve(&mut self, server: &str, public: &str, secret: &str) -> Result<(), JsValue> {
        let server: PublicKey = server.parse().map_err(|error| invalid(format_args!("serverKey: {error}")))?;
        let secret: SecretKey = secret.parse().map_err(|error| invalid(format_args!("secretKey: {error}")))?;
        let keys = KeyPair::from(secret);
        let public: PublicKey = public.parse().map_err(|error| invalid(format_args!("publicKey: {error}")))?;
        if public != keys.public() {
            return Err(invalid("the publicKey is not that of the secretKey"));
        }
        self.options.mechanism = Mechanism::CurveClient(CurveClient::new(server, keys));
        Ok(())
    }

    pub fn immediate(&mut self, is_on: bool) {
        self.options.immediate = is_on;
    }

    pub fn conflate(&mut self, is_on: bool) {
        self.options.conflate = is_on;
    }

    pub fn router_mandatory(&mut self, is_on: bool) {
        self.options.router_mandatory = is_on;
    }

    pub fn req_relaxed(&mut self, is_on: bool) {
        self.options.req_relaxed = is_on;
    }

    pub fn req_correlate(&mut self, is_on: bool) {
        self.options.req_correlate = is_on;
    }

    pub fn retries(&mut self, is_on: bool) {
        self.retries = is_on;
    }
}

/// So many milliseconds; what is less than none is none.
pub(crate) fn millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(if millis > 0.0 { Duration::MAX } else { Duration::ZERO })
}
