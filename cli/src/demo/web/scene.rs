//! Who is there for the page, and where.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

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
/// Orders that wait for an actor; who gives more waits as well.
const ORDERS: usize = 4;

/// All of them, and where they are reached.
pub(super) struct Scene {
    options: Options,
    script: Script,
    places: [Counter; 4],
    orders: [mpsc::Receiver<Order>; 3],
}

impl Scene {
    /// For the page that is served at `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        let origins = [format!("http://{address}"), format!("http://localhost:{}", address.port())];
        let options = Options::new().origins(Origins::only(origins));
        let pace = Arc::new(AtomicU32::new(PACE));
        let (give, orders): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel(ORDERS)).unzip();
        let [ticks, echo, calls] = give.try_into().unwrap_or_else(|_| unreachable!("three were made"));
        let control = Orders { ticks, echo, calls, pace: Arc::clone(&pace) };
        let events = Pub::with_options(options.clone());
        let places: [Counter; 4] = std::array::from_fn(|_| Counter::default());
        places[3].staff(Some(upgrade(&events)));
        let orders = orders.try_into().unwrap_or_else(|_| unreachable!("three were made"));
        Self { options, script: Script { control, pace, events }, places, orders }
    }

    /// Where they are, by their paths.
    pub(super) fn counters(&self) -> [(&'static str, Counter); 4] {
        let [ticks, echo, calls, events] = self.places.clone();
        [("/ticks", ticks), ("/echo", echo), ("/calls", calls), ("/events", events)]
    }

    /// Plays until it is dropped, or somebody can't be opened.
    pub(super) async fn play(self) -> Result<(), Failure> {
        let Self { options, script, places: [ticks, echo, calls, _], orders: [of_ticks, of_echo, of_calls] } = self;
        let options = || options.clone();
        tokio::try_join!(
            actor::play::<Pub>("ticks", options(), ticks, script.clone(), of_ticks),
            actor::play::<Router>("echo", options(), echo, script.clone(), of_echo),
            actor::play::<Server>("calls", options(), calls, script.clone(), of_calls),
        )
        .map(drop)
    }
}
