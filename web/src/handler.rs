//! Calls that the page answers.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use bowline::CancellationToken;
use bowline::rpc::{Code, Encoded, Exchange, Incoming, Kind, Method, Schema, Service, method_id};
use fragile::Fragile;
use futures_util::FutureExt;
use futures_util::lock::Mutex;
use futures_util::stream::poll_fn;
use js_sys::{Function, Promise};
use tokio::sync::{mpsc, oneshot};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::call::{Feed, List, json, text};
use crate::turn::promise;

static SCHEMA: Schema = Schema { name: "", docs: "", methods: &[] };

/// What the page answers. Its methods come and go while it runs.
#[derive(Clone, Default)]
pub(crate) struct Page(Arc<Shared>);

struct Shared(Fragile<RefCell<Vec<Entry>>>);

impl Default for Shared {
    fn default() -> Self {
        Self(Fragile::new(RefCell::default()))
    }
}

/// A method that the page has, or had.
struct Entry {
    method: &'static Method,
    handler: Option<Function>,
}

impl Page {
    pub(crate) fn handle(&self, service: &str, name: &str, handler: Function) {
        let id = method_id(service, name);
        let mut entries = self.0.0.get().borrow_mut();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.method.id == id) {
            entry.handler = Some(handler);
            return;
        }
        // A page has as many methods as are written in it. Of which kind a call is, its caller says.
        let method = Method { id, ..Method::new("", "", Kind::Unary) };
        entries.push(Entry { method: Box::leak(Box::new(method)), handler: Some(handler) });
    }

    pub(crate) fn unhandle(&self, service: &str, name: &str) {
        let id = method_id(service, name);
        if let Some(entry) = self.0.0.get().borrow_mut().iter_mut().find(|entry| entry.method.id == id) {
            entry.handler = None;
        }
    }
}

impl Service for Page {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn late(&self, id: u64) -> Option<(usize, &'static Method)> {
        let entries = self.0.0.get().borrow();
        let at = entries.iter().position(|entry| entry.method.id == id && entry.handler.is_some())?;
        Some((at, entries[at].method))
    }

    fn call(&self, method: usize, exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let handler = self.0.0.get().borrow().get(method).and_then(|entry| entry.handler.clone());
        Box::pin(Fragile::new(answer(handler, exchange)))
    }
}

/// What the page says first.
enum Answer {
    Value(Encoded),
    Failed(Encoded),
    Items(mpsc::Receiver<Encoded>),
    /// What the caller sent is no JSON, for this reason.
    Malformed(String),
}

async fn answer(handler: Option<Function>, mut exchange: Exchange) {
    // Who asks for what is not there any more hears that nobody answers.
    let (Some(handler), Ok(arguments)) = (handler, exchange.args::<Encoded>()) else { return };
    let (answer, answered) = oneshot::channel();
    let (over, given_up) = (Over::default(), CancellationToken::new());
    let asked = Asked {
        arguments,
        remaining: exchange.context().remaining().map(|left| left.as_secs_f64() * 1000.0),
        incoming: Rc::new(Mutex::new(exchange.incoming())),
        answer: RefCell::new(Some(answer)),
        feed: RefCell::default(),
        over: Rc::clone(&over.0),
        given_up: given_up.clone(),
    };
    // What it throws it has told the page already.
    let _returned = handler.call1(&JsValue::UNDEFINED, &asked.into());
    let answering = async {
        match answered.await {
            Ok(Answer::Value(value)) => exchange.reply::<_, Encoded>(Ok(value)).await,
            Ok(Answer::Failed(error)) => exchange.reply::<Encoded, _>(Err(error)).await,
            Ok(Answer::Items(mut fed)) => {
                let items = poll_fn(move |cx| fed.poll_recv(cx));
                exchange.reply_items::<_, Encoded>(Ok(items)).await;
            }
            Ok(Answer::Malformed(reason)) => exchange.refuse(Code::MALFORMED, &reason),
            Err(_) => {}
        }
    };
    // Whose answer is dropped, also half of it, hears that there is none.
    tokio::select! {
        biased;
        () = answering => {}
        () = given_up.cancelled() => {}
    }
}

/// Tells the page when the call is over, in whichever way.
#[derive(Default)]
struct Over(Rc<RefCell<Option<Function>>>);

impl Drop for Over {
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            let _returned = told.call0(&JsValue::UNDEFINED);
        }
    }
}

/// A call that the page is asked to answer. Without an answer its caller hears so when this is dropped or freed.
#[wasm_bindgen]
pub struct Asked {
    arguments: Encoded,
    remaining: Option<f64>,
    incoming: Rc<Mutex<Incoming<Encoded>>>,
    answer: RefCell<Option<oneshot::Sender<Answer>>>,
    feed: RefCell<Option<Feed>>,
    over: Rc<RefCell<Option<Function>>>,
    given_up: CancellationToken,
}

#[wasm_bindgen]
impl Asked {
    /// What should be a JSON list.
    pub fn arguments(&self) -> Result<JsValue, JsValue> {
        text(&self.arguments).map(JsValue::from_str)
    }

    /// How long the caller still waits, in milliseconds.
    pub fn remaining(&self) -> Option<f64> {
        self.remaining
    }

    /// `told` is called when the call is over.
    pub fn on_over(&self, told: Function) {
        self.over.replace(Some(told));
    }

    /// Resolves with the next items that the caller sends, as a [`List`]; with `undefined` after the last one.
    pub fn next(&self) -> Promise {
        let incoming = Rc::clone(&self.incoming);
        promise(async move {
            let mut incoming = incoming.lock().await;
            let Some(first) = incoming.next().await else { return Ok(JsValue::UNDEFINED) };
            let mut list = List::default();
            list.push(&first)?;
            while !list.is_enough()
                && let Some(Some(item)) = incoming.next().now_or_never()
            {
                list.push(&item)?;
            }
            Ok(list.finish())
        })
    }

    pub fn reply(&self, value: String) {
        self.say(Answer::Value(json(value)));
    }

    pub fn fail(&self, error: String) {
        self.say(Answer::Failed(json(error)));
    }

    /// What the caller sent can't be read.
    pub fn malformed(&self, reason: String) {
        self.say(Answer::Malformed(reason));
    }

    /// Items follow.
    pub fn begin(&self) {
        let (feed, fed) = Feed::new();
        self.feed.replace(Some(feed));
        self.say(Answer::Items(fed));
    }

    /// Takes an item. 0: taken; 1: there is no room now; 2: no more are wanted.
    pub fn push(&self, item: String) -> u8 {
        self.feed.borrow().as_ref().map_or(2, |feed| feed.push(item))
    }

    /// Resolves when there is room for another item; with false if no more are wanted.
    pub fn room(&self) -> Promise {
        match self.feed.borrow().as_ref() {
            Some(feed) => feed.room(),
            None => promise(async { Ok(false.into()) }),
        }
    }

    /// No more items follow.
    pub fn finish(&self) {
        self.feed.take();
    }

    /// There will be no answer, or no more of it; the caller hears so.
    pub fn give_up(&self) {
        self.given_up.cancel();
    }
}

impl Asked {
    fn say(&self, answer: Answer) {
        if let Some(say) = self.answer.take() {
            // Nobody hears it where the call was cancelled.
            let _unheard = say.send(answer);
        }
    }
}
