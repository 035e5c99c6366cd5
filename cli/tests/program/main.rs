//! The program as a shell sees it: arguments, standard streams, exit codes.
//!
//! No test waits for a time to pass: it waits for a line, or for an end.

mod auth;
mod bench;
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
