//! Connections that the page carries by itself: it makes what looks like a WebSocket, and hands the bytes on.

use std::cell::RefCell;

use bowline_proto::map::Map;
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::WebSocket;

thread_local! {
    static CARRIERS: RefCell<Map<String, Function>> = RefCell::default();
}

/// From now on a connection to `endpoint` is what `make` returns: an object with the methods, properties and events of a
/// WebSocket that was made with the subprotocol `ZMTP3.1`. Without `make`, connections to it are those of the browser again.
pub fn carry(endpoint: &str, make: Option<Function>) {
    CARRIERS.with_borrow_mut(|carriers| match make {
        Some(make) => carriers.insert(endpoint.to_owned(), make),
        None => carriers.remove(endpoint),
    });
}

/// Whether the page carries connections to this endpoint.
pub(super) fn carries(endpoint: &str) -> bool {
    CARRIERS.with_borrow(|carriers| carriers.contains_key(endpoint))
}

/// A new connection, if the page carries it.
pub(super) fn made(endpoint: &str) -> Option<Result<WebSocket, JsValue>> {
    // Not under the borrow: the page may do anything.
    let make = CARRIERS.with_borrow(|carriers| carriers.get(endpoint).cloned())?;
    // It has what a WebSocket has, although it is none.
    Some(make.call0(&JsValue::UNDEFINED).map(JsCast::unchecked_into))
}
