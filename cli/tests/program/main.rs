//! The program as a shell sees it: arguments, standard streams, exit codes.
//!
//! No test waits for a time to pass: it waits for a line, or for an end.

// The store of the examples, for whatever needs a server with services.
#[path = "../../../bowline/examples/store/memory.rs"]
#[allow(dead_code, reason = "the program uses more of it")]
mod memory;
#[path = "../../../bowline/examples/store/service.rs"]
mod service;

mod auth;
mod bench;
mod codegen;
#[cfg(unix)]
mod curve;
mod demo;
mod ends;
mod errors;
mod folder;
mod monitor;
mod pipelines;
mod process;
mod publishing;
mod requests;
mod routing;
mod tls;
