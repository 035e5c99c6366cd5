//! `bowline demo --web`: a page whose browser is itself a peer, with all that becomes of its connections.
//!
//! One port serves the page, which is part of the program, and what the page connects to: a ticker, an echo and services. Buttons
//! of the page cut, stall and restart them, by calls of one of the services.

mod actor;
mod counter;
mod page;
mod scene;
mod services;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, get};
use tokio::net::TcpListener;

use self::counter::Counter;
use self::scene::Scene;
use crate::failure::{Failure, plain_io};
use crate::signal::Interrupts;

/// How long the worker of the page sleeps when it is told to: long enough to be given up by then.
const NAP: Duration = Duration::from_secs(12);

/// Serves until somebody ends it.
pub(super) async fn run(at: &str) -> Result<(), Failure> {
    // A name that is none is found out here, whatever the program has.
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(at).await.map_err(|error| unfit(at, &error))?.collect();
    if page::package().is_empty() {
        let missing = "the page is not part of this program: run `cargo xtask web`, then build the program again";
        return Err(Failure::Error(missing.to_owned()));
    }
    let mut interrupts = Interrupts::listen()?;
    let failed = |error: std::io::Error| Failure::of(at, plain_io(&error));
    let listener = TcpListener::bind(&addresses[..]).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (scene, app) = stage(address);
    crate::note!("open http://{address} in a browser; Ctrl-C ends it");
    tokio::select! {
        served = axum::serve(listener, app) => served.map_err(failed),
        played = scene.play() => played,
        () = interrupts.next() => Ok(()),
    }
}

/// What is wrong with a place to serve at.
fn unfit(at: &str, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::InvalidInput => Failure::usage(at, "expected HOST:PORT"),
        _ => Failure::of(at, "the host is not known"),
    }
}

/// The sockets, and the places of the web server where they are.
fn stage(address: SocketAddr) -> (Scene, Router) {
    let scene = Scene::new(address);
    let app = scene.counters().into_iter().fold(page::routes(), |app, (path, counter)| {
        app.route(path, any(async move |request: Request| Counter::answer(&counter, request)))
    });
    // The answer takes so long that who waits for it sleeps.
    (scene, app.route("/nap", get(|| tokio::time::sleep(NAP))))
}
