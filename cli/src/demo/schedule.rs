//! Who is restarted when.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::stage::Stage;
use super::ticker;

/// Somebody who can be restarted.
pub(super) struct Victim {
    name: String,
    how: &'static str,
    signal: Arc<Notify>,
}

/// Everybody who can be restarted, in turn: scenes alternate, so no two neighbours in time are about the same one.
pub(super) fn victims(ticker: ticker::Kills, pushers: Vec<Arc<Notify>>, service: &Arc<Notify>) -> Vec<Victim> {
    let mut victims = vec![Victim {
        name: "PUB".to_owned(),
        how: "killed on purpose, comes back at the same endpoints",
        signal: ticker.publisher,
    }];
    for (index, (subscriber, pusher)) in ticker.subscribers.into_iter().zip(pushers).enumerate() {
        victims.push(Victim {
            name: "REP".to_owned(),
            how: "killed on purpose, comes back at the same endpoints",
            signal: Arc::clone(service),
        });
        victims.push(Victim {
            name: format!("SUB {}", index + 1),
            how: "killed on purpose, a new one comes",
            signal: subscriber,
        });
        victims.push(Victim {
            name: format!("PUSH {}", index + 1),
            how: "restarted on purpose, after delivering what it has",
            signal: pusher,
        });
    }
    victims
}

/// Restarts one after the other for as long as the demo runs, which is `length`.
pub(super) async fn run(stage: &Stage, victims: &[Victim], length: Duration) {
    let pause = (length / 12).clamp(Duration::from_millis(300), Duration::from_millis(1500));
    for victim in victims.iter().cycle() {
        tokio::time::sleep(pause).await;
        stage.board().restart(stage.started.elapsed(), &victim.name, victim.how);
        victim.signal.notify_one();
    }
}
