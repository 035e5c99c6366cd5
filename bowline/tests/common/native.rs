//! The process beside a page, of which a test may ask for peers: `bowline/examples/beside`.

use std::sync::Arc;

use bowline::Endpoint;
use bowline::rpc::Client;

use super::desk::Shared;
use super::usual;

#[path = "../../examples/beside/service.rs"]
pub(crate) mod service;

pub(crate) use service::{BesideClient, How, Stranger};

/// The process.
pub(crate) async fn beside() -> BesideClient {
    let endpoint = tokio::net::beside().await;
    let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).connect().expect("an endpoint");
    BesideClient::new(client)
}

/// Has it serve a desk, until nobody listens to what that tells any more: where. What is told there is told by `shared` as
/// well, and whom `shared` lets through its gate it lets through there.
pub(crate) async fn desk(shared: &Arc<Shared>) -> Endpoint {
    let beside = beside().await;
    let mut tells = beside.desk();
    let place = tells.next().await.expect("a desk").expect("the process is there");
    let (told, ends) = (shared.told.clone(), shared.told.clone());
    let listening = async move {
        while let Some(Ok(what)) = tells.next().await {
            // Whoever has heard enough does not listen any more.
            let _heard_enough = told.send(what);
        }
    };
    let (shared, desk) = (Arc::clone(shared), place.clone());
    let letting = async move {
        loop {
            shared.gate.acquire().await.expect("the gate is not closed").forget();
            beside.permit(desk.clone()).await.expect("the process is there");
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = listening => {}
            () = letting => {}
            () = ends.closed() => {}
        }
    });
    place.parse().expect("an endpoint")
}
