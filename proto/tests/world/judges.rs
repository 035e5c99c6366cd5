//! Who judges the peers of a world.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bowline_proto::auth::{Authenticator, Code, Verdict};

/// Somebody with moods: accepts most peers, at once or after a while, sends some away for now, and forgets others.
pub(crate) fn moody() -> impl Authenticator + 'static {
    let asked = Arc::new(AtomicU64::new(0));
    move |_| {
        let nth = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            match nth % 7 {
                2 => Verdict::refuse(Code::Temporary, "come later"),
                5 => pending().await,
                _ => {
                    think(nth % 3).await;
                    Verdict::accept()
                }
            }
        }
    }
}

/// Waits for so many turns.
async fn think(turns: u64) {
    let mut left = turns;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
