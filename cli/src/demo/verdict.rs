//! What the demo says without a terminal, and what it says at the end.

use std::time::Duration;

use serde_json::json;

use super::account::{Ticker, per_second};
use super::stage::Stage;
use crate::failure::Failure;
use crate::output;

/// Follows `show` with a line a second. They go to standard error where standard output is for the JSON object.
pub(super) async fn progress(stage: &Stage, json: bool, show: impl Future<Output = ()>) -> Result<(), Failure> {
    tokio::pin!(show);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    let mut last = 0;
    loop {
        tokio::select! {
            () = &mut show => return Ok(()),
            _ = second.tick() => {
                let messages = stage.board().messages();
                let text = line(stage, messages - last);
                last = messages;
                if json { crate::note!("{text}") } else { output::line(&text)? }
            }
        }
    }
}

fn line(stage: &Stage, in_this_second: u64) -> String {
    let board = stage.board();
    format!(
        "{:5.1} s  {} of {} connections ready  {in_this_second} msg/s  {} restarts on purpose  {} reconnects",
        stage.started.elapsed().as_secs_f64(),
        board.ready(),
        board.rows.len(),
        board.restarts,
        board.reconnects(),
    )
}

/// Prints the verdict. Accounts that don't balance are an error.
pub(super) fn tell(stage: &Stage, json: bool) -> Result<(), Failure> {
    let text = if json { object(stage).to_string() } else { lines(stage) };
    output::line(&text)?;
    if stage.accounts().balanced() {
        Ok(())
    } else {
        Err(Failure::Error("the accounts of the demo do not balance".to_owned()))
    }
}

fn object(stage: &Stage) -> serde_json::Value {
    let (board, accounts) = (stage.board(), stage.accounts());
    let elapsed = stage.started.elapsed();
    json!({
        "balanced": accounts.balanced(),
        "seconds": (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        "connections": board.rows.len(),
        "restarts": board.restarts,
        "reconnects": board.reconnects(),
        "transitions": board.transitions,
        "push_pull": accounts.pipeline.object(),
        "req_rep": accounts.service.object(),
        "pub_sub": accounts.ticker.object(),
    })
}

fn lines(stage: &Stage) -> String {
    let (board, accounts) = (stage.board(), stage.accounts());
    let elapsed = stage.started.elapsed();
    let word = |balanced| if balanced { "balanced" } else { "NOT BALANCED" };
    format!(
        "PUSH/PULL  {}: {}\n\
         REQ/REP    {}: {}\n\
         PUB/SUB    {}\n           ({})\n\
         In {:.1} s: {} restarts on purpose, {} reconnects of {} connections, {} lifecycle transitions, {} msg/s.",
        accounts.pipeline.line(),
        word(accounts.pipeline.balanced()),
        accounts.service.line(),
        word(accounts.service.balanced()),
        accounts.ticker.line(),
        Ticker::WHY,
        elapsed.as_secs_f64(),
        board.restarts,
        board.reconnects(),
        board.rows.len(),
        board.transitions,
        per_second(board.messages(), elapsed),
    )
}
