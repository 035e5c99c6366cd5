//! What the tests of `browser/` have beside their page, as a process: `cargo xtask test pages` starts it.
//!
//! It prints where pages reach its two parts, and ends with its input: a [relay], which listens for them, and [sockets and a
//! service](service) of its own.

mod actors;
mod relay;
mod service;
#[path = "../../tests/common/shared.rs"]
mod shared;

use std::io;

use bowline::rpc::Server;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// As the macro of the tests calls it.
#[allow(unused_imports, reason = "it is not used here")]
use shared as common;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let actors = service::BesideServer::new(actors::Actors::default());
    let server = Server::builder().options(actors::options()).service(actors).build()?;
    println!("{} {}", listener.local_addr()?, server.bind("ws://127.0.0.1:*").await?);
    let (end, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _bytes = io::copy(&mut io::stdin(), &mut io::sink());
        drop(end);
    });
    tokio::select! {
        carried = relay::serve(listener) => carried?,
        _ = ended => {}
    }
    Ok(())
}
