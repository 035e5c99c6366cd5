//! Timers: all of a thread are one timer of JavaScript, for the first that is due.
//!
//! So a timer that is set anew, as the one of a connection is all the time, costs no call into JavaScript; and none of
//! JavaScript's objects is in a task, so a task may be `Send`.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowline_proto::map::Sorted;
use bowline_proto::time::Instant;
use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::now;
use super::turns::global;

/// The longest delay that JavaScript counts; a longer one would be none.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

thread_local! {
    static TIMERS: RefCell<Timers> = RefCell::new(Timers::new());
}

/// Waits until an instant; forgotten when it is dropped.
#[derive(Debug)]
pub(crate) struct Sleep {
    at: Instant,
    /// Its number among the timers, while it is one of them.
    serial: Option<u64>,
}

impl Sleep {
    pub(super) const fn new(at: Instant) -> Self {
        Self { at, serial: None }
    }

    pub(super) fn reset(&mut self, at: Instant) {
        self.forget();
        self.at = at;
    }

    fn forget(&mut self) {
        if let Some(serial) = self.serial.take() {
            // Not under the borrow: what a waker does when it goes is its own business.
            let _waker = TIMERS.with_borrow_mut(|timers| timers.remove((self.at, serial)));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.at <= now() {
            self.forget();
            return Poll::Ready(());
        }
        let (at, serial) = (self.at, self.serial);
        let (serial, _former) = TIMERS.with_borrow_mut(|timers| timers.add(at, serial, cx.waker().clone()));
        self.serial = Some(serial);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

struct Timers {
    all: Sorted<(Instant, u64), Waker>,
    serial: u64,
    /// When JavaScript's timer is due, and what it is known by there.
    armed: Option<(Instant, JsValue)>,
    fire: Closure<dyn FnMut()>,
    set: Option<Function>,
    clear: Option<Function>,
}

impl Timers {
    fn new() -> Self {
        let fire = Closure::<dyn FnMut()>::new(fire);
        let (set, clear) = (global("setTimeout"), global("clearTimeout"));
        Self { all: Sorted::default(), serial: 0, armed: None, fire, set, clear }
    }

    fn add(&mut self, at: Instant, serial: Option<u64>, waker: Waker) -> (u64, Option<Waker>) {
        let serial = serial.unwrap_or_else(|| {
            self.serial += 1;
            self.serial
        });
        let former = self.all.insert((at, serial), waker);
        self.arm();
        (serial, former)
    }

    fn remove(&mut self, key: (Instant, u64)) -> Option<Waker> {
        let waker = self.all.remove(&key);
        // One that is due too early does no harm, but a process of Node does not end before it.
        if self.all.is_empty() {
            self.disarm();
        }
        waker
    }

    /// Sees to it that JavaScript's timer is due when the first is, or earlier.
    fn arm(&mut self) {
        let Some((&(first, _), _)) = self.all.first_key_value() else { return };
        if self.armed.as_ref().is_some_and(|(at, _)| *at <= first) {
            return;
        }
        self.disarm();
        // Rounded up: a timer that is due too early would be set again, and again.
        let delay = (first - now()).min(LONGEST).as_micros().div_ceil(1000) as f64;
        let set = self.set.as_ref().map(|set| set.call2(&JsValue::UNDEFINED, self.fire.as_ref(), &delay.into()));
        if let Some(Ok(timer)) = set {
            self.armed = Some((first, timer));
        }
    }

    fn disarm(&mut self) {
        if let (Some((_, timer)), Some(clear)) = (self.armed.take(), &self.clear) {
            let cleared = clear.call1(&JsValue::UNDEFINED, &timer);
            debug_assert!(cleared.is_ok(), "a timer can be cleared");
        }
    }
}

/// JavaScript's timer is due, or as good as that.
fn fire() {
    let due = TIMERS.with_borrow_mut(|timers| {
        timers.armed = None;
        let (now, mut due) = (now(), Vec::new());
        while timers.all.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            due.extend(timers.all.pop_first().map(|(_, waker)| waker));
        }
        timers.arm();
        due
    });
    // Not under the borrow: whoever is woken may look at its timer at once.
    due.into_iter().for_each(Waker::wake);
}
