//! Turns: a task that yields goes on after the events that wait, messages of a WebSocket among them.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use js_sys::{Function, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageChannel;

/// How much a task may do before others go on, in units of four messages: tokio's budget.
const BUDGET: usize = 128;
/// How many times as much those may do together between two turns that have not waited for one: tasks that wake each other
/// are never seen to yield.
const OTHERS: usize = 16;

/// What may be done before the next turn.
#[derive(Clone, Copy)]
struct Budget {
    /// The task that is at it, by the address of its waker.
    task: usize,
    /// What that task may do.
    own: usize,
    /// What all may do.
    all: usize,
}

thread_local! {
    static LEFT: Cell<Budget> = const { Cell::new(Budget { task: 0, own: BUDGET, all: OTHERS * BUDGET }) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    static NEXT: Next = Next::new();
}

/// How the next turn is asked for: an event that comes behind those that wait.
struct Next {
    way: Way,
    begin: Closure<dyn FnMut()>,
}

enum Way {
    /// Node's, which keeps the process alive no longer than it waits.
    Immediate(Function),
    /// A message to ourselves: browsers let timers wait for four milliseconds.
    Channel(MessageChannel),
    /// Where there is neither.
    Timer(Option<Function>),
}

impl Next {
    fn new() -> Self {
        let begin = Closure::<dyn FnMut()>::new(begin);
        let way = global("setImmediate").map(Way::Immediate).or_else(|| {
            let channel = MessageChannel::new().ok()?;
            channel.port1().set_onmessage(Some(begin.as_ref().unchecked_ref()));
            Some(Way::Channel(channel))
        });
        let way = way.unwrap_or_else(|| Way::Timer(global("setTimeout")));
        Self { way, begin }
    }

    fn ask(&self) {
        let asked = match &self.way {
            Way::Immediate(call) | Way::Timer(Some(call)) => {
                call.call1(&JsValue::UNDEFINED, self.begin.as_ref()).map(drop)
            }
            Way::Channel(channel) => channel.port2().post_message(&JsValue::NULL),
            Way::Timer(None) => Ok(()),
        };
        debug_assert!(asked.is_ok(), "an event can be asked for");
    }
}

/// A function that is there everywhere in this page, if it is.
pub(super) fn global(name: &str) -> Option<Function> {
    Reflect::get(&js_sys::global(), &name.into()).ok()?.dyn_into().ok()
}

/// A turn begins: those that wait for it go on.
fn begin() {
    // Not under the borrow: whoever is woken may wait again.
    let waiting = WAITING.take();
    // Each of them has its own budget, whatever those before it do.
    LEFT.set(Budget { task: 0, own: BUDGET, all: (waiting.len() + OTHERS) * BUDGET });
    waiting.into_iter().for_each(Waker::wake);
}

/// Ends the turn of a task that has more to do: it goes on after all others, and after the events that wait.
pub(crate) fn poll_yield<T>(cx: &Context<'_>) -> Poll<T> {
    let is_first = WAITING.with_borrow_mut(|waiting| {
        waiting.push(cx.waker().clone());
        waiting.len() == 1
    });
    if is_first {
        NEXT.with(Next::ask);
    }
    Poll::Pending
}

/// As [`poll_yield`], in a task that has nothing to wait for then.
pub(crate) fn yield_now() -> impl Future<Output = ()> {
    let mut has_yielded = false;
    poll_fn(move |cx| if std::mem::replace(&mut has_yielded, true) { Poll::Ready(()) } else { poll_yield(cx) })
}

/// Counts what was done in one go as if each message had come with a
/// [`poll_cooperate`](super::super::poll_cooperate) of its own.
pub(crate) fn spend(messages: usize) {
    let Budget { task, own, all } = LEFT.get();
    let units = messages / 4;
    LEFT.set(Budget { task, own: own.saturating_sub(units), all: all.saturating_sub(units) });
}

/// As [`poll_cooperate`](super::super::poll_cooperate), but every call counts: before many messages at once.
pub(crate) fn poll_budget(cx: &Context<'_>) -> Poll<()> {
    let task = cx.waker().data().addr();
    let Budget { task: last, own, all } = LEFT.get();
    let own = if task == last { own } else { BUDGET };
    match (own.checked_sub(1), all.checked_sub(1)) {
        (Some(own), Some(all)) => {
            LEFT.set(Budget { task, own, all });
            Poll::Ready(())
        }
        _ => {
            // Behind its turn it has a new one.
            LEFT.set(Budget { task: 0, own: BUDGET, all });
            poll_yield(cx)
        }
    }
}
