//! What the tests of `browser/` have beside their page, as a process: `cargo xtask test pages` starts it.
//!
//! It prints where pages reach it, and ends with its input.

mod relay;

use std::io;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (end, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _bytes = io::copy(&mut io::stdin(), &mut io::sink());
        drop(end);
    });
    tokio::select! {
        served = relay::serve(listener) => served,
        _ = ended => Ok(()),
    }
}
