//! A service for web pages, which calls them back, and the store of the other example: what the tests of `web/` talk to.
//!
//! `cargo run --features ws,tls --example pages -- ws://127.0.0.1:0` prints the endpoint, and serves any page until
//! it is ended. A second endpoint, which it prints as well, sends every message back. With `wss://127.0.0.1:0 FILE` both are for
//! who trusts the authority whose certificate is in that file from then on.

#[path = "store/memory.rs"]
mod memory;
#[path = "store/service.rs"]
mod service;

use std::collections::VecDeque;
use std::time::Duration;

use bowline::rpc::{Context, Incoming, Server, Stream};
use bowline::tls::TlsServer;
use bowline::{Options, Origins, Router};
use futures_util::{StreamExt as _, stream};
use memory::Memory;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use service::StoreServer;

/// What the page offers.
#[bowline::service]
trait Page {
    async fn answer(&self, question: String) -> Result<String, String>;
    async fn count(&self, to: u32) -> impl Stream<Item = u32>;
    /// Never returns.
    async fn sleep(&self);
}

/// What it can ask for.
#[bowline::service]
trait Pages {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn divide(&self, a: i64, b: i64) -> Result<i64, String>;
    /// Returns after so many milliseconds.
    async fn wait(&self, millis: u64);
    async fn count(&self, to: u32) -> impl Stream<Item = u32>;
    /// 0, 1, 2 and so on, until nobody wants more.
    async fn forever(&self) -> impl Stream<Item = u64>;
    /// How many calls of `forever` are not over.
    async fn endless(&self) -> usize;
    async fn sum(&self, from: i64, items: impl Stream<Item = i64>) -> i64;
    async fn doubled(&self, items: impl Stream<Item = i64>) -> impl Stream<Item = i64>;
    #[rpc(oneway)]
    async fn note(&self, text: String);
    /// What was noted.
    async fn notes(&self) -> Vec<String>;
    /// Asks the page that asks.
    async fn ask(&self, question: String, cx: &Context) -> Result<String, String>;
    /// Lets the page count, and returns what it counted.
    async fn ask_count(&self, to: u32, cx: &Context) -> Result<Vec<u32>, String>;
    /// Lets the page sleep, and gives it up after so many milliseconds.
    async fn ask_sleep(&self, millis: u64, cx: &Context) -> String;
}

#[derive(Default)]
struct Answers {
    notes: std::sync::Mutex<Vec<String>>,
    endless: std::sync::Arc<()>,
}

impl Pages for Answers {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn divide(&self, a: i64, b: i64) -> Result<i64, String> {
        a.checked_div(b).ok_or_else(|| format!("{a} can't be divided by {b}"))
    }

    async fn wait(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to)
    }

    async fn forever(&self) -> impl Stream<Item = u64> {
        let one = std::sync::Arc::clone(&self.endless);
        stream::unfold((0, one), |(at, one)| async move {
            tokio::task::yield_now().await;
            Some((at, (at + 1, one)))
        })
    }

    async fn endless(&self) -> usize {
        std::sync::Arc::strong_count(&self.endless) - 1
    }

    async fn sum(&self, from: i64, items: Incoming<i64>) -> i64 {
        items.fold(from, |sum, item| async move { sum + item }).await
    }

    async fn doubled(&self, items: Incoming<i64>) -> impl Stream<Item = i64> {
        items.map(|item| 2 * item)
    }

    async fn note(&self, text: String) {
        self.notes.lock().expect("nobody panics here").push(text);
    }

    async fn notes(&self) -> Vec<String> {
        self.notes.lock().expect("nobody panics here").clone()
    }

    async fn ask(&self, question: String, cx: &Context) -> Result<String, String> {
        PageClient::new(cx.client()).answer(question).await.map_err(|error| error.to_string())
    }

    async fn ask_count(&self, to: u32, cx: &Context) -> Result<Vec<u32>, String> {
        PageClient::new(cx.client()).count(to).collect().await.map_err(|error| error.to_string())
    }

    async fn ask_sleep(&self, millis: u64, cx: &Context) -> String {
        let asked = PageClient::new(cx.client()).sleep().deadline(Duration::from_millis(millis)).await;
        asked.map_or_else(|error| error.to_string(), |()| "it returned".to_owned())
    }
}

/// A certificate for this machine, from an authority that is made for it.
fn certified(file: &str) -> Result<TlsServer, Box<dyn std::error::Error>> {
    let (key, of_authority) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut authority = CertificateParams::new(Vec::new())?;
    // By another name than its certificates, or they would seem to be their own.
    authority.distinguished_name.push(DnType::CommonName, "an authority of tests");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(file, authority.self_signed(&of_authority)?.pem())?;
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    let certificate = params.signed_by(&key, &Issuer::new(authority, of_authority))?;
    Ok(TlsServer::from_pem(certificate.pem(), key.serialize_pem())?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let endpoint = args.next().unwrap_or_else(|| "ws://127.0.0.1:0".to_owned());
    let mut options = Options::new().origins(Origins::Any);
    let mut echo = "ws://127.0.0.1:0";
    if endpoint.starts_with("wss:") {
        options = options.tls_server(certified(&args.next().ok_or("no file for the certificate of the authority")?)?);
        echo = "wss://127.0.0.1:0";
    }
    let pages = PagesServer::new(Answers::default());
    let store = StoreServer::new(Memory::new());
    let server = Server::builder().options(options.clone()).service(pages).service(store).build()?;
    println!("{}", server.bind(endpoint.as_str()).await?);

    // A ROUTER drops what a peer has no room for, and all is to come back.
    let router = Router::with_options(options.send_hwm(1_000_000));
    println!("{}", router.bind(echo).await?);
    let (mut came, mut back) = (Vec::new(), VecDeque::new());
    loop {
        router.recv_many(&mut came, 512).await?;
        back.extend(came.drain(..));
        router.send_many(&mut back).await?;
    }
}
