//! Layers of tower around a server: others' and one of our own.
#![cfg(feature = "tower")]

mod common;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowline::Endpoint;
use bowline::rpc::health::HealthClient;
use bowline::rpc::middleware::{Dispatch, Request};
use bowline::rpc::{CallError, Client, Code, Outcome, Retries, Server, ServerBuilder, Status};
use common::desk::{self, DeskClient, Ear, fed};
use common::{At, glance, quick, settle, usual};
use tokio::sync::mpsc;
use tower::layer::layer_fn;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, ServiceBuilder, service_fn};

async fn serve(at: At, layer: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Server, Endpoint, Ear) {
    let (desk, ear) = desk::desk();
    let server = layer(Server::builder().options(usual()).service(desk)).build().unwrap();
    let endpoint = server.bind(at.any()).await.unwrap();
    (server, endpoint, ear)
}

async fn open(at: At, layer: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Server, DeskClient, Ear) {
    let (server, endpoint, ear) = serve(at, layer).await;
    (server, desk::ready(Client::builder().options(usual()).endpoint(endpoint).connect().unwrap()).await, ear)
}

fn status<T: std::fmt::Debug, E: std::fmt::Debug>(result: Result<T, CallError<E>>) -> Status {
    match result {
        Err(CallError::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}

/// Lets nobody pass without this token among the metadata.
#[derive(Clone)]
struct Guard<S> {
    inner: S,
    token: &'static str,
}

impl<S> tower::Service<Request> for Guard<S>
where
    S: tower::Service<Request, Response = (), Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.context().metadata().get("token").is_none_or(|token| &token[..] != self.token.as_bytes()) {
            return Box::pin(async { Err(Status::new(Code::UNAUTHENTICATED, "who are you?").into()) });
        }
        let handled = self.inner.call(request);
        Box::pin(async { handled.await.map_err(Into::into) })
    }
}

for_each_transport! {
    async fn a_layer_sees_who_calls_what_with_which_metadata(at: At) {
        let (told, mut seen) = mpsc::unbounded_channel();
        let log = ServiceBuilder::new().map_request(move |request: Request| {
            let context = request.context();
            let tag = context.metadata().get("tag").map(|tag| String::from_utf8_lossy(tag).into_owned());
            let late = context.remaining().is_some();
            told.send((context.method().name, context.peer().identity.to_vec(), tag, late)).unwrap();
            request
        });
        let (_server, endpoint, _ear) = serve(at, |builder| builder.layer(log)).await;
        let named = usual().identity("me".parse().unwrap());
        let client = Client::builder().options(usual()).endpoint(endpoint).options(named).connect().unwrap();
        let client = desk::ready(client).await;
        let call = client.add(1, 2).metadata("tag", "blue").deadline(Duration::from_secs(1000));
        assert_eq!(call.await.unwrap(), 3);
        assert_eq!(seen.recv().await.unwrap(), ("add", b"me".to_vec(), Some("blue".to_owned()), true));
        assert_eq!(client.count(3).collect().await.unwrap(), [0, 1, 2]);
        assert_eq!(seen.recv().await.unwrap(), ("count", b"me".to_vec(), None, false));
    }

    async fn calls_of_all_kinds_pass_through_a_layer(at: At) {
        let limit = ConcurrencyLimitLayer::new(100);
        let (_server, client, mut ear) = open(at, |builder| builder.layer(limit)).await;
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
        assert!(matches!(client.fail(&["no"]).await, Err(CallError::Failed(error)) if error.words == ["no"]));
        assert_eq!(client.count(1000).collect().await.unwrap().len(), 1000);
        assert_eq!(client.sum(desk::iter(0..1000)).await.unwrap(), 499_500);
        let (feed, items) = fed();
        let mut echo = client.echo(items);
        feed.send("one".to_owned()).unwrap();
        assert_eq!(echo.next().await.unwrap().unwrap(), "one");
        drop(feed);
        assert!(echo.next().await.is_none());
        client.touch("it").await.unwrap();
        assert_eq!(ear.next().await, "touched it");
    }

    async fn a_layer_of_our_own_turns_away_whoever_has_no_token(at: At) {
        let guard = layer_fn(|inner| Guard { inner, token: "secret" });
        let (_server, client, mut ear) = open(at, |builder| builder.layer(guard)).await;
        let refused = status(client.gate().await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::UNAUTHENTICATED, "who are you?"));
        assert_eq!(refused.outcome(), Outcome::NotExecuted);
        let refused = client.count(3).metadata("token", "guessed").next().await.unwrap();
        assert_eq!(status(refused).code, Code::UNAUTHENTICATED);
        let builtin = HealthClient::new(client.0.clone()).check(String::new()).await;
        assert_eq!(status(builtin).code, Code::UNAUTHENTICATED);
        assert_eq!(client.add(1, 2).metadata("token", "secret").await.unwrap(), 3);
        assert!(ear.is_silent());
    }

    // The timeout of tower is a timer of tokio, which a page has not.
    #[cfg(not(target_family = "wasm"))]
    async fn a_timeout_ends_the_handler_and_its_caller_is_told(at: At) {
        let timeout = TimeoutLayer::new(Duration::from_millis(20));
        let (_server, client, mut ear) = open(at, |builder| builder.layer(timeout)).await;
        let late = status(client.wait().await);
        assert_eq!((late.code, late.reason.as_str()), (Code::INTERNAL, "request timed out"));
        assert_eq!([ear.next().await, ear.next().await], ["wait begun", "wait dropped"]);
        let late = client.endless(10).collect().await;
        assert_eq!(status(late).code, Code::INTERNAL);
        assert_eq!([ear.next().await, ear.next().await], ["endless begun", "endless dropped"]);
    }

    // The timeout of tower is a timer of tokio, which a page has not.
    #[cfg(not(target_family = "wasm"))]
    async fn what_a_layer_says_can_be_said_otherwise(at: At) {
        let layers = ServiceBuilder::new()
            .map_err(|_: BoxError| Status::new(Code::DEADLINE, "too long"))
            .timeout(Duration::from_millis(20));
        let (_server, client, _ear) = open(at, |builder| builder.layer(layers)).await;
        assert!(matches!(client.wait().await, Err(CallError::Deadline { outcome: Outcome::MaybeExecuted })));
    }

    async fn calls_beyond_a_limit_wait_for_their_turn(at: At) {
        let (_server, client, mut ear) = open(at, |builder| builder.layer(ConcurrencyLimitLayer::new(1))).await;
        let mut first = client.gate();
        assert!(glance(&mut first).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let second = tokio::spawn(client.gate());
        let other_service = tokio::spawn(HealthClient::new(client.0.clone()).check("Desk".to_owned()));
        settle().await;
        assert!(ear.is_silent() && !other_service.is_finished());
        ear.shared.gate.add_permits(2);
        first.await.unwrap();
        assert_eq!(ear.next().await, "gate begun");
        second.await.unwrap().unwrap();
        other_service.await.unwrap().unwrap();
    }

    async fn what_is_refused_for_the_load_is_made_again_by_itself(at: At) {
        let layers = ServiceBuilder::new()
            .map_err(|_: BoxError| Status::new(Code::REFUSED, "busy"))
            .layer(LoadShedLayer::new())
            .layer(ConcurrencyLimitLayer::new(1));
        let (_server, endpoint, mut ear) = serve(at, |builder| builder.layer(layers)).await;
        let client = Client::builder().options(usual()).endpoint(endpoint.clone()).options(quick()).connect().unwrap();
        let client = desk::ready(client).await;
        let mut first = client.gate();
        assert!(glance(&mut first).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let hasty = Client::builder().options(usual()).endpoint(endpoint).retries(Retries::NONE).connect().unwrap();
        let refused = status(DeskClient(hasty).add(1, 2).await);
        assert_eq!((refused.code, refused.outcome()), (Code::REFUSED, Outcome::NotExecuted));
        let patient = tokio::spawn(client.add(1, 2));
        settle().await;
        assert!(!patient.is_finished());
        ear.shared.gate.add_permits(1);
        first.await.unwrap();
        assert_eq!(patient.await.unwrap().unwrap(), 3);
    }

    async fn the_first_layer_is_the_outermost(at: At) {
        let (told, mut seen) = mpsc::unbounded_channel();
        let tell = |name: &'static str| {
            let told = told.clone();
            ServiceBuilder::new().map_request(move |request: Request| {
                told.send(name).unwrap();
                request
            })
        };
        let (outer, inner) = (tell("outer"), tell("inner"));
        let (_server, client, _ear) = open(at, |builder| builder.layer(outer).layer(inner)).await;
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
        assert_eq!([seen.recv().await, seen.recv().await], [Some("outer"), Some("inner")]);
    }

    // The timeout of tower is a timer of tokio, which a page has not.
    #[cfg(not(target_family = "wasm"))]
    async fn the_error_of_the_outer_layer_is_told_though_it_drops_an_inner_one(at: At) {
        let (timeout, limit) = (TimeoutLayer::new(Duration::from_millis(20)), ConcurrencyLimitLayer::new(1));
        let (_server, client, _ear) = open(at, |builder| builder.layer(timeout).layer(limit)).await;
        assert_eq!(status(client.wait().await).reason, "request timed out");
        let (_server, client, _ear) = open(at, |builder| {
            builder.layer(ConcurrencyLimitLayer::new(1)).layer(TimeoutLayer::new(Duration::from_millis(20)))
        })
        .await;
        assert_eq!(status(client.wait().await).reason, "request timed out");
    }

    async fn a_call_that_a_layer_lets_fall_is_answered_all_the_same(at: At) {
        let forget = layer_fn(|_: Dispatch| service_fn(async |_: Request| Ok::<_, BoxError>(())));
        let (_server, client, mut ear) = open(at, |builder| builder.layer(forget)).await;
        let unanswered = status(client.gate().await);
        assert_eq!((unanswered.code, unanswered.reason.as_str()), (Code::INTERNAL, "the handler gave no answer"));
        assert!(ear.is_silent());
    }

    // In a page a panic ends all.
    #[cfg(panic = "unwind")]
    async fn a_handler_behind_a_layer_may_panic_or_forget_to_answer(at: At) {
        let (_server, client, _ear) = open(at, |builder| builder.layer(ConcurrencyLimitLayer::new(1))).await;
        for (name, reason) in [
            ("panic", "the handler panicked"),
            ("panic_later", "the handler panicked"),
            ("no_answer", "the handler gave no answer"),
        ] {
            let status = status(client.plain::<()>(name).await);
            assert_eq!((status.code, status.reason.as_str()), (Code::INTERNAL, reason), "{name}");
        }
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
    }

    async fn a_call_that_is_dropped_cancels_its_handler_behind_a_layer(at: At) {
        let (_server, client, mut ear) = open(at, |builder| builder.layer(ConcurrencyLimitLayer::new(1))).await;
        let mut call = client.wait();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        drop(call);
        assert_eq!(ear.next().await, "wait dropped");
        // Its place is free again.
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
    }
}
