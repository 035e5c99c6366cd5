//! A peer that somebody is to judge.

use std::fmt;
use std::task::{Context, Poll};

use crate::auth::{Judging, Request, Verdict};
use crate::options::Options;

/// What an authenticator was asked about a peer, until it has answered.
#[derive(Default)]
pub(super) struct Question(Option<Judging<'static>>);

impl Question {
    pub(super) fn new(options: &Options, request: Request) -> Self {
        Self(options.authenticator.as_ref().map(|judge| judge.judge(request)))
    }

    /// The answer, once.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Verdict> {
        let Poll::Ready(verdict) = self.0.as_mut()?.as_mut().poll(cx) else { return None };
        self.0 = None;
        Some(verdict)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Question(..)" } else { "none" })
    }
}
