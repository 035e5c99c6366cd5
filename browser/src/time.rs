//! Timers.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::{Function, Promise, Reflect};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
pub use web_time::Instant;

/// It took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Waits for so long.
#[derive(Debug)]
pub struct Sleep {
    event: SendWrapper<JsFuture>,
    timer: SendWrapper<JsValue>,
}

/// Waits for so long.
pub fn sleep(time: Duration) -> Sleep {
    let mut timer = JsValue::UNDEFINED;
    let event = Promise::new(&mut |go_on: Function, _| {
        let delay = JsValue::from_f64(time.as_secs_f64() * 1000.0);
        timer = function("setTimeout").call2(&JsValue::UNDEFINED, &go_on, &delay).expect("there are timers");
    });
    Sleep { event: SendWrapper::new(JsFuture::from(event)), timer: SendWrapper::new(timer) }
}

/// Waits until then.
pub fn sleep_until(instant: Instant) -> Sleep {
    sleep(instant.saturating_duration_since(Instant::now()))
}

fn function(name: &str) -> Function {
    Reflect::get(&js_sys::global(), &name.into()).expect("the global object").dyn_into().expect("a function")
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut *self.event).poll(cx).map(drop)
    }
}

impl Drop for Sleep {
    /// Otherwise Node waits for it.
    fn drop(&mut self) {
        function("clearTimeout").call1(&JsValue::UNDEFINED, &self.timer).expect("a timer can be cleared");
    }
}

/// What comes of `future`, unless it takes longer.
///
/// # Errors
///
/// [`Elapsed`] if it does.
pub async fn timeout<F: Future>(most: Duration, future: F) -> Result<F::Output, Elapsed> {
    match select(pin!(future), sleep(most)).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Elapsed),
    }
}

/// Beats again and again, the first time at once.
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    next: Instant,
}

/// Beats again and again, the first time at once.
pub fn interval(period: Duration) -> Interval {
    Interval { period, next: Instant::now() }
}

impl Interval {
    /// The next beat.
    pub async fn tick(&mut self) -> Instant {
        sleep_until(self.next).await;
        let beat = self.next;
        self.next += self.period;
        beat
    }
}
