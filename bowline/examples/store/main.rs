//! A store of keys and values: the service, and a program that serves it and calls it.
//!
//! ```sh
//! cargo run --example store -- serve tcp://127.0.0.1:7400 &
//! cargo run --example store -- put tcp://127.0.0.1:7400 greeting hello
//! cargo run --example store -- watch tcp://127.0.0.1:7400
//! ```

mod memory;
mod service;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bowline::rpc::{Blob, Client, Server};
use futures_util::stream;
use memory::Memory;
use service::{Change, StoreClient, StoreServer};

const USAGE: &str = "usage: store serve ENDPOINT
       store get|delete ENDPOINT KEY
       store put ENDPOINT KEY VALUE
       store list|watch ENDPOINT [PREFIX]
       store upload ENDPOINT KEY FILE";

/// So much of a file is sent at once.
const CHUNK: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", endpoint] => serve(endpoint).await,
        [command, endpoint, ref rest @ ..] => call(command, endpoint, rest).await,
        _ => Err(USAGE.into()),
    };
    done.inspect_err(|problem| eprintln!("{problem}")).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

async fn serve(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(StoreServer::new(Memory::new())).build()?;
    println!("serving at {}", server.bind(endpoint).await?);
    std::future::pending().await
}

async fn call(command: &str, endpoint: &str, rest: &[&str]) -> Result<(), Box<dyn Error>> {
    let client = Client::connect(endpoint)?;
    let store = StoreClient::new(client.clone());
    match (command, rest) {
        ("get", [key]) => {
            let value = store.get((*key).to_owned()).deadline(Duration::from_secs(5)).await?;
            println!("{}", String::from_utf8_lossy(&value));
        }
        ("put", [key, value]) => store.put((*key).to_owned(), Blob::from((*value).to_owned())).await?,
        ("delete", [key]) => store.delete((*key).to_owned()).await?,
        ("list", [] | [_]) => {
            for key in store.list(rest.concat()).await? {
                println!("{key}");
            }
        }
        ("watch", [] | [_]) => {
            let mut changes = store.watch(rest.concat());
            while let Some(change) = changes.next().await {
                match change? {
                    Change::Put(key, value) => println!("{key} = {}", String::from_utf8_lossy(&value)),
                    Change::Deleted(key) => println!("{key} is gone"),
                    Change::UpToDate => println!("-- from here on as it happens"),
                    Change::Missed(n) => println!("-- too slow for {n} changes"),
                }
            }
        }
        ("upload", [key, file]) => {
            let content = Blob::from(std::fs::read(file)?).into_bytes();
            // Slices of one buffer: nothing is copied here.
            let chunks = (0..content.len()).step_by(CHUNK);
            let chunks = chunks.map(move |at| Blob::from(content.slice(at..content.len().min(at + CHUNK))));
            let len = store.upload((*key).to_owned(), stream::iter(chunks)).await?;
            println!("{len} bytes");
        }
        _ => return Err(USAGE.into()),
    }
    client.close().await;
    Ok(())
}
