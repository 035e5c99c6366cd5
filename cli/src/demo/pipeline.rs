//! Several PUSH to one PULL. Nothing may be lost, though each pusher is restarted now and then.
//!
//! The PULL is never killed: what the kernel has accepted for a peer that dies is lost, by the nature of the protocol. A
//! pusher leaves with linger, so all that its socket accepted is delivered before its successor comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bowline::{Endpoint, Message, SocketType};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::actor::{Actor, Role};
use super::stage::{Phase, Stage};
use crate::failure::Failure;

const BEAT: Duration = Duration::from_millis(2);
/// Messages at each beat.
const BURST: u64 = 8;

/// The signals that restart the pushers.
pub(super) async fn enter(stage: &Arc<Stage>, actors: &mut JoinSet<()>) -> Result<Vec<Arc<Notify>>, Failure> {
    let role = Role { name: "PULL".to_owned(), row: None };
    let puller = Actor::enter(stage, &role, SocketType::Pull, Stage::options());
    let places = puller.bind(&stage.places("pipeline")?).await?;
    actors.spawn(pull(Arc::clone(stage), puller));
    let mut restarts = Vec::new();
    for (index, place) in places.into_iter().enumerate() {
        let name = format!("PUSH {}", index + 1);
        let (row, messages) = stage.board().add(&name, "PUSH > PULL", place.to_string());
        let restart = Arc::new(Notify::new());
        let pusher = Pusher {
            stage: Arc::clone(stage),
            role: Role { name, row: Some(row) },
            lane: stage.accounts().pipeline.open(),
            place,
            messages,
            restart: Arc::clone(&restart),
        };
        actors.spawn(pusher.run());
        restarts.push(restart);
    }
    Ok(restarts)
}

async fn pull(stage: Arc<Stage>, puller: Actor) {
    loop {
        tokio::select! {
            message = puller.socket.recv() => match message {
                Ok(message) => note(&stage, &message),
                Err(_) => break,
            },
            () = stage.reached(Phase::Over) => break,
        }
    }
    puller.die().await;
}

/// A message is its lane and its number, each eight bytes.
fn note(stage: &Stage, message: &Message) {
    let read = |part: usize| {
        let bytes: &[u8] = message.parts().get(part)?;
        bytes.try_into().ok().map(u64::from_be_bytes)
    };
    let lane = read(0).and_then(|lane| usize::try_from(lane).ok()).unwrap_or(usize::MAX);
    stage.accounts().pipeline.received(lane, read(1).unwrap_or(u64::MAX));
}

struct Pusher {
    stage: Arc<Stage>,
    role: Role,
    lane: usize,
    place: Endpoint,
    messages: Arc<AtomicU64>,
    restart: Arc<Notify>,
}

impl Pusher {
    async fn run(self) {
        while self.stage.is_running() {
            let actor = Actor::enter(&self.stage, &self.role, SocketType::Push, Stage::options());
            if actor.socket.connect(&self.place).is_ok() {
                self.push(&actor).await;
            }
            actor.leave().await;
        }
        self.stage.accounts().pipeline.active -= 1;
    }

    /// Sends until it is time to go.
    async fn push(&self, actor: &Actor) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = self.restart.notified() => return,
                () = self.stage.reached(Phase::Draining) => return,
            }
            for _ in 0..BURST {
                let number = self.stage.accounts().pipeline.next(self.lane);
                let parts = [(self.lane as u64).to_be_bytes(), number.to_be_bytes()];
                let message: Message = parts.iter().map(|part| &part[..]).collect();
                if actor.socket.send(message).await.is_err() {
                    self.stage.accounts().pipeline.unsent(self.lane);
                    return;
                }
                self.messages.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
