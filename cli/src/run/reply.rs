//! REP: each request is printed and answered.

use super::Run;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::Printer;

/// `answers` gives the replies; without it each request is its own reply.
pub(super) async fn run(
    run: &Run<'_>,
    mut answers: Option<Source>,
    mut printer: Printer,
    count: Option<u64>,
) -> Result<(), Failure> {
    let mut answered = 0;
    while count.is_none_or(|count| answered < count) {
        let request = run.recv("no request").await?;
        printer.print(&request)?;
        printer.flush()?;
        let reply = match &mut answers {
            None => request,
            Some(answers) => match answers.next().await? {
                Some(reply) => reply,
                None => return Err(run.failure("a request came, but standard input has no more replies")),
            },
        };
        run.send(reply).await?;
        run.progress.step();
        answered += 1;
    }
    Ok(())
}
