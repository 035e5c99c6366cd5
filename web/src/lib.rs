//! What the npm package `bowline` calls: sockets and calls of a page, each crossing the border to JavaScript with as much as
//! there is. The package's own JavaScript (`web/js`) makes of it what is pleasant to use; nobody else should call it.
//!
//! | file | what it is |
//! |---|---|
//! | `socket` | sockets of every type |
//! | `packed` | messages, many in one array of bytes |
//! | `setup` | options, one method each |
//! | `event` | what a monitor tells, as JSON |
//! | `client`, `call` | a client, and a call that it makes |
//! | `handler` | calls that the page answers |
//! | `turn` | promises |
//! | `text` | JSON, written as text |
//! | `error` | errors, as JavaScript has them |

#![forbid(unsafe_code)]
#![cfg(target_arch = "wasm32")]

mod call;
mod client;
mod error;
mod event;
mod handler;
mod packed;
mod setup;
mod socket;
mod text;
mod turn;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[global_allocator]
static HEAP: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Lets the page carry the connections to an endpoint by itself: `make` returns what looks like a WebSocket.
#[wasm_bindgen]
pub fn carry(endpoint: &str, make: Option<Function>) {
    bowline::carry(endpoint, make);
}

/// A new key pair of CURVE: public, then secret.
#[wasm_bindgen]
pub fn curve_keys() -> Result<Vec<String>, JsValue> {
    let keys = bowline::curve::generate().map_err(|error| error::error("random", error))?;
    Ok(vec![keys.public().to_string(), keys.secret().to_z85().to_string()])
}
