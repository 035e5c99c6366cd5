//! A peer that is being judged: the authenticator's future, in the task of the connection.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowline_proto::auth::{Code, Judge, Judging as Verdicts, Request, Verdict};

/// What an authenticator was asked, until it has answered. Dropped, it is no longer asked.
pub(crate) struct Judging(Verdicts<'static>);

impl Judging {
    pub(crate) fn new(judge: &Judge, request: Request) -> Self {
        Self(judge.judge(request))
    }

    /// The verdict. A panic is one too: that of an application must not take its socket down.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        // The future is not polled again after a panic, so nobody sees what that has left half done.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::as_mut(&mut self.0).poll(cx)));
        Poll::Ready(match polled {
            Ok(polled) => ready!(polled),
            Err(_) => Verdict::refuse(Code::Internal, "the authenticator panicked"),
        })
    }
}

impl fmt::Debug for Judging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judging(..)")
    }
}
