//! The services that every server offers by itself.

mod common;

use std::time::Duration;

use bowline::rpc::health::{Condition, HealthClient};
use bowline::rpc::reflection::{ReflectionClient, ServiceInfo};
use bowline::rpc::{CallError, Clash, Client, Code, Codec, Server, ServerBuilder};
use common::{At, usual};

/// Says what it hears.
#[bowline::service(name = "tests.Echo")]
trait Echo {
    /// The same again.
    #[rpc(idempotent)]
    async fn echo(&self, text: String) -> String;
}

struct Same;

impl Echo for Same {
    async fn echo(&self, text: String) -> String {
        text
    }
}

async fn serve(at: At, builder: ServerBuilder) -> (Server, Client) {
    let server = builder.build().unwrap();
    let endpoint = server.bind(at.any()).await.unwrap();
    (server, Client::builder().options(usual()).endpoint(endpoint).connect().unwrap())
}

fn echo() -> ServerBuilder {
    Server::builder().options(usual()).service(EchoServer::new(Same))
}

for_each_transport! {
    async fn a_server_tells_what_services_it_has(at: At) {
        let (server, client) = serve(at, echo()).await;
        let reflection = ReflectionClient::new(client.clone());
        let services = reflection.services().await.unwrap();
        let names: Vec<_> = services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["bowline.health", "bowline.reflection", "tests.Echo"]);
        assert_eq!(services[2], ServiceInfo::from(EchoClient::SCHEMA));
        assert_eq!(services[2].methods[0].docs, "The same again.");
        assert_eq!(reflection.service("tests.Echo".into()).await.unwrap().as_ref(), Some(&services[2]));
        assert_eq!(reflection.service("nothing".into()).await.unwrap(), None);
        // As a program in another language asks.
        let json = ReflectionClient::new(client.with_codec(Codec::Json));
        assert_eq!(json.services().await.unwrap(), services);
        client.close().await;
        server.close().await;
    }

    async fn every_service_serves_until_the_application_says_otherwise(at: At) {
        let (server, client) = serve(at, echo()).await;
        let health = HealthClient::new(client.clone());
        assert_eq!(health.check(String::new()).await.unwrap(), Condition::Serving);
        assert_eq!(health.check("tests.Echo".into()).await.unwrap(), Condition::Serving);
        assert_eq!(health.check("nothing".into()).await.unwrap(), Condition::Unknown);
        let mut watched = health.watch("tests.Echo".into());
        assert_eq!(watched.next().await.unwrap().unwrap(), Condition::Serving);
        server.health().set("", Condition::NotServing);
        server.health().set("tests.Echo", Condition::NotServing);
        assert_eq!(watched.next().await.unwrap().unwrap(), Condition::NotServing);
        server.health().set("tests.Echo", Condition::Serving);
        assert_eq!(watched.next().await.unwrap().unwrap(), Condition::Serving);
        assert_eq!(health.check(String::new()).await.unwrap(), Condition::NotServing);
        client.close().await;
        server.close().await;
    }

    async fn a_server_that_drains_is_not_kept_by_those_who_watch_it(at: At) {
        let (server, client) = serve(at, echo()).await;
        let mut watched = HealthClient::new(client.clone()).watch(String::new());
        assert_eq!(watched.next().await.unwrap().unwrap(), Condition::Serving);
        // Longer than any test may take.
        let drained = server.drain(Duration::from_secs(3600));
        let told = async {
            assert_eq!(watched.next().await.unwrap().unwrap(), Condition::NotServing);
            assert!(watched.next().await.is_none());
        };
        tokio::join!(drained, told);
        assert_eq!(server.health().get("tests.Echo"), Condition::NotServing);
        client.close().await;
    }

    async fn a_server_without_them_tells_nothing(at: At) {
        let (server, client) = serve(at, echo().builtin(false)).await;
        match ReflectionClient::new(client.clone()).services().await {
            Err(CallError::Status(status)) => assert_eq!(status.code, Code::UNKNOWN_METHOD),
            other => panic!("{other:?}"),
        }
        assert_eq!(EchoClient::new(client.clone()).echo("on".into()).await.unwrap(), "on");
        client.close().await;
        server.close().await;
    }
}

#[tokio::test]
async fn a_service_is_offered_once() {
    let clash = echo().service(EchoServer::new(Same)).build().expect_err("twice the same");
    let name = "tests.Echo/echo".to_owned();
    assert_eq!(clash, Clash { first: name.clone(), second: name });
}
