//! What a connection does while nothing passes: it looks again for a moment, waits for its timers, and gives memory back.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::wire::batch::Batch;

use super::{BULK, Connection};
use crate::rt::{self, BusyPoll};

/// How long nothing has to pass before the buffers are given back, and at the most twice as long: a stream with pauses
/// keeps them, and a thousand connections that were busy once do not.
const QUIET: Duration = Duration::from_millis(100);

impl Connection {
    /// So many bytes have passed at once.
    pub(super) fn passed(&mut self, n: usize) {
        self.stirred = true;
        if n >= BULK {
            self.looking = Some(BusyPoll::default());
        }
    }

    /// Where large bodies pass, the next piece is mostly there before a thread could be put to sleep and woken again.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) {
        if let Some(looking) = &mut self.looking
            && !self.paused
            && looking.poll_over(cx, rt::WAKING).is_ready()
        {
            self.looking = None;
        }
    }

    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.look_at.is_none() && std::mem::take(&mut self.stirred) {
            self.look_at = Some(rt::now() + QUIET);
        }
        let Some(due) = [self.link.poll_timeout(), self.look_at, self.turn_at()].into_iter().flatten().min() else {
            self.timer = None;
            return Poll::Pending;
        };
        match &mut self.timer {
            Some((at, _)) if *at == due => {}
            Some((at, sleep)) => {
                *at = due;
                rt::reset(sleep.as_mut(), due);
            }
            None => self.timer = Some((due, Box::pin(rt::sleep_until(due)))),
        }
        if let Some((_, sleep)) = &mut self.timer {
            ready!(sleep.as_mut().poll(cx));
        }
        self.timer = None;
        let now = rt::now();
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = std::mem::take(&mut self.stirred).then(|| now + QUIET);
            if self.look_at.is_none() {
                self.shed();
            }
        }
        self.link.handle_timeout(now);
        Poll::Ready(())
    }

    /// Nothing passes: what no message needs is given back.
    fn shed(&mut self) {
        if self.writing.is_empty() {
            self.writing = Batch::new();
        }
        self.link.shed();
        if let Some(halves) = self.seat.halves() {
            self.seat.core().with(|engine| engine.shed(halves.pipe));
        }
    }
}
