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
//! | `bridge` | a connection whose bytes the page carries by itself |
//! | `error` | errors, as JavaScript has them |

#![forbid(unsafe_code)]
#![cfg(target_arch = "wasm32")]

mod error;
mod event;
mod packed;
mod setup;
mod socket;
