//! What `#[bowline::service]` makes of a trait, with the store of the examples.

#[path = "../examples/store/memory.rs"]
#[allow(dead_code, reason = "the program uses more of it")]
mod memory;
#[path = "../examples/store/service.rs"]
mod service;

mod common;

use bowline::rpc::{Blob, CallError, Client, Codec, Kind, Server, method_id};
use common::{At, usual};
use futures_util::stream;
use memory::{KEPT, LIMIT, Memory};
use service::{Change, StoreClient, StoreError, StoreServer};

/// A store that is served, and who calls it.
struct Served {
    store: StoreClient,
    client: Client,
    server: Server,
}

async fn serve(at: At) -> Served {
    serve_with(at, Codec::default()).await
}

async fn serve_with(at: At, codec: Codec) -> Served {
    let server = Server::builder().options(usual()).service(StoreServer::new(Memory::new())).build().unwrap();
    let endpoint = server.bind(at.any()).await.unwrap();
    let client = Client::builder().options(usual()).endpoint(endpoint).codec(codec).connect().unwrap();
    Served { store: StoreClient::new(client.clone()), client, server }
}

impl Served {
    async fn end(self) {
        self.client.close().await;
        self.server.close().await;
    }
}

fn put(key: &str, value: &str) -> Change {
    Change::Put(key.to_owned(), Blob::from(value.to_owned()))
}

fn blob(text: &str) -> Blob {
    Blob::from(text.to_owned())
}

/// The error that a method of the service returned itself.
fn own<T: std::fmt::Debug, E: std::fmt::Debug>(result: Result<T, CallError<E>>) -> E {
    match result {
        Err(CallError::Failed(error)) => error,
        other => panic!("no error of the service: {other:?}"),
    }
}

for_each_transport! {
    async fn a_value_is_found_until_it_is_deleted(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        store.put("greeting".into(), blob("hello")).await.unwrap();
        assert_eq!(store.get("greeting".into()).await.unwrap(), blob("hello"));
        assert_eq!(store.list("greet".into()).await.unwrap(), ["greeting"]);
        store.delete("greeting".into()).await.unwrap();
        let missing = StoreError::NotFound("greeting".into());
        assert_eq!(own(store.get("greeting".into()).await), missing);
        assert_eq!(own(store.delete("greeting".into()).await), missing);
        served.end().await;
    }

    async fn a_watcher_hears_what_is_there_and_then_what_changes(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        store.put("a/1".into(), blob("one")).await.unwrap();
        store.put("b/1".into(), blob("another")).await.unwrap();
        let mut changes = store.watch("a/".into());
        assert_eq!(changes.next().await.unwrap().unwrap(), put("a/1", "one"));
        assert_eq!(changes.next().await.unwrap().unwrap(), Change::UpToDate);
        store.put("b/2".into(), blob("not watched")).await.unwrap();
        store.put("a/2".into(), blob("two")).await.unwrap();
        store.forget("a/1".into()).await.unwrap();
        assert_eq!(changes.next().await.unwrap().unwrap(), put("a/2", "two"));
        assert_eq!(changes.next().await.unwrap().unwrap(), Change::Deleted("a/1".into()));
        served.end().await;
    }

    async fn a_watcher_that_does_not_keep_up_is_told_how_much_it_missed(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        let mut changes = store.watch(String::new());
        assert_eq!(changes.next().await.unwrap().unwrap(), Change::UpToDate);
        // More than the window of the stream and the changes that are kept hold, with nobody reading.
        let value = Blob::from(vec![7; 32 * 1024]);
        let puts = KEPT as u64 + 100;
        for n in 0..puts {
            store.put(n.to_string(), value.clone()).await.unwrap();
        }
        let (mut heard, mut missed) = (0, 0);
        while heard + missed < puts {
            match changes.next().await.unwrap().unwrap() {
                Change::Put(key, _) => {
                    assert_eq!(key, (heard + missed).to_string());
                    heard += 1;
                }
                Change::Missed(n) => missed += n,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard + missed, puts);
        assert!(missed > 0);
        served.end().await;
    }

    async fn an_upload_is_set_with_its_last_chunk(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        let chunks = stream::iter((0..10_u8).map(|n| Blob::from(vec![n; 50_000])));
        assert_eq!(store.upload("large".into(), chunks).await.unwrap(), 500_000);
        let value = store.get("large".into()).await.unwrap();
        assert!(value.chunks(50_000).enumerate().all(|(n, chunk)| chunk.iter().all(|&byte| usize::from(byte) == n)));
        assert_eq!(value.len(), 500_000);
        served.end().await;
    }

    async fn an_upload_that_is_refused_ends_early_and_sets_nothing(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        // It would never end by itself.
        let chunks = stream::repeat(Blob::from(vec![7; 50_000]));
        let limit = LIMIT as u64;
        assert_eq!(own(store.upload("large".into(), chunks).await), StoreError::TooLarge { limit });
        assert_eq!(store.list(String::new()).await.unwrap(), [""; 0]);
        served.end().await;
    }

    async fn keys_are_looked_up_as_they_come(at: At) {
        let served = serve(at).await;
        let store = &served.store;
        store.put("there".into(), blob("value")).await.unwrap();
        let (ask, keys) = tokio::sync::mpsc::channel(1);
        let keys = stream::unfold(keys, async |mut keys| Some((keys.recv().await?, keys)));
        let mut found = store.lookup(keys);
        // Each question waits for the answer to the one before.
        for (key, value) in [("there", Some(blob("value"))), ("elsewhere", None), ("there", Some(blob("value")))] {
            ask.send(key.to_owned()).await.unwrap();
            assert_eq!(found.next().await.unwrap().unwrap(), (key.to_owned(), value));
        }
        drop(ask);
        assert!(found.next().await.is_none());
        served.end().await;
    }

    async fn every_codec_but_raw_bytes_carries_the_store(at: At) {
        for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
            let served = serve_with(at, codec).await;
            let store = &served.store;
            store.put("key".into(), blob("value")).await.unwrap();
            assert_eq!(store.get("key".into()).await.unwrap(), blob("value"), "{codec}");
            assert_eq!(own(store.get("no".into()).await), StoreError::NotFound("no".into()), "{codec}");
            let mut changes = store.watch(String::new());
            assert_eq!(changes.next().await.unwrap().unwrap(), put("key", "value"), "{codec}");
            drop(changes);
            // A list of texts is not one string of bytes.
            let raw = StoreClient::new(served.client.with_codec(Codec::Raw));
            assert!(matches!(raw.list(String::new()).await, Err(CallError::Status(_))), "{codec}");
            served.end().await;
        }
    }
}

#[test]
fn a_schema_says_what_the_trait_says() {
    let schema = StoreClient::SCHEMA;
    assert_eq!((schema.name, schema.docs), ("bowline.examples.Store", "Keys and values, in order of the keys."));
    let kinds: Vec<_> = schema.methods.iter().map(|method| (method.name, method.kind, method.idempotent)).collect();
    let expected = [
        ("get", Kind::Unary, true),
        ("put", Kind::Unary, true),
        ("delete", Kind::Unary, false),
        ("forget", Kind::OneWay, false),
        ("list", Kind::Unary, true),
        ("watch", Kind::ServerStream, false),
        ("upload", Kind::ClientStream, false),
        ("lookup", Kind::Bidirectional, false),
    ];
    assert_eq!(kinds, expected);
    let upload = schema.method("upload").unwrap();
    assert_eq!(upload.signature, "(key: String, chunks: impl Stream<Item = Blob>) -> Result<u64, StoreError>");
    assert!(schema.methods.iter().all(|method| method.id == method_id(schema.name, method.name)));
    assert!(upload.docs.starts_with("Sets the value of `key` to all `chunks` together"));
}

#[test]
fn the_readme_shows_the_store_as_it_is() {
    let readme = include_str!("../../README.md");
    let store = include_str!("../examples/store/service.rs");
    // Not compiled where it stands: it shows a part.
    let (_, section) = readme.split_once("## Services").expect("the README has the section");
    let code = section.split("```").nth(1).and_then(|code| code.strip_prefix("rust,ignore")).expect("it shows code");
    for line in code.lines() {
        assert!(store.lines().any(|other| other == line), "the store has no such line: {line}");
    }
}
