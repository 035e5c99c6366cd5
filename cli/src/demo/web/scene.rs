//! Who is there for the page, and where.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bowline::axum::upgrade;
use bowline::rpc::Server;
use bowline::{Options, Origins, Pub, Router};
use tokio::sync::mpsc;

use super::actor::{self, Order, Script};
use super::counter::Counter;
use super::services::Orders;
use crate::failure::Failure;

/// Ticks in a second, until the page says otherwise.
const PACE: u32 = 20;
/// How long nobody may be heard of who is asked for a sign of life, and how often that is: a tab that the browser has put to sleep
/// gives none, and one that is merely hidden does.
const PATIENCE: Duration = Duration::from_secs(3);
/// Orders that wait for an actor; who gives more waits as well.
const ORDERS: usize = 4;

/// All of them, and where they are reached.
pub(super) struct Scene {
    options: Options,
    script: Script,
    places: [Counter; 5],
    orders: [mpsc::Receiver<Order>; 4],
}

impl Scene {
    /// For the page that is served at `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        let origins = [format!("http://{address}"), format!("http://localhost:{}", address.port())];
        let options = Options::new().origins(Origins::only(origins));
        let options = options.heartbeat_interval(Some(PATIENCE)).heartbeat_timeout(Some(PATIENCE));
        let pace = Arc::new(AtomicU32::new(PACE));
        let (give, orders): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::channel(ORDERS)).unzip();
        let [ticks, worker, echo, calls] = give.try_into().unwrap_or_else(|_| unreachable!("four were made"));
        let control = Orders { ticks, worker, echo, calls, pace: Arc::clone(&pace) };
        let events = Pub::with_options(options.clone());
        let places: [Counter; 5] = std::array::from_fn(|_| Counter::default());
        places[4].staff(Some(upgrade(&events)));
        let orders = orders.try_into().unwrap_or_else(|_| unreachable!("four were made"));
        Self { options, script: Script { control, pace, events }, places, orders }
    }

    /// Where they are, by their paths.
    pub(super) fn counters(&self) -> [(&'static str, Counter); 5] {
        let [ticks, worker, echo, calls, events] = self.places.clone();
        [("/ticks", ticks), ("/worker", worker), ("/echo", echo), ("/calls", calls), ("/events", events)]
    }

    /// Plays until it is dropped, or somebody can't be opened.
    pub(super) async fn play(self) -> Result<(), Failure> {
        let Self { options, script, places: [ticks, worker, echo, calls, _], orders } = self;
        let [of_ticks, of_worker, of_echo, of_calls] = orders;
        let options = || options.clone();
        tokio::try_join!(
            actor::play::<Pub>("ticks", options(), ticks, script.clone(), of_ticks),
            actor::play::<Pub>("worker", options(), worker, script.clone(), of_worker),
            actor::play::<Router>("echo", options(), echo, script.clone(), of_echo),
            actor::play::<Server>("calls", options(), calls, script.clone(), of_calls),
        )
        .map(drop)
    }
}
