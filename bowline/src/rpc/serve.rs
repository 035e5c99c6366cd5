//! How calls of a peer are begun: at once, in the task that serves the connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Waker};

use bowline_proto::mux::Code;

use super::codec::Codec;
use super::connection::{Connection, Opened};
use super::context::Context as CallContext;
use super::entry::Ending;
use super::exchange::Exchange;
use super::hub::Hub;
use crate::rt;

/// A handler at work in a task of its own.
struct Working(Arc<Hub>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.has_worked();
    }
}

/// Begins to handle what a peer asks for. No lock is held.
pub(super) fn begin(connection: &Arc<Connection>, opened: Opened) {
    let hub = &connection.hub;
    let Opened { stream, head, args } = opened;
    let Some(codec) = Codec::from_number(head.method.codec) else {
        return stream.reset(Code::UNSUPPORTED_CODEC, "no such codec");
    };
    let Some((service, index, method)) = hub.registry.find(head.method.id) else {
        return stream.reset(Code::UNKNOWN_METHOD, "no such method");
    };
    let (ours, theirs) = (method.shape, head.method.shape);
    if ours != 0 && theirs != 0 && ours != theirs && !codec.is_self_describing() {
        return stream.reset(Code::SHAPE_MISMATCH, method.signature);
    }
    if !hub.works() {
        return stream.reset(Code::REFUSED, "as many handlers are at work as may be");
    }
    let deadline = head.deadline.map(|left| rt::now() + left);
    let ticket = stream.ticket;
    if let Some(at) = deadline.filter(|_| !head.one_way) {
        connection.with(|state| state.arm(connection, ticket, at));
    }
    let context = CallContext::new(Arc::clone(connection), ticket, method, deadline, head.metadata, codec);
    let exchange = Exchange::new(stream, context, codec, args);
    // A handler's panic is the end of its call, and of nothing else.
    let pending = catch_unwind(AssertUnwindSafe(|| {
        let mut work = service.call(index, exchange);
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polled.is_pending().then_some(work)
    }));
    let Ok(Some(work)) = pending else { return hub.has_worked() };
    let working = Working(Arc::clone(hub));
    let task = hub.core.spawn_abortable(async move {
        let _working = working;
        work.await;
    });
    // What was cancelled meanwhile has no task to be ended by.
    let is_cancelled = connection.look(|state| match state.entry(ticket) {
        Some(entry) if !matches!(entry.end, Some(Ending::Fault(_))) => {
            entry.make_rare().work = Some(task.clone());
            false
        }
        Some(_) => true,
        None => false,
    });
    if is_cancelled {
        task.abort();
    }
}
