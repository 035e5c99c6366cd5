//! A service written by hand, as `#[bowline::service]` would write it, that tells what happens to its handlers.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bowline::Endpoint;
use bowline::rpc::{
    Blob, Call, Client, Context, Exchange, Incoming, Items, Kind, Method, Never, OneWay, Schema, Server, Service,
};
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use super::{At, usual};

/// The method of this name, for clients that know that it may be executed twice.
pub(crate) fn idempotent(name: &str) -> &'static Method {
    static ALL: LazyLock<Vec<Method>> =
        LazyLock::new(|| METHODS.iter().map(|method| Method { idempotent: true, ..*method }).collect());
    ALL.iter().find(|method| method.name == name).expect("a method of the desk")
}

/// The service's own error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeskError {
    pub(crate) code: u32,
    pub(crate) words: Vec<String>,
}

macro_rules! methods {
    ($($index:literal $name:ident $kind:ident)*) => {
        static METHODS: &[Method] = &[$(Method::new("Desk", stringify!($name), Kind::$kind)),*];
    };
}

methods! {
    0 add Unary
    1 fail Unary
    2 wait Unary
    3 panic Unary
    4 count ServerStream
    5 sum ClientStream
    6 echo Bidirectional
    7 touch OneWay
    8 ask_back Unary
    9 gate Unary
    10 endless ServerStream
    11 size Unary
    12 panic_later Unary
    13 remaining Unary
    14 no_answer Unary
    15 whoami Unary
    16 mirror Unary
    17 swallow ClientStream
    18 fail_items ServerStream
    19 wait_back Unary
}

pub(crate) static SCHEMA: Schema = Schema { name: "Desk", docs: "", methods: METHODS };

/// The method of the desk, as it is named on the wire for the first time: postcard, no shape.
pub(crate) fn named(name: &str) -> Vec<u8> {
    let id = SCHEMA.method(name).expect("a method of the desk").id;
    [&[1][..], &id.to_le_bytes(), &[0; 8]].concat()
}

/// What the handlers share with the test.
pub(crate) struct Shared {
    pub(super) told: mpsc::UnboundedSender<String>,
    /// What `gate` waits for.
    pub(crate) gate: Semaphore,
    /// How many items `endless` has made.
    pub(crate) made: std::sync::atomic::AtomicUsize,
}

/// The service.
pub(crate) struct Desk(Arc<Shared>);

/// What the handlers tell, in order.
pub(crate) struct Ear {
    told: mpsc::UnboundedReceiver<String>,
    pub(crate) shared: Arc<Shared>,
}

impl Ear {
    /// The next thing that a handler tells.
    pub(crate) async fn next(&mut self) -> String {
        self.told.recv().await.expect("the service is there")
    }

    /// The next thing that a handler has told already.
    pub(crate) fn now(&mut self) -> Option<String> {
        self.told.try_recv().ok()
    }

    /// Nothing that a handler has told is left.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.told.try_recv().is_err()
    }
}

pub(crate) fn desk() -> (Desk, Ear) {
    let (told, ear) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared { told, gate: Semaphore::new(0), made: std::sync::atomic::AtomicUsize::new(0) });
    (Desk(Arc::clone(&shared)), Ear { told: ear, shared })
}

/// Tells that a handler was dropped before it was done.
struct Dropped(Arc<Shared>, &'static str);

impl Dropped {
    fn done(mut self) {
        self.1 = "";
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if !self.1.is_empty() {
            self.0.tell(format!("{} dropped", self.1));
        }
    }
}

impl Shared {
    fn tell(&self, what: impl Into<String>) {
        // A test that has heard enough does not listen any more.
        let _ = self.told.send(what.into());
    }

    /// Tells that a handler has begun.
    fn begin(self: &Arc<Self>, name: &'static str) -> Dropped {
        self.tell(format!("{name} begun"));
        Dropped(Arc::clone(self), name)
    }
}

impl Service for Desk {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn call(&self, method: usize, exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let shared = Arc::clone(&self.0);
        match METHODS[method].kind {
            Kind::Unary | Kind::OneWay => Box::pin(answer(shared, METHODS[method].name, exchange)),
            _ => Box::pin(streams(shared, METHODS[method].name, exchange)),
        }
    }
}

type Plain<T> = Result<T, Never>;

async fn answer(shared: Arc<Shared>, name: &'static str, mut exchange: Exchange) {
    match name {
        "add" => {
            let Ok((a, b)) = exchange.args::<(u32, u32)>() else { return };
            exchange.reply::<u32, Never>(Ok(a + b)).await;
        }
        "fail" => {
            let Ok((words,)) = exchange.args::<(Vec<String>,)>() else { return };
            exchange.reply::<(), DeskError>(Err(DeskError { code: 7, words })).await;
        }
        "wait" => {
            let begun = shared.begin("wait");
            std::future::pending::<()>().await;
            begun.done();
            exchange.reply::<(), Never>(Ok(())).await;
        }
        "panic" => panic!("as the test asked for"),
        "panic_later" => {
            tokio::task::yield_now().await;
            panic!("as the test asked for, later");
        }
        "touch" => {
            let Ok((what,)) = exchange.args::<(String,)>() else { return };
            shared.tell(format!("touched {what}"));
            exchange.done();
        }
        "ask_back" => {
            let Ok((a, b)) = exchange.args::<(u32, u32)>() else { return };
            let sum: Result<u32, _> = DeskClient(exchange.context().client()).add(a, b).await;
            exchange.reply::<u32, String>(sum.map_err(|error| error.to_string())).await;
        }
        "wait_back" => {
            let begun = shared.begin("wait_back");
            // Whatever becomes of it: the test asks who hears that nobody waits any more.
            let _ended = DeskClient(exchange.context().client()).wait().await;
            begun.done();
            exchange.reply::<(), Never>(Ok(())).await;
        }
        "gate" => {
            let begun = shared.begin("gate");
            shared.gate.acquire().await.expect("the gate is not closed").forget();
            begun.done();
            exchange.reply::<(), Never>(Ok(())).await;
        }
        "size" => {
            let Ok((blob,)) = exchange.args::<(Blob,)>() else { return };
            exchange.reply::<usize, Never>(Ok(blob.len())).await;
        }
        "mirror" => {
            let Ok((blob,)) = exchange.args::<(Blob,)>() else { return };
            exchange.reply::<Blob, Never>(Ok(blob)).await;
        }
        "remaining" => {
            let remaining = exchange.context().remaining();
            exchange.reply::<Option<Duration>, Never>(Ok(remaining)).await;
        }
        "no_answer" => drop(exchange),
        "whoami" => {
            let who = |context: &Context| {
                let identity = context.peer().identity.to_vec();
                let tag = context.metadata().get("tag").map(|tag| String::from_utf8_lossy(tag).into_owned());
                (identity, tag)
            };
            let who = who(&exchange.context());
            exchange.reply::<_, Never>(Ok(who)).await;
        }
        other => unreachable!("{other} is no method of one answer"),
    }
}

async fn streams(shared: Arc<Shared>, name: &'static str, mut exchange: Exchange) {
    match name {
        "count" => {
            let Ok((n,)) = exchange.args::<(u32,)>() else { return };
            exchange.reply_items::<_, Never>(Ok(iter(0..n))).await;
        }
        "sum" => {
            let mut items: Incoming<u64> = exchange.incoming();
            let mut sum = 0;
            while let Some(item) = items.next().await {
                sum += item;
            }
            exchange.reply::<u64, Never>(Ok(sum)).await;
        }
        "swallow" => {
            let begun = shared.begin("swallow");
            let items: Incoming<Blob> = exchange.incoming();
            std::future::pending::<()>().await;
            drop(items);
            begun.done();
        }
        "echo" => {
            let items: Incoming<String> = exchange.incoming();
            exchange.reply_items::<_, Never>(Ok(items)).await;
        }
        "endless" => {
            let Ok((size,)) = exchange.args::<(usize,)>() else { return };
            let begun = shared.begin("endless");
            let made = Arc::clone(&shared);
            let blob = Blob::from(vec![7; size]);
            let items = iter(std::iter::repeat_with(move || {
                made.made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                blob.clone()
            }));
            exchange.reply_items::<_, Never>(Ok(items)).await;
            // Its items have no end: whether it is dropped or finds that nobody takes them, it was ended.
            drop(begun);
        }
        "fail_items" => {
            let error = DeskError { code: 8, words: vec!["no items".into()] };
            exchange.reply_items::<Iter<std::ops::Range<u32>>, _>(Err(error)).await;
        }
        other => unreachable!("{other} is no method of many items"),
    }
}

/// The client, as `#[bowline::service]` would write it.
#[derive(Clone, Debug)]
pub(crate) struct DeskClient(pub(crate) Client);

impl DeskClient {
    pub(crate) fn add(&self, a: u32, b: u32) -> Call<u32, Never> {
        self.0.unary(&METHODS[0], &(a, b))
    }

    pub(crate) fn fail(&self, words: &[&str]) -> Call<(), DeskError> {
        self.0.unary(&METHODS[1], &(words,))
    }

    /// Calls a method without arguments by its name.
    pub(crate) fn plain<T>(&self, name: &str) -> Call<T, Never> {
        self.0.unary(SCHEMA.method(name).expect("a method of the desk"), &())
    }

    /// As [`plain`](Self::plain), of a method that may be executed twice.
    pub(crate) fn again<T>(&self, name: &str) -> Call<T, Never> {
        self.0.unary(idempotent(name), &())
    }

    pub(crate) fn wait(&self) -> Call<(), Never> {
        self.plain("wait")
    }

    pub(crate) fn gate(&self) -> Call<(), Never> {
        self.plain("gate")
    }

    pub(crate) fn count(&self, n: u32) -> Items<u32, Never> {
        self.0.server_stream(&METHODS[4], &(n,))
    }

    pub(crate) fn sum(&self, items: impl Stream<Item = u64> + Send + 'static) -> Call<u64, Never> {
        self.0.client_stream(&METHODS[5], &(), items)
    }

    pub(crate) fn echo(&self, items: impl Stream<Item = String> + Send + 'static) -> Items<String, Never> {
        self.0.bidirectional(&METHODS[6], &(), items)
    }

    pub(crate) fn touch(&self, what: &str) -> OneWay {
        self.0.one_way(&METHODS[7], &(what,))
    }

    pub(crate) fn ask_back(&self, a: u32, b: u32) -> Call<u32, String> {
        self.0.unary(&METHODS[8], &(a, b))
    }

    pub(crate) fn endless(&self, size: usize) -> Items<Blob, Never> {
        self.0.server_stream(&METHODS[10], &(size,))
    }

    pub(crate) fn size(&self, blob: Blob) -> Call<usize, Never> {
        self.0.unary(&METHODS[11], &(blob,))
    }

    pub(crate) fn mirror(&self, blob: Blob) -> Call<Blob, Never> {
        self.0.unary(&METHODS[16], &(blob,))
    }

    pub(crate) fn swallow(&self, items: impl Stream<Item = Blob> + Send + 'static) -> Call<(), Never> {
        self.0.client_stream(&METHODS[17], &(), items)
    }

    pub(crate) fn fail_items(&self) -> Items<u32, DeskError> {
        self.0.server_stream(&METHODS[18], &())
    }
}

/// A server with a desk, bound at `at`, a client that is connected to it, and what the handlers tell.
pub(crate) async fn open(at: At) -> (Server, DeskClient, Ear) {
    let (server, endpoint, ear) = serve(at).await;
    let client = ready(Client::builder().options(usual()).endpoint(endpoint).connect().expect("an endpoint")).await;
    (server, client, ear)
}

/// The client, once it is connected.
pub(crate) async fn ready(client: Client) -> DeskClient {
    client.wait_ready().await.expect("the server is there");
    DeskClient(client)
}

/// A server with a desk, bound at `at`.
pub(crate) async fn serve(at: At) -> (Server, Endpoint, Ear) {
    let (desk, ear) = desk();
    let server = Server::builder().options(usual()).service(desk).build().expect("one service");
    #[cfg(target_family = "wasm")]
    if at == At::Native {
        // Another one serves; this one only stands where a script keeps it.
        return (server, super::native::desk(&ear.shared).await, ear);
    }
    let endpoint = server.bind(at.any()).await.expect("binds");
    (server, endpoint, ear)
}

/// A stream of what an iterator gives.
pub(crate) struct Iter<I>(I);

pub(crate) fn iter<I: IntoIterator>(items: I) -> Iter<I::IntoIter> {
    Iter(items.into_iter())
}

impl<I: Iterator + Unpin> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

/// A stream of what a test sends into it.
pub(crate) struct Fed<T>(mpsc::UnboundedReceiver<T>);

pub(crate) fn fed<T>() -> (mpsc::UnboundedSender<T>, Fed<T>) {
    let (feed, items) = mpsc::unbounded_channel();
    (feed, Fed(items))
}

impl<T> Stream for Fed<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}
