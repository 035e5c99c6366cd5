//! PULL and SUB: everything that comes is printed.

use super::Run;
use crate::failure::Failure;
use crate::output::Printer;

/// Messages that are handled before anything else gets a turn: Ctrl-C must work in a flood, too.
const TURN: u64 = 256;

pub(super) async fn run(run: &Run<'_>, mut printer: Printer, count: Option<u64>) -> Result<(), Failure> {
    let mut received = 0;
    while count.is_none_or(|count| received < count) {
        let message = if let Some(message) = run.try_recv()? {
            message
        } else {
            printer.flush()?;
            run.recv("nothing received").await?
        };
        printer.print(&message)?;
        run.progress.step();
        received += 1;
        if received % TURN == 0 {
            printer.flush()?;
            tokio::task::yield_now().await;
        }
    }
    printer.flush()
}
