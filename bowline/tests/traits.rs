//! Traits of every form that `#[bowline::service]` takes.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bowline::rpc::{self, CallError, Client, Code, Codec, Context, Incoming, Kind, Server, Service, Stream};
use common::{At, until, usual};
use futures_util::stream;
use serde::{Deserialize, Serialize};

/// The names of what is generated are free for a service's own types and arguments.
mod names {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct T(pub(crate) u8);

    #[bowline::service]
    pub(crate) trait Names {
        /// All that a generated method might call something.
        async fn r#match(&self, exchange: T, service: u8, method: u8, argument0: u8, client: u8) -> T;
        async fn call(&self, context: &Context, r#type: Vec<u8>, cx: u8) -> usize;
        async fn schema(&self);
        async fn result(&self) -> Result<Result<u8, T>, T>;
    }

    pub(crate) struct Sums;

    impl Names for Sums {
        async fn r#match(&self, exchange: T, service: u8, method: u8, argument0: u8, client: u8) -> T {
            T(exchange.0 + service + method + argument0 + client)
        }

        async fn call(&self, context: &Context, r#type: Vec<u8>, cx: u8) -> usize {
            assert_eq!(context.method().name, "call");
            r#type.len() + usize::from(cx)
        }

        async fn schema(&self) {}

        async fn result(&self) -> Result<Result<u8, T>, T> {
            Ok(Err(T(7)))
        }
    }
}

/// One method of each kind, with all that can stand in it.
#[bowline::service(name = "tests.Kinds-1")]
trait Kinds: std::fmt::Debug {
    #[deprecated = "for the test"]
    async fn nothing(&self);
    #[rustfmt::skip]
    #[expect(clippy::too_many_arguments, reason = "as many as there can be")]
    async fn many(
        &self, a0: u8, b0: u8, c0: u8, d0: u8, e0: u8, f0: u8, g0: u8, h0: u8,
        i0: u8, j0: u8, k0: u8, l0: u8, m0: u8, n0: u8, o0: u8, p0: u8,
    ) -> u32;
    async fn count(&self, to: u32) -> Result<impl Stream<Item = u32> + Send, String>;
    async fn join(&self, words: impl Stream<Item = String>, cx: &rpc::Context) -> String;
    async fn double(&self, start: u64, numbers: impl Stream<Item = u64>) -> Result<impl Stream<Item = u64>, ()>;
    #[rpc(oneway)]
    async fn add(&self, cx: &Context, n: u64);
    /// Calls the caller back.
    async fn ask_back(&self, cx: &Context, question: String) -> Result<String, String>;
}

#[derive(Debug, Default)]
struct Counter {
    sum: AtomicU64,
}

impl Kinds for Counter {
    async fn nothing(&self) {}

    #[rustfmt::skip]
    async fn many(
        &self, a0: u8, b0: u8, c0: u8, d0: u8, e0: u8, f0: u8, g0: u8, h0: u8,
        i0: u8, j0: u8, k0: u8, l0: u8, m0: u8, n0: u8, o0: u8, p0: u8,
    ) -> u32 {
        [a0, b0, c0, d0, e0, f0, g0, h0, i0, j0, k0, l0, m0, n0, o0, p0].into_iter().fold(0, |sum, n| 2 * sum + u32::from(n))
    }

    async fn count(&self, to: u32) -> Result<impl Stream<Item = u32> + Send, String> {
        if to > 1000 { Err(format!("{to} is too far")) } else { Ok(stream::iter(0..to)) }
    }

    async fn join(&self, mut words: Incoming<String>, cx: &Context) -> String {
        let mut all = cx.method().name.to_owned();
        while let Some(word) = words.next().await {
            all.push(' ');
            all.push_str(&word);
        }
        all
    }

    async fn double(&self, start: u64, numbers: Incoming<u64>) -> Result<impl Stream<Item = u64>, ()> {
        // It borrows from the service as well.
        self.sum.store(start, Ordering::Relaxed);
        Ok(stream::unfold(numbers, async |mut numbers| {
            let number = numbers.next().await?;
            Some((2 * number + self.sum.load(Ordering::Relaxed), numbers))
        }))
    }

    async fn add(&self, _cx: &Context, n: u64) {
        self.sum.fetch_add(n, Ordering::Relaxed);
    }

    async fn ask_back(&self, cx: &Context, question: String) -> Result<String, String> {
        let caller = ParrotClient::new(cx.client());
        caller.say(question).await.map_err(|error| error.to_string())
    }
}

#[bowline::service]
trait Parrot {
    async fn say(&self, text: String) -> String;
}

struct Twice;

impl Parrot for Twice {
    async fn say(&self, text: String) -> String {
        format!("{text} {text}")
    }
}

/// Serves `service` and calls it.
async fn serve(at: At, service: impl Service) -> (Server, Client) {
    let server = Server::builder().options(usual()).service(service).build().unwrap();
    let endpoint = server.bind(at.any()).await.unwrap();
    let client =
        Client::builder().options(usual()).endpoint(endpoint).service(ParrotServer::new(Twice)).connect().unwrap();
    (server, client)
}

for_each_transport! {
    async fn the_names_of_what_is_generated_are_free(at: At) {
        use names::{NamesClient, NamesServer, Sums, T};
        let (server, client) = serve(at, NamesServer::new(Sums)).await;
        let names = NamesClient::new(client.clone());
        assert_eq!(names.r#match(T(1), 2, 3, 4, 5).await.unwrap(), T(15));
        assert_eq!(names.call(vec![0; 3], 4).await.unwrap(), 7);
        names.schema().await.unwrap();
        assert_eq!(names.result().await.unwrap(), Err(T(7)));
        let methods: Vec<_> = NamesClient::SCHEMA.methods.iter().map(|method| method.name).collect();
        assert_eq!(methods, ["match", "call", "schema", "result"]);
        client.close().await;
        server.close().await;
    }

    async fn every_kind_of_method_does_what_it_says(at: At) {
        let counter = Arc::new(Counter::default());
        let (server, client) = serve(at, KindsServer::from(Arc::clone(&counter))).await;
        let kinds = KindsClient::new(client.clone());
        #[expect(deprecated, reason = "callers are warned as well")]
        kinds.nothing().await.unwrap();
        assert_eq!(kinds.many(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).await.unwrap(), (1 << 15) + 1);
        assert_eq!(kinds.count(500).collect().await.unwrap(), (0..500).collect::<Vec<_>>());
        match kinds.count(5000).collect().await {
            Err(CallError::Failed(why)) => assert_eq!(why, "5000 is too far"),
            other => panic!("{other:?}"),
        }
        let words = stream::iter(["and".to_owned(), "on".to_owned()]);
        assert_eq!(kinds.join(words).await.unwrap(), "join and on");
        let doubled = kinds.double(1, stream::iter(0..100)).collect().await.unwrap();
        assert_eq!(doubled, (0..100).map(|n| 2 * n + 1).collect::<Vec<u64>>());
        kinds.add(41).await.unwrap();
        until(|| counter.sum.load(Ordering::Relaxed) == 42).await;
        client.close().await;
        server.close().await;
    }

    async fn a_method_can_call_its_caller_back(at: At) {
        let (server, client) = serve(at, KindsServer::new(Counter::default())).await;
        let kinds = KindsClient::new(client.clone());
        assert_eq!(kinds.ask_back("hello".into()).await.unwrap(), "hello hello");
        client.close().await;
        server.close().await;
    }

    async fn sides_of_different_types_learn_it_before_anything_is_decoded(at: At) {
        /// As the other side had it in a version to come.
        mod later {
            #[bowline::service]
            pub(crate) trait Parrot {
                async fn say(&self, text: u64) -> String;
            }
        }
        let (server, client) = serve(at, ParrotServer::new(Twice)).await;
        match later::ParrotClient::new(client.clone()).say(7).await {
            Err(CallError::Status(status)) => assert_eq!(status.code, Code::SHAPE_MISMATCH),
            other => panic!("{other:?}"),
        }
        // A codec that describes itself finds out what fits.
        match later::ParrotClient::new(client.with_codec(Codec::Json)).say(7).await {
            Err(CallError::Status(status)) => assert_eq!(status.code, Code::MALFORMED),
            other => panic!("{other:?}"),
        }
        assert_eq!(ParrotClient::new(client.clone()).say("a".into()).await.unwrap(), "a a");
        client.close().await;
        server.close().await;
    }
}

#[test]
fn a_schema_has_the_methods_in_the_order_of_the_trait() {
    let schema = KindsClient::SCHEMA;
    assert_eq!(schema.name, "tests.Kinds-1");
    let told: Vec<_> = schema.methods.iter().map(|method| (method.kind, method.signature)).collect();
    let expected = [
        (Kind::Unary, "()"),
        (
            Kind::Unary,
            "(a0: u8, b0: u8, c0: u8, d0: u8, e0: u8, f0: u8, g0: u8, h0: u8, \
             i0: u8, j0: u8, k0: u8, l0: u8, m0: u8, n0: u8, o0: u8, p0: u8) -> u32",
        ),
        (Kind::ServerStream, "(to: u32) -> Result<impl Stream<Item = u32> + Send, String>"),
        (Kind::ClientStream, "(words: impl Stream<Item = String>) -> String"),
        (Kind::Bidirectional, "(start: u64, numbers: impl Stream<Item = u64>) -> Result<impl Stream<Item = u64>, ()>"),
        (Kind::OneWay, "(n: u64)"),
        (Kind::Unary, "(question: String) -> Result<String, String>"),
    ];
    assert_eq!(told, expected);
    assert!(schema.methods.iter().all(|method| method.service == schema.name && method.shape != 0));
}

#[test]
fn a_shape_knows_types_and_neither_names_nor_the_path_of_a_stream() {
    mod one {
        use bowline::rpc::Stream;
        #[bowline::service]
        pub(crate) trait Shapes {
            async fn a(&self, key: String, rest: impl Stream<Item = u8>) -> Result<impl Stream<Item = u8>, String>;
            async fn b(&self, key: String) -> Vec<u8>;
            async fn c(&self, key: String) -> impl Stream<Item = u8>;
        }
    }
    mod other {
        use bowline::rpc::Context;
        #[bowline::service]
        pub(crate) trait Shapes {
            async fn a(
                &self,
                cx: &Context,
                name: String,
                bytes: impl bowline::rpc::Stream<Item = u8> + Send,
            ) -> Result<impl bowline::rpc::Stream<Item = u8> + Send, String>;
            async fn b(&self, key: String) -> Vec<u16>;
            #[rpc(idempotent)]
            async fn c(&self, key: String) -> u8;
        }
    }
    let shapes = |schema: &rpc::Schema| [0, 1, 2].map(|at| schema.methods[at].shape);
    let ([a, b, c], [same, bytes, kind]) = (shapes(one::ShapesClient::SCHEMA), shapes(other::ShapesClient::SCHEMA));
    assert_eq!(a, same);
    assert_ne!(b, bytes);
    assert_ne!(c, kind);
}
