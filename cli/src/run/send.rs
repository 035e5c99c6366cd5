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
    run.peer(socket_type).await?;
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    while let Some(message) = source.next().await? {
        run.send(message).await?;
        run.progress.step();
    }
    Ok(())
}
