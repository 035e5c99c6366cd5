//! `bowline demo`: everything a socket goes through, live, with nothing to set up.
//!
//! Three scenes on loopback, each over tcp, ipc and inproc: a ticker (PUB to SUB), a pipeline (PUSH to PULL) and a
//! service (REQ to REP). A [`schedule`] restarts peers on purpose; the [`board`] follows every connection; the
//! [`account`]s say at the end whether anything was lost that must not be.

mod account;
mod actor;
mod board;
mod pipeline;
mod schedule;
mod screen;
mod service;
mod stage;
mod ticker;
mod verdict;
mod web;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::args::DemoArgs;
use crate::failure::Failure;
use crate::signal::Interrupts;
use stage::{Phase, Stage};

/// How long the actors may take to finish what they have begun.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: DemoArgs) -> Result<(), Failure> {
    if args.web {
        return web::run(&args.at).await;
    }
    let mut interrupts = Interrupts::listen()?;
    let stage = Arc::new(Stage::new(args.seconds)?);
    let mut actors = JoinSet::new();
    let result = play(&stage, &mut actors, &args, &mut interrupts).await;
    stage.enter(Phase::Over);
    let ended = tokio::time::timeout(LAST_WORDS, async { while actors.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        actors.abort_all();
    }
    stage.tidy();
    result?;
    verdict::tell(&stage, args.json)
}

/// From the first bind to the moment when all accounts should balance.
async fn play(
    stage: &Arc<Stage>,
    actors: &mut JoinSet<()>,
    args: &DemoArgs,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let ticker = ticker::enter(stage, actors).await?;
    let pipeline = pipeline::enter(stage, actors).await?;
    let service = service::enter(stage, actors).await?;
    let show = async {
        let victims = schedule::victims(ticker, pipeline, &service);
        tokio::select! {
            () = tokio::time::sleep(args.seconds) => {}
            () = schedule::run(stage, &victims, args.seconds) => {}
            () = interrupts.next() => {}
        }
    };
    let shown = if std::io::stdout().is_terminal() && !args.json {
        screen::run(stage, show).await
    } else {
        verdict::progress(stage, args.json, show).await
    };
    // Also after Ctrl-C: what was begun is finished, so that the accounts can balance.
    stage.enter(Phase::Draining);
    let _ = tokio::time::timeout(LAST_WORDS, stage.settled()).await;
    shown
}
