//! REQ: each input is a request, each reply is printed.

use std::time::Duration;

use bowline::SocketType;

use super::Run;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::Printer;

pub(super) async fn run(
    run: &Run<'_>,
    mut source: Source,
    mut printer: Printer,
    delay: Option<Duration>,
) -> Result<(), Failure> {
    tokio::select! {
        ready = run.peer(SocketType::Req) => ready?,
        // Who has nothing to say needs nobody to say it to.
        () = source.exhausted() => return Ok(()),
    }
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    while let Some(request) = source.next().await? {
        run.send(request).await?;
        let reply = run.recv("no reply").await?;
        printer.print(&reply)?;
        printer.flush()?;
        run.progress.step();
    }
    Ok(())
}
