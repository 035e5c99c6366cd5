//! What the suites ask of tokio, on the runtime of a page: they are compiled here as they stand natively.
//!
//! Only tests use it; `bowline` itself has its own way to this runtime, and no part of this.

#![forbid(unsafe_code)]
#![cfg(target_arch = "wasm32")]

pub mod net;
pub mod task;
pub mod time;

pub use task::spawn;
pub use tokio_itself::{io, join, pin, select, sync, try_join};
/// In place of tokio's attribute of this name.
pub use wasm_bindgen_test::wasm_bindgen_test as test;
