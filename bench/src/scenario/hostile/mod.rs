//! An honest pair beside a hostile peer.
//!
//! The honest sender first finds out what the pair can do, then sends half as much at a steady pace: one core is then left
//! for the attacker, and half a core for what the attack costs the socket that is attacked.

mod strike;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Gauge, role, stream};
use crate::Result;
use crate::attack::Attack;
use crate::case::Work;
use crate::peers::{Kind, Library, Runtime, Socket};

/// The stages of a run: what the pair can do, half of that, and the same beside the attack.
pub(super) const LIMIT: u32 = 1;
pub(super) const PACED: u32 = 2;
pub(super) const ATTACKED: u32 = 3;

/// The honest receiver; the one that is attacked, unless it is a subscriber.
pub(super) async fn receive<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let attack = attack(work)?;
    if attack.is_on_a_publisher() {
        strike::begin(attack, endpoint, gauge)?;
        return stream::subscribe(library, work, endpoint, gauge).await;
    }
    stream::pull(library, work, endpoint, gauge).await
}

/// The honest sender; a publisher is attacked.
pub(super) async fn send<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let (attack, runtime) = (attack(work)?, library.runtime());
    let kind = if attack.is_on_a_publisher() { Kind::Pub } else { Kind::Push };
    let mut socket = library.open(role(work, kind)).await?;
    if kind == Kind::Pub {
        socket.bind(endpoint).await?;
        gauge.bound();
    } else {
        strike::begin(attack, endpoint, gauge)?;
        socket.connect(endpoint).await?;
    }
    while gauge.stage() < LIMIT {
        socket.send().await?;
    }
    let (mut sent, begun) = (0, Instant::now());
    while gauge.stage() < PACED {
        sent += socket.send().await?;
    }
    at_pace(socket, sent as f64 / begun.elapsed().as_secs_f64() / 2.0, runtime).await
}

/// Sends so many messages in a second, for ever.
async fn at_pace<S: Socket>(mut socket: S, pace: f64, runtime: Runtime) -> Result<()> {
    let (mut sent, begun) = (0, Instant::now());
    loop {
        let due = (pace * begun.elapsed().as_secs_f64()) as u64;
        while sent < due {
            sent += socket.send().await?;
        }
        runtime.sleep(Duration::from_millis(1)).await;
    }
}

fn attack(work: &Work) -> Result<Attack> {
    Ok(work.case.attack.ok_or("nobody attacks")?)
}
