//! One PUB to several SUB. Both sides are killed now and then; what is missed then is counted, and expected.

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
/// How long a killed peer stays away, so that its absence can be seen.
const ABSENCE: Duration = Duration::from_millis(150);
const PAIR: &str = "SUB > PUB";

/// The signals that kill the publisher and the subscribers.
pub(super) struct Kills {
    pub(super) publisher: Arc<Notify>,
    pub(super) subscribers: Vec<Arc<Notify>>,
}

pub(super) async fn enter(stage: &Arc<Stage>, actors: &mut JoinSet<()>) -> Result<Kills, Failure> {
    let role = Role { name: "PUB".to_owned(), row: None };
    let publisher = Actor::enter(stage, &role, SocketType::Pub, Stage::options());
    let places = publisher.bind(&stage.places("ticker")?).await?;
    let kills = Kills {
        publisher: Arc::new(Notify::new()),
        subscribers: places.iter().map(|_| Arc::new(Notify::new())).collect(),
    };
    for (index, (place, kill)) in places.iter().zip(&kills.subscribers).enumerate() {
        let name = format!("SUB {}", index + 1);
        let (row, messages) = stage.board().add(&name, PAIR, place.to_string());
        stage.accounts().ticker.subscribers += 1;
        let role = Role { name, row: Some(row) };
        actors.spawn(subscribe(Arc::clone(stage), role, place.clone(), messages, Arc::clone(kill)));
    }
    actors.spawn(publish(Arc::clone(stage), role, publisher, places, Arc::clone(&kills.publisher)));
    Ok(kills)
}

async fn publish(stage: Arc<Stage>, role: Role, first: Actor, places: Vec<Endpoint>, kill: Arc<Notify>) {
    let mut publisher = first;
    loop {
        tokio::select! {
            () = tick(&stage, &publisher) => {}
            () = kill.notified() => {}
            () = stage.reached(Phase::Draining) => break,
        }
        publisher.die().await;
        tokio::time::sleep(ABSENCE).await;
        publisher = Actor::enter(&stage, &role, SocketType::Pub, Stage::options());
        if publisher.bind(&places).await.is_err() {
            break;
        }
    }
    publisher.leave().await;
}

async fn tick(stage: &Stage, publisher: &Actor) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let ready = stage.board().ready_of(PAIR);
        let number = stage.accounts().ticker.publish(ready);
        let message = Message::from_iter(["tick".to_owned(), number.to_string()]);
        if publisher.socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn subscribe(stage: Arc<Stage>, role: Role, place: Endpoint, messages: Arc<AtomicU64>, kill: Arc<Notify>) {
    loop {
        let subscriber = Actor::enter(&stage, &role, SocketType::Sub, Stage::options());
        if subscriber.socket.subscribe("tick").is_err() || subscriber.socket.connect(&place).is_err() {
            return subscriber.die().await;
        }
        tokio::select! {
            () = listen(&stage, &subscriber, &messages) => {}
            () = kill.notified() => {}
            () = stage.reached(Phase::Over) => return subscriber.die().await,
        }
        subscriber.die().await;
        tokio::time::sleep(ABSENCE).await;
    }
}

async fn listen(stage: &Stage, subscriber: &Actor, messages: &AtomicU64) {
    while subscriber.socket.recv().await.is_ok() {
        stage.accounts().ticker.received += 1;
        messages.fetch_add(1, Ordering::Relaxed);
    }
}
