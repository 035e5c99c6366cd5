//! PUSH and PUB: everything that the source gives goes out.

use std::time::Duration;

use bowline::SocketType;

use super::Run;
use crate::failure::Failure;
use crate::input::Source;

pub(super) async fn run(
    run: &Run<'_>,
    mut source: Source,
    socket_type: SocketType,
    delay: Option<Duration>,
) -> Result<(), Failure> {
    tokio::select! {
        ready = run.peer(socket_type) => ready?,
        // Who has nothing to say needs nobody to say it to.
        () = source.exhausted() => return Ok(()),
    }
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    while let Some(message) = source.next().await? {
        run.send(message).await?;
        run.progress.step();
    }
    Ok(())
}
