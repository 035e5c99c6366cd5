//! The program `bowline` with pyzmq peers, as a user of both has them on one screen.

mod calls;
mod curve;
mod login;
mod monitor;
mod pipelines;
mod publishing;
mod requests;
mod routing;

/// Bind here; the program tells the port with `-v`.
const ANY: &str = "tcp://127.0.0.1:*";
