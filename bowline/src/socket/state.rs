//! Whether a socket has somebody to talk to: as a value that can be watched, and for handlers.

use std::pin::pin;

use bowline_proto::TransportState;
use tokio::sync::watch;

use crate::driver::core::Core;
use crate::driver::monitor::State;
use crate::rt::Home;

/// The [`TransportState`] of a socket, now and from now on.
///
/// It shows states, not events: whoever looks too late misses what was in between, but never the last one. A
/// [`Monitor`](crate::Monitor) tells every event. It does not keep the socket open.
///
/// ```
/// use bowline::{Pull, Push, TransportState};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (pull, push) = (Pull::new(), Push::new());
/// let mut state = push.state();
/// assert_eq!(state.current(), TransportState::Disconnected);
///
/// push.connect(pull.bind("tcp://127.0.0.1:*").await?)?;
/// assert_eq!(state.changed().await, Some(TransportState::Connecting));
/// assert_eq!(state.changed().await, Some(TransportState::Connected));
///
/// push.close().await;
/// assert_eq!(state.changed().await, Some(TransportState::Disconnected));
/// assert_eq!(state.changed().await, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StateWatch {
    states: watch::Receiver<State>,
    seen: TransportState,
}

impl StateWatch {
    pub(crate) fn new(core: &Core) -> Self {
        let states = core.monitors.state();
        let seen = states.borrow().transport;
        Self { states, seen }
    }

    /// The state now.
    pub fn current(&self) -> TransportState {
        self.states.borrow().transport
    }

    /// Waits until the state is another than the one that this watch has seen last, at its beginning the state of that
    /// moment. `None` if there will be no other: the socket is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future misses nothing.
    pub async fn changed(&mut self) -> Option<TransportState> {
        let seen = self.seen;
        let state = {
            let wanted = self.states.wait_for(|state| state.transport != seen || state.is_final);
            pin!(wanted).await.map_or(seen, |state| state.transport)
        };
        self.seen = state;
        (state != seen).then_some(state)
    }
}

/// There is no tokio runtime to run a handler on: none here, and the socket has not been bound or connected in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no tokio runtime here")]
pub struct NoRuntime;

/// Calls `handler` with the state now, and with each that follows, up to the last one.
pub(crate) fn on_change(
    core: &Core,
    mut handler: impl FnMut(TransportState) + Send + 'static,
) -> Result<(), NoRuntime> {
    let runtime = Home::here().or_else(|| core.home()).ok_or(NoRuntime)?;
    let mut watch = StateWatch::new(core);
    let mut next = Some(watch.seen);
    runtime.clone().spawn(async move {
        while let Some(state) = next {
            // It is not ours to say how long the handler takes: no task of a socket waits for it.
            let call = runtime.call(move || {
                handler(state);
                handler
            });
            // A handler that panics is called no more.
            let Some(returned) = call.await else { return };
            handler = returned;
            next = watch.changed().await;
        }
    });
    Ok(())
}
