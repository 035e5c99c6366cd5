//! Several REQ to one REP, which is killed without a word now and then. Every request is answered in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bowline::{Endpoint, Message, RecvError, SocketType};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::actor::{Actor, Role};
use super::stage::{Phase, Stage};
use crate::failure::Failure;

/// How long the killed service stays away, so that its absence can be seen.
const ABSENCE: Duration = Duration::from_millis(150);
/// A client's pause between requests.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest a client waits for a reply, or for the news that there will be none.
const PATIENCE: Duration = Duration::from_secs(3);

/// The signal that kills the service.
pub(super) async fn enter(stage: &Arc<Stage>, actors: &mut JoinSet<()>) -> Result<Arc<Notify>, Failure> {
    let role = Role { name: "REP".to_owned(), row: None };
    let server = Actor::enter(stage, &role, SocketType::Rep, Stage::options());
    let places = server.bind(&stage.places("service")?).await?;
    let kill = Arc::new(Notify::new());
    actors.spawn(serve(Arc::clone(stage), role, server, places.clone(), Arc::clone(&kill)));
    for (index, place) in places.into_iter().enumerate() {
        let name = format!("REQ {}", index + 1);
        let (row, messages) = stage.board().add(&name, "REQ > REP", place.to_string());
        stage.accounts().service.active += 1;
        let client = Client { stage: Arc::clone(stage), messages };
        actors.spawn(client.run(Role { name, row: Some(row) }, place));
    }
    Ok(kill)
}

async fn serve(stage: Arc<Stage>, role: Role, first: Actor, places: Vec<Endpoint>, kill: Arc<Notify>) {
    let mut server = first;
    loop {
        tokio::select! {
            () = answer(&server) => {}
            () = kill.notified() => {}
            () = stage.reached(Phase::Over) => break,
        }
        server.die().await;
        tokio::time::sleep(ABSENCE).await;
        server = Actor::enter(&stage, &role, SocketType::Rep, Stage::options());
        if server.bind(&places).await.is_err() {
            // The accounts will show it: nobody answers any longer.
            break;
        }
    }
    server.die().await;
}

/// Answers every request with itself.
async fn answer(server: &Actor) {
    while let Ok(request) = server.socket.recv().await {
        if server.socket.send(request).await.is_err() {
            return;
        }
    }
}

struct Client {
    stage: Arc<Stage>,
    messages: Arc<AtomicU64>,
}

/// How an attempt at a request ended.
enum Attempt {
    Replied,
    Lost,
    /// Neither in time.
    Silent,
    Closed,
}

impl Client {
    async fn run(self, role: Role, place: Endpoint) {
        // A request that was given up must not be mistaken for the next one, should its reply come late.
        let options = Stage::options().req_relaxed(true).req_correlate(true);
        let actor = Actor::enter(&self.stage, &role, SocketType::Req, options);
        if actor.socket.connect(&place).is_ok() {
            let mut number = 0_u64;
            while self.stage.is_running() {
                number += 1;
                self.stage.accounts().service.requests += 1;
                if !self.ask(&actor, number).await {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        self.stage.accounts().service.active -= 1;
        actor.leave().await;
    }

    /// Asks again until there is a reply. Tells whether there was one.
    async fn ask(&self, actor: &Actor, number: u64) -> bool {
        loop {
            self.stage.accounts().service.attempts += 1;
            let attempt = tokio::select! {
                attempt = self.attempt(actor, number) => attempt,
                () = self.stage.reached(Phase::Over) => Attempt::Closed,
            };
            let mut accounts = self.stage.accounts();
            match attempt {
                Attempt::Replied => {
                    accounts.service.replied += 1;
                    self.messages.fetch_add(1, Ordering::Relaxed);
                    return true;
                }
                Attempt::Lost => accounts.service.lost += 1,
                Attempt::Silent => accounts.service.silent += 1,
                Attempt::Closed => return false,
            }
        }
    }

    async fn attempt(&self, actor: &Actor, number: u64) -> Attempt {
        if actor.socket.send(Message::from(&number.to_be_bytes())).await.is_err() {
            return Attempt::Closed;
        }
        match tokio::time::timeout(PATIENCE, actor.socket.recv()).await {
            Ok(Ok(reply)) => {
                if reply.parts()[0] != number.to_be_bytes() {
                    self.stage.accounts().service.wrong += 1;
                }
                Attempt::Replied
            }
            Ok(Err(RecvError::PeerLost)) => Attempt::Lost,
            Ok(Err(_)) => Attempt::Closed,
            Err(_) => Attempt::Silent,
        }
    }
}
