//! Sockets at a route of axum: one port for the page and what it connects to.
#![cfg(feature = "axum")]

mod common;

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use bowline::rpc::health::{Condition, HealthClient};
use bowline::rpc::{Client, Server};
use bowline::{MonitorKind, Options, Origins, Pub, Pull, Push, Sub};
use common::{Script, quick, text, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves `app` as long as the test runs.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// What is answered to this request.
async fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn request(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
}

fn upgrade(more: &str) -> String {
    let more = format!("{more}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n");
    request("/zeromq", &format!("Connection: upgrade\r\nSec-WebSocket-Protocol: ZWS2.0\r\n{more}"))
}

#[tokio::test]
async fn a_page_and_a_publisher_share_a_port() {
    within("a_page_and_a_publisher_share_a_port", async {
        let publisher = Pub::new();
        let mut monitor = publisher.monitor();
        let app = Router::new().route("/", get(|| async { "the page" }));
        let address = serve(app.route_service("/zeromq", bowline::axum::upgrade(&publisher))).await;
        let sub = Sub::with_options(quick());
        sub.subscribe("a").unwrap();
        sub.connect(format!("ws://{address}/zeromq")).unwrap();
        let accepted = monitor.skip_to("accepted").await;
        assert_eq!(accepted.endpoint.unwrap().to_string(), format!("ws://{address}/zeromq"));
        publisher.wait_for_subscriber().await;
        publisher.send("about").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["about"]);
        assert!(ask(address, &request("/", "")).await.ends_with("the page"));
    })
    .await;
}

#[tokio::test]
async fn who_was_connected_stays_until_the_socket_closes_and_then_all_is_delivered() {
    within("who_was_connected_stays", async {
        let push = Push::new();
        let address = serve(Router::new().route_service("/zeromq", bowline::axum::upgrade(&push))).await;
        let pull = Pull::with_options(quick());
        let mut monitor = pull.monitor();
        pull.connect(format!("ws://{address}/zeromq")).unwrap();
        monitor.peers(1).await;
        for n in 0..1000 {
            push.send(n.to_string()).await.unwrap();
        }
        let receiving = async {
            for n in 0..1000 {
                assert_eq!(text(&pull.recv().await.unwrap()), [n.to_string()]);
            }
        };
        let (dropped, ()) = tokio::join!(push.close(), receiving);
        assert_eq!(dropped, 0);
        assert!(matches!(monitor.skip_to("disconnected").await.kind, MonitorKind::Disconnected(_)));
        let answer = ask(address, &upgrade("")).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn services_are_called_at_a_route() {
    within("services_are_called_at_a_route", async {
        let server = Server::builder().build().unwrap();
        let address = serve(Router::new().route_service("/rpc", bowline::axum::upgrade(&server))).await;
        let client = Client::connect(format!("ws://{address}/rpc")).unwrap();
        assert_eq!(HealthClient::new(client).check(String::new()).await.unwrap(), Condition::Serving);
    })
    .await;
}

#[tokio::test]
async fn who_is_refused_is_told_why() {
    within("who_is_refused_is_told_why", async {
        let publisher = Pub::with_options(Options::new().origins(Origins::only(["https://example.org"])));
        let address = serve(Router::new().route_service("/zeromq", bowline::axum::upgrade(&publisher))).await;
        for (head, status, words) in [
            (request("/zeromq", ""), "426", "the peer does not speak WebSocket"),
            (upgrade("Origin: https://evil.example\r\n"), "403", "whose origin is not admitted"),
            (upgrade("").replace("ZWS2.0", "mqtt"), "400", "no common subprotocol"),
        ] {
            let answer = ask(address, &head).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{answer}");
        }
    })
    .await;
}
