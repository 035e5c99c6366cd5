//! Tasks.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::{AbortHandle, Abortable};
use js_sys::{Function, Promise, Reflect};
use send_wrapper::SendWrapper;
use tokio_itself::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// Why a task gave nothing: it was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinError;

impl JoinError {
    /// Whether it was aborted, as it always was: a panic ends the whole page.
    pub const fn is_cancelled(&self) -> bool {
        true
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task was aborted")
    }
}

impl std::error::Error for JoinError {}

/// What comes of a task. Dropping it leaves the task alone.
#[derive(Debug)]
pub struct JoinHandle<T> {
    result: oneshot::Receiver<T>,
    abort: AbortHandle,
}

impl<T> JoinHandle<T> {
    /// Ends the task.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        !self.result.is_empty() || self.result.is_terminated() || self.abort.is_aborted()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.result).poll(cx).map_err(|_| JoinError)
    }
}

/// Starts a task.
pub fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> JoinHandle<F::Output> {
    let (tell, result) = oneshot::channel();
    let (abort, registration) = AbortHandle::new_pair();
    let task = Abortable::new(task, registration);
    wasm_bindgen_futures::spawn_local(async move {
        if let Ok(output) = task.await {
            let _nobody_waits = tell.send(output);
        }
    });
    JoinHandle { result, abort }
}

/// Lets all others go on, and the events that wait.
pub fn yield_now() -> impl Future<Output = ()> + Send {
    let event = Promise::new(&mut |go_on: Function, _| {
        let immediate = Reflect::get(&js_sys::global(), &"setImmediate".into());
        if let Some(immediate) = immediate.ok().and_then(|found| found.dyn_into::<Function>().ok()) {
            immediate.call1(&JsValue::UNDEFINED, &go_on).expect("Node has it");
        } else {
            let channel = MessageChannel::new().expect("every browser has it");
            channel.port1().set_onmessage(Some(&go_on));
            channel.port2().post_message(&JsValue::NULL).expect("nothing can be sent");
        }
    });
    let event = SendWrapper::new(JsFuture::from(event));
    async move {
        let _nothing = event.await;
    }
}
