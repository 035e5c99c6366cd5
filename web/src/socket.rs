//! Sockets of every type.

use bowline::{AnySocket, Message, Monitor, RecvError, StateWatch};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::error::{invalid, receiving, sending};
use crate::setup::Setup;
use crate::turn::promise;
use crate::{event, packed};

/// So many bytes make a batch, whatever is left for the next one: what waits in a batch is in no high-water mark.
const BATCH_BYTES: usize = 1024 * 1024;

/// A socket.
#[wasm_bindgen]
pub struct Socket(pub(crate) AnySocket);

#[wasm_bindgen]
impl Socket {
    /// A socket of this type, as `SUB`.
    #[wasm_bindgen(constructor)]
    pub fn new(socket_type: &str, setup: Setup) -> Result<Self, JsValue> {
        let socket_type = socket_type.parse().map_err(invalid)?;
        Ok(Self(AnySocket::new(socket_type, setup.options)))
    }

    pub fn connect(&self, endpoint: &str) -> Result<String, JsValue> {
        self.0.connect(endpoint).map(|endpoint| endpoint.to_string()).map_err(invalid)
    }

    pub fn disconnect(&self, endpoint: &str) -> Result<(), JsValue> {
        self.0.disconnect(endpoint).map_err(invalid)
    }

    /// Resolves with the endpoint.
    pub fn bind(&self, endpoint: String) -> Promise {
        let socket = self.0.clone();
        promise(async move {
            socket.bind(endpoint.as_str()).await.map(|endpoint| endpoint.to_string().into()).map_err(invalid)
        })
    }

    pub fn subscribe(&self, topic: &[u8]) -> Result<(), JsValue> {
        self.0.subscribe(topic).map_err(|error| crate::error::error("unsupported", error))
    }

    pub fn unsubscribe(&self, topic: &[u8]) -> Result<(), JsValue> {
        self.0.unsubscribe(topic).map_err(|error| crate::error::error("unsupported", error))
    }

    /// Sends what there is room for of the messages, and returns how many that were.
    pub fn try_send(&self, packed: Vec<u8>) -> Result<usize, JsValue> {
        let mut messages = packed::unpack(packed).ok_or_else(|| invalid("no packed messages"))?;
        match self.0.try_send_many(&mut messages) {
            Ok(sent) => Ok(sent),
            Err(bowline::SendErrorKind::WouldBlock) => Ok(0),
            Err(kind) => Err(sending(kind)),
        }
    }

    /// Sends all of the messages; resolves when there was room for the last one.
    pub fn send(&self, packed: Vec<u8>) -> Promise {
        let socket = self.0.clone();
        promise(async move {
            let mut messages = packed::unpack(packed).ok_or_else(|| invalid("no packed messages"))?;
            socket.send_many(&mut messages).await.map(|()| JsValue::UNDEFINED).map_err(sending)
        })
    }

    /// Messages that are there, up to `most`; `undefined` if there is none.
    pub fn try_recv(&self, most: usize) -> Result<Option<Uint8Array>, JsValue> {
        let mut messages = Vec::new();
        match fill(&self.0, &mut messages, most) {
            Err(RecvError::WouldBlock) => Ok(None),
            Err(error) => Err(receiving(error)),
            Ok(()) => Ok(Some(packed::pack(&messages))),
        }
    }

    /// Resolves with messages, at least one and up to `most`, as soon as there are any.
    pub fn recv(&self, most: usize) -> Promise {
        let socket = self.0.clone();
        promise(async move {
            let mut messages = vec![socket.recv().await.map_err(receiving)?];
            // That there are no more is no error.
            let _none = fill(&socket, &mut messages, most);
            Ok(packed::pack(&messages).into())
        })
    }

    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    pub fn state(&self) -> String {
        self.0.state().current().name().to_owned()
    }

    /// Calls `handler` with each state from now on, the present one left out.
    pub fn on_state(&self, handler: Function) {
        tell_states(self.0.state(), handler);
    }

    pub fn events(&self) -> Events {
        Events::new(self.0.monitor())
    }

    /// The peers, as JSON.
    pub fn peers(&self) -> String {
        event::peers(&self.0.peers())
    }

    /// Ends the connection to a peer.
    pub fn disconnect_peer(&self, connection: f64) -> Result<(), JsValue> {
        self.0.disconnect_peer(bowline::ConnectionId(connection as u64)).map_err(invalid)
    }

    /// Whether there is a network.
    pub fn set_network(&self, is_there: bool) {
        self.0.set_network(is_there);
    }

    /// Resolves with the number of messages that were dropped.
    pub fn close(&self) -> Promise {
        let socket = self.0.clone();
        promise(async move { Ok((socket.close().await as f64).into()) })
    }

    pub fn stop(&self) {
        self.0.stop();
    }
}

/// Receives what is there, until there are `most` messages, or enough bytes.
fn fill(socket: &AnySocket, messages: &mut Vec<Message>, most: usize) -> Result<(), RecvError> {
    let mut bytes = 0;
    let is_enough = |messages: &Vec<Message>, bytes| messages.len() >= most || bytes >= BATCH_BYTES;
    bytes += messages.iter().map(Message::size).sum::<usize>();
    while !is_enough(messages, bytes) {
        // Few at a time, so that large ones don't become too many bytes.
        let (before, room) = (messages.len(), (most - messages.len()).min(64));
        match socket.try_recv_many(messages, room) {
            Ok(_) => bytes += messages[before..].iter().map(Message::size).sum::<usize>(),
            Err(error) if messages.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(())
}

/// Calls `handler` with each state after the present one, until the last.
pub(crate) fn tell_states(mut states: StateWatch, handler: Function) {
    spawn_local(async move {
        while let Some(state) = states.changed().await {
            // What it throws is the page's affair, and the package catches it.
            let _thrown = handler.call1(&JsValue::UNDEFINED, &state.name().into());
        }
    });
}

/// What a monitor hears.
#[wasm_bindgen]
pub struct Events(std::rc::Rc<futures_util::lock::Mutex<Monitor>>);

impl Events {
    pub(crate) fn new(monitor: Monitor) -> Self {
        Self(std::rc::Rc::new(futures_util::lock::Mutex::new(monitor)))
    }
}

#[wasm_bindgen]
impl Events {
    /// Resolves with the next events, as a JSON list; with `undefined` after the last one.
    pub fn next(&self) -> Promise {
        let monitor = std::rc::Rc::clone(&self.0);
        promise(async move {
            let mut monitor = monitor.lock().await;
            let Some(first) = monitor.next().await else { return Ok(JsValue::UNDEFINED) };
            let mut events = vec![event::object(&first)];
            while let Some(Some(event)) = futures_util::FutureExt::now_or_never(monitor.next()) {
                events.push(event::object(&event));
            }
            Ok(crate::text::list(&events).into())
        })
    }
}
