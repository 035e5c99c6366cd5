//! What the page can call: toys for its console, and control over the demo.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bowline::rpc::{Codec, Context, Incoming, Stream};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::actor::Order;

/// Who something is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Actor {
    Ticks,
    /// Who ticks for a second thread of the page.
    Worker,
    Echo,
    Calls,
}

/// Troubles on demand.
#[bowline::service]
pub(super) trait Control {
    /// Ends all connections of `actor`, and says how many these were.
    async fn cut(&self, actor: Actor) -> u32;

    /// Lets `actor` do nothing for some seconds, a minute at most: its connections stay.
    async fn stall(&self, actor: Actor, seconds: u64);

    /// Ends `actor` without a word; another one comes soon.
    async fn restart(&self, actor: Actor);

    /// Ticks in a second, 1,000 at most; 0 for as many as go.
    async fn pace(&self, ticks: u32);
}

/// Methods of every kind, to be called from a console.
#[bowline::service]
pub(super) trait Toys {
    /// The sum of both.
    #[rpc(idempotent)]
    async fn add(&self, a: i64, b: i64) -> Result<i64, String>;

    /// From `from` down to 0, five in a second.
    async fn countdown(&self, from: u32) -> impl Stream<Item = u32>;

    /// The sum of all items.
    async fn total(&self, items: impl Stream<Item = i64>) -> i64;

    /// Each item in capitals, as it comes.
    async fn shout(&self, items: impl Stream<Item = String>) -> impl Stream<Item = String>;

    /// Asks the page that calls, whose own method `Page.answer` answers.
    async fn ask(&self, question: String, cx: &Context) -> Result<String, String>;
}

/// What the page itself can be called for.
#[bowline::service]
pub(super) trait Page {
    /// An answer.
    async fn answer(&self, question: String) -> String;
}

/// How long a page is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What gives the orders.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    pub(super) ticks: mpsc::Sender<Order>,
    pub(super) worker: mpsc::Sender<Order>,
    pub(super) echo: mpsc::Sender<Order>,
    pub(super) calls: mpsc::Sender<Order>,
    pub(super) pace: Arc<AtomicU32>,
}

impl Orders {
    async fn order(&self, actor: Actor, order: Order) {
        let to = match actor {
            Actor::Ticks => &self.ticks,
            Actor::Worker => &self.worker,
            Actor::Echo => &self.echo,
            Actor::Calls => &self.calls,
        };
        // At the end of the demo nobody takes orders.
        let _ = to.send(order).await;
    }
}

impl Control for Orders {
    async fn cut(&self, actor: Actor) -> u32 {
        let (answer, cut) = oneshot::channel();
        self.order(actor, Order::Cut(answer)).await;
        cut.await.unwrap_or_default()
    }

    async fn stall(&self, actor: Actor, seconds: u64) {
        self.order(actor, Order::Stall(Duration::from_secs(seconds.min(60)))).await;
    }

    async fn restart(&self, actor: Actor) {
        self.order(actor, Order::Restart).await;
    }

    async fn pace(&self, ticks: u32) {
        self.pace.store(ticks.min(1000), Ordering::Relaxed);
    }
}

/// The methods that need nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Toybox;

impl Toys for Toybox {
    async fn add(&self, a: i64, b: i64) -> Result<i64, String> {
        a.checked_add(b).ok_or_else(|| format!("{a} and {b} are too much together"))
    }

    async fn countdown(&self, from: u32) -> impl Stream<Item = u32> {
        stream::unfold(Some(from), |left| async move {
            let left = left?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            Some((left, left.checked_sub(1)))
        })
    }

    async fn total(&self, items: Incoming<i64>) -> i64 {
        items.fold(0_i64, |sum, item| async move { sum.saturating_add(item) }).await
    }

    async fn shout(&self, items: Incoming<String>) -> impl Stream<Item = String> {
        items.map(|item| item.to_uppercase())
    }

    async fn ask(&self, question: String, cx: &Context) -> Result<String, String> {
        let page = PageClient::new(cx.client().with_codec(Codec::Json));
        page.answer(question).deadline(PATIENCE).await.map_err(|error| error.to_string())
    }
}
