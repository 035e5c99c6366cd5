//! A call that the page makes: arguments, items and results as the JSON that they are.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bowline::CancellationToken;
use bowline::rpc::{self, Client, Encoded, Items, Kind, Method, OneWay, method_id};
use futures_util::FutureExt;
use futures_util::stream::poll_fn;
use js_sys::Promise;
use tokio::sync::mpsc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{calling, error, invalid, undecoded};
use crate::turn::promise;

/// So many items are taken ahead of being sent.
const AHEAD: usize = 16;
/// So many items come at once, at the most, or so many bytes.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

/// A value, by the text that JavaScript's JSON made of it.
pub(crate) fn json(text: String) -> Encoded {
    Encoded(text.into_bytes().into())
}

/// The text that JavaScript's JSON is to read.
pub(crate) fn text(value: &Encoded) -> Result<&str, JsValue> {
    std::str::from_utf8(&value.0).map_err(undecoded)
}

/// A call. Nothing is sent before its result is asked for, and it is cancelled when it is dropped or told so.
#[wasm_bindgen]
pub struct Call {
    work: Rc<RefCell<Work>>,
    feed: Feed,
    cancelled: CancellationToken,
}

enum Work {
    One(rpc::Call<Encoded, Encoded>),
    Many(Items<Encoded, Encoded>),
    Nothing(OneWay),
    /// Somebody has taken it, or it is over.
    Taken,
    /// What is to be told next.
    Failed(JsValue),
}

impl Call {
    /// `kind`: 0 for one result, 1 for many, 2 and 3 for the same with items that are sent, 4 for none.
    pub(crate) fn new(
        client: &Client,
        (service, name): (&str, &str),
        kind: u8,
        arguments: String,
        deadline: Option<Duration>,
    ) -> Result<Self, JsValue> {
        /// All kinds of call have a deadline, by a method of their own each.
        macro_rules! within {
            ($call:expr) => {
                match deadline {
                    Some(deadline) => $call.deadline(deadline),
                    None => $call,
                }
            };
        }
        let arguments = json(arguments);
        let method = |kind| Method { id: method_id(service, name), ..Method::new("", "", kind) };
        let (feed, mut fed) = Feed::new();
        let items = poll_fn(move |cx| fed.poll_recv(cx));
        let work = match kind {
            0 => Work::One(within!(client.unary(&method(Kind::Unary), &arguments))),
            1 => Work::Many(within!(client.server_stream(&method(Kind::ServerStream), &arguments))),
            2 => Work::One(within!(client.client_stream(&method(Kind::ClientStream), &arguments, items))),
            3 => Work::Many(within!(client.bidirectional(&method(Kind::Bidirectional), &arguments, items))),
            4 => Work::Nothing(within!(client.one_way(&method(Kind::OneWay), &arguments))),
            _ => return Err(invalid("no such kind of call")),
        };
        Ok(Self { work: Rc::new(RefCell::new(work)), feed, cancelled: CancellationToken::new() })
    }
}

#[wasm_bindgen]
impl Call {
    /// Resolves with the result, or with nothing where there is none.
    pub fn result(&self) -> Promise {
        let (work, cancelled) = (self.work.replace(Work::Taken), self.cancelled.clone());
        promise(async move {
            let done = async {
                match work {
                    Work::One(call) => match call.await {
                        Ok(value) => text(&value).map(JsValue::from_str),
                        Err(failure) => Err(calling(&failure)),
                    },
                    Work::Nothing(call) => match call.await {
                        Ok(()) => Ok(JsValue::UNDEFINED),
                        Err(failure) => Err(crate::error::not_sent(failure)),
                    },
                    Work::Failed(error) => Err(error),
                    Work::Many(_) | Work::Taken => Err(invalid("there is no result to wait for")),
                }
            };
            tokio::select! {
                biased;
                () = cancelled.cancelled() => Err(error("cancelled", "the call is cancelled")),
                done = done => done,
            }
        })
    }

    /// Resolves with the next results, as a [`List`]; with `undefined` after the last one.
    pub fn next(&self) -> Promise {
        let (work, cancelled) = (Rc::clone(&self.work), self.cancelled.clone());
        promise(async move {
            let mut items = match work.replace(Work::Taken) {
                Work::Many(items) => items,
                Work::Failed(error) => return Err(error),
                _ => return Ok(JsValue::UNDEFINED),
            };
            let first = tokio::select! {
                biased;
                () = cancelled.cancelled() => return Err(error("cancelled", "the call is cancelled")),
                first = items.next() => first,
            };
            let mut list = List::default();
            match first {
                None => return Ok(JsValue::UNDEFINED),
                Some(Err(failure)) => return Err(calling(&failure)),
                Some(Ok(item)) => list.push(&item)?,
            }
            let left = loop {
                if list.is_enough() {
                    break Work::Many(items);
                }
                match items.next().now_or_never() {
                    None => break Work::Many(items),
                    Some(None) => break Work::Taken,
                    Some(Some(Err(failure))) => break Work::Failed(calling(&failure)),
                    Some(Some(Ok(item))) => {
                        if let Err(error) = list.push(&item) {
                            break Work::Failed(error);
                        }
                    }
                }
            };
            if !cancelled.is_cancelled() {
                *work.borrow_mut() = left;
            }
            Ok(list.finish())
        })
    }

    /// Takes an item to be sent. 0: taken; 1: there is no room now; 2: no more are wanted.
    pub fn push(&self, item: String) -> u8 {
        self.feed.push(item)
    }

    /// Resolves when there is room for another item; with false if no more are wanted.
    pub fn room(&self) -> Promise {
        self.feed.room()
    }

    /// No more items follow.
    pub fn finish(&self) {
        self.feed.finish();
    }

    /// Gives the call up. The other side hears of it.
    pub fn cancel(&self) {
        self.cancelled.cancel();
        drop(self.work.replace(Work::Taken));
    }
}

/// Values on their way from the page, a few at a time.
pub(crate) struct Feed(RefCell<Option<mpsc::Sender<Encoded>>>);

impl Feed {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Encoded>) {
        let (feed, fed) = mpsc::channel(AHEAD);
        (Self(RefCell::new(Some(feed))), fed)
    }

    pub(crate) fn push(&self, item: String) -> u8 {
        let feed = self.0.borrow();
        let Some(feed) = feed.as_ref() else { return 2 };
        match feed.try_send(json(item)) {
            Ok(()) => 0,
            Err(mpsc::error::TrySendError::Full(_)) => 1,
            Err(mpsc::error::TrySendError::Closed(_)) => 2,
        }
    }

    pub(crate) fn room(&self) -> Promise {
        let feed = self.0.borrow().clone();
        promise(async move {
            let Some(feed) = feed else { return Ok(false.into()) };
            Ok(feed.reserve().await.is_ok().into())
        })
    }

    pub(crate) fn finish(&self) {
        self.0.take();
    }
}

/// Values, each by the text that JavaScript's JSON is to read. Between them stands what can't be in such a text, so that one
/// that is none fails alone.
#[derive(Default)]
pub(crate) struct List {
    text: String,
    items: usize,
}

impl List {
    pub(crate) fn push(&mut self, item: &Encoded) -> Result<(), JsValue> {
        if self.items > 0 {
            self.text.push('\x1e');
        }
        self.text.push_str(text(item)?);
        self.items += 1;
        Ok(())
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.items >= BATCH || self.text.len() >= BATCH_BYTES
    }

    pub(crate) fn finish(self) -> JsValue {
        self.text.into()
    }
}
