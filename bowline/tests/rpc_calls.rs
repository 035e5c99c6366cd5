//! Calls with one answer, over every transport.

mod common;

use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use bowline::rpc::{
    Balance, Blob, CallError, Client, Code, Codec, Encoded, Exchange, Kind, Method, Never, Outcome, Schema, Server,
    Service, Unreachable,
};
use common::desk::{self, DeskClient, DeskError, Ear};
use common::{At, glance, usual};

for_each_transport! {
    served async fn a_call_is_answered(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        assert_eq!(client.add(20, 22).await.unwrap(), 42);
    }

    async fn calls_that_are_made_before_the_server_is_there_wait_for_it(at: At) {
        let endpoint = at.place();
        let options = common::quick();
        let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(options).connect().unwrap();
        let call = tokio::spawn(DeskClient(client.clone()).add(1, 2));
        common::settle().await;
        assert!(!client.is_connected() && !call.is_finished());
        let (desk, _ear) = desk::desk();
        let server = Server::builder().options(usual()).service(desk).build().unwrap();
        server.bind(endpoint.as_str()).await.unwrap();
        assert_eq!(call.await.unwrap().unwrap(), 3);
    }

    served async fn a_thousand_calls_at_once_are_each_answered_with_their_own_result(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let calls: Vec<_> = (0..1000).map(|n| tokio::spawn(client.add(n, 1))).collect();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap().unwrap(), n + 1);
        }
    }

    served async fn more_calls_than_a_connection_has_streams_wait_for_their_place(at: At) {
        let (_server, client, ear) = desk::open(at).await;
        let calls: Vec<_> = (0..3000).map(|_| tokio::spawn(client.gate())).collect();
        ear.shared.gate.add_permits(3000);
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }

    served async fn the_services_own_error_arrives_as_it_was_returned(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let words = ["structured", "and", "whole"];
        match client.fail(&words).await {
            Err(CallError::Failed(error)) => {
                assert_eq!(error, DeskError { code: 7, words: words.map(str::to_owned).into() });
            }
            other => panic!("{other:?}"),
        }
    }

    served async fn arguments_and_results_may_be_longer_than_any_window(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        for len in [0_u32, 40, 65_535, 65_536, 70_000, 3_000_000] {
            let blob = Blob::from((0..len).map(|n| (n % 251) as u8).collect::<Vec<u8>>());
            assert_eq!(client.mirror(blob.clone()).await.unwrap(), blob, "{len}");
        }
    }

    async fn in_process_raw_bytes_are_passed_as_they_are_whatever_their_length(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let raw = DeskClient(client.0.with_codec(Codec::Raw));
        for len in [100, 5_000, 70_000, 3_000_000] {
            let blob = Blob::from(vec![7; len]);
            let back = raw.mirror(blob.clone()).await.unwrap();
            assert_eq!(back.as_ptr() == blob.as_ptr(), at.is_inproc() && len > 4096, "{len}");
        }
    }

    served async fn every_codec_carries_calls(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
            let client = DeskClient(client.0.with_codec(codec));
            assert_eq!(client.add(1, 2).await.unwrap(), 3, "{codec}");
            assert!(matches!(client.fail(&["no"]).await, Err(CallError::Failed(_))), "{codec}");
        }
        let raw = DeskClient(client.0.with_codec(Codec::Raw));
        assert_eq!(raw.mirror(Blob::from("bytes")).await.unwrap(), Blob::from("bytes"));
    }

    served async fn a_one_way_call_arrives_and_is_answered_by_nothing(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        for what in ["one", "two"] {
            client.touch(what).await.unwrap();
            assert_eq!(ear.next().await, format!("touched {what}"));
        }
    }

    served async fn what_a_caller_says_along_with_a_call_reaches_the_handler(at: At) {
        let (_server, endpoint, _ear) = desk::serve(at).await;
        let options = usual().identity("caller-1".parse().unwrap());
        let client = DeskClient(Client::builder().options(usual()).endpoint(endpoint).options(options).connect().unwrap());
        let (identity, tag): (Vec<u8>, Option<String>) =
            client.plain("whoami").metadata("tag", "blue").urgency(0).await.unwrap();
        assert_eq!((identity.as_slice(), tag.as_deref()), (&b"caller-1"[..], Some("blue")));
    }

    served async fn one_client_calls_several_servers_in_turn(at: At) {
        let mut ears: Vec<Ear> = Vec::new();
        let (mut servers, mut builder) = (Vec::new(), Client::builder().options(usual()));
        for _ in 0..3 {
            let (server, endpoint, ear) = desk::serve(at).await;
            builder = builder.endpoint(endpoint);
            servers.push(server);
            ears.push(ear);
        }
        let client = DeskClient(builder.connect().unwrap());
        common::until(|| client.0.peers().len() == 3).await;
        for _ in 0..6 {
            // To ask takes nobody's turn.
            assert!(client.0.is_connected());
            client.0.wait_ready().await.unwrap();
            client.touch("it").await.unwrap();
        }
        for ear in &mut ears {
            assert_eq!([ear.next().await, ear.next().await], ["touched it", "touched it"]);
            assert!(ear.is_silent());
        }
    }

    served async fn a_client_that_looks_at_what_is_pending_spares_the_server_that_is_busy(at: At) {
        let (_one, first, mut busy) = desk::serve(at).await;
        let (_other, second, mut idle) = desk::serve(at).await;
        let builder = Client::builder().options(usual()).balance(Balance::LeastPending);
        let client = DeskClient(builder.endpoint(first).endpoint(second).connect().unwrap());
        common::until(|| client.0.peers().len() == 2).await;
        let mut pending = client.gate();
        assert!(glance(&mut pending).await.is_none());
        tokio::select! {
            told = busy.next() => assert_eq!(told, "gate begun"),
            told = idle.next() => {
                assert_eq!(told, "gate begun");
                std::mem::swap(&mut busy, &mut idle);
            }
        }
        for _ in 0..10 {
            client.plain::<Option<Duration>>("remaining").await.unwrap();
            client.touch("it").await.unwrap();
            assert_eq!(idle.next().await, "touched it");
        }
        assert!(busy.is_silent());
        busy.shared.gate.add_permits(1);
        pending.await.unwrap();
    }
}

/// A service of one method with a shape.
struct Shaped;

static SHAPED: Schema = Schema { name: "Shaped", docs: "", methods: &[method(5)] };

const fn method(shape: u64) -> Method {
    Method { shape, signature: "() -> ()", ..Method::new("Shaped", "method", Kind::Unary) }
}

impl Service for Shaped {
    fn schema(&self) -> &'static Schema {
        &SHAPED
    }

    fn call(&self, _method: usize, exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(exchange.reply::<(), Never>(Ok(())))
    }
}

#[tokio::test]
async fn methods_of_another_shape_are_refused_unless_the_codec_says_what_it_holds() {
    static OTHER: Method = method(6);
    static UNKNOWN: Method = method(0);
    let server = Server::builder().options(usual()).service(Shaped).build().unwrap();
    let client = Client::connect(server.bind(At::Inproc.any()).await.unwrap()).unwrap();
    match client.unary::<_, (), Never>(&OTHER, &()).await {
        Err(CallError::Status(status)) => {
            assert_eq!((status.code, status.reason.as_str()), (Code::SHAPE_MISMATCH, "() -> ()"));
        }
        other => panic!("{other:?}"),
    }
    client.with_codec(Codec::Json).unary::<_, (), Never>(&OTHER, &()).await.unwrap();
    client.unary::<_, (), Never>(&UNKNOWN, &()).await.unwrap();
    client.unary::<_, (), Never>(&SHAPED.methods[0], &()).await.unwrap();
}

static LISTS: Schema = Schema { name: "Lists", docs: "", methods: &[Method::new("Lists", "same", Kind::Unary)] };

/// Hands lists back without looking into them.
struct Lists;

impl Service for Lists {
    fn schema(&self) -> &'static Schema {
        &LISTS
    }

    fn call(&self, _method: usize, mut exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            match exchange.args::<Encoded>() {
                Ok(list) if list.0.starts_with(b"[") => exchange.reply::<_, Never>(Ok(list)).await,
                _ => exchange.refuse(Code::MALFORMED, "no list"),
            }
        })
    }
}

#[tokio::test]
async fn a_service_may_hand_on_what_is_encoded_already_and_refuse_a_call() {
    let server = Server::builder().options(usual()).service(Lists).build().unwrap();
    let client = Client::connect(server.bind(At::Inproc.any()).await.unwrap()).unwrap().with_codec(Codec::Json);
    let same = &LISTS.methods[0];
    assert_eq!(client.unary::<_, Vec<u8>, Never>(same, &[1, 2, 3]).await.unwrap(), [1, 2, 3]);
    let text = Encoded("[ 1, oh ]".into());
    assert_eq!(client.unary::<_, Encoded, Never>(same, &text).await.unwrap(), text);
    match client.unary::<_, Encoded, Never>(same, &7).await {
        Err(CallError::Status(status)) => assert_eq!((status.code, &*status.reason), (Code::MALFORMED, "no list")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_server_does_not_have_is_refused_by_name() {
    static NONE: Method = Method::new("Desk", "none", Kind::Unary);
    let (_server, client, _ear) = desk::open(At::Tcp).await;
    match client.0.unary::<_, (), Never>(&NONE, &()).await {
        Err(error @ CallError::Status(_)) => {
            assert_eq!(error.outcome(), Outcome::NotExecuted);
            assert!(error.to_string().starts_with("unknown_method"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn arguments_of_another_type_are_refused_and_the_connection_goes_on() {
    let (_server, client, _ear) = desk::open(At::Tcp).await;
    let add = desk::SCHEMA.method("add").unwrap();
    match client.0.unary::<_, u32, Never>(add, &"text").await {
        Err(CallError::Status(status)) => assert_eq!(status.code, Code::MALFORMED),
        other => panic!("{other:?}"),
    }
    assert_eq!(client.add(1, 1).await.unwrap(), 2);
}

#[tokio::test]
async fn a_connection_that_has_seen_as_many_methods_as_may_be_refuses_another_one() {
    // Each shape makes another method of it.
    static SHAPES: LazyLock<Vec<Method>> = LazyLock::new(|| {
        let add = desk::SCHEMA.method("add").unwrap();
        (0..=1024).map(|shape| Method { shape, ..*add }).collect()
    });
    let (_server, client, _ear) = desk::open(At::Tcp).await;
    let add = |method| client.0.unary::<_, u32, Never>(method, &(1_u32, 2_u32));
    for method in &SHAPES[..1024] {
        assert_eq!(add(method).await.unwrap(), 3);
    }
    let error = add(&SHAPES[1024]).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable(Unreachable::TooManyMethods)), "{error}");
    assert_eq!(add(&SHAPES[0]).await.unwrap(), 3);
}

#[test]
fn two_services_with_one_id_make_no_server() {
    let ((one, _), (other, _)) = (desk::desk(), desk::desk());
    let clash = Server::builder().options(usual()).service(one).service(other).build().unwrap_err();
    assert_eq!(clash.to_string(), "Desk/add and Desk/add have the same id on the wire");
}

// A page has no clock that could stand still.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_call_behind_many_answers_that_came_at_once_is_sent_without_a_timer() {
    let (server, client, ear) = desk::open(At::Tcp).await;
    // While this waits a paused clock stands still: whatever comes in that time, no timer has brought it.
    let (done, waits) = std::sync::mpsc::channel::<()>();
    let stands_still = tokio::task::spawn_blocking(move || waits.recv_timeout(common::LIMIT / 9));
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    for _ in 0..10 {
        let calls: Vec<_> = (0..200).map(|_| tokio::spawn(client.gate())).collect();
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
        ear.shared.gate.add_permits(200);
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }
    assert_eq!(begun.elapsed(), std::time::Duration::ZERO, "a timer had to help");
    drop(done);
    drop(stands_still.await);
    tokio::time::resume();
    drop(server);
}
