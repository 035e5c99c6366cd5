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
    run.peer(SocketType::Req).await?;
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
