//! Many small worlds, each drawn from a seed: sockets of one topology talk over a network that misbehaves.
//!
//! A failing seed prints the command that replays it. `BOWLINE_SEEDS` sets how many are run.

mod checks;
mod play;
mod topologies;

use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How many seeds a run has.
const SEEDS: u64 = 10_000;
/// How many threads share them.
const THREADS: u64 = 2;

/// What happened in some worlds.
#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    seeds: u64,
    links: usize,
    cuts: usize,
    restarts: usize,
    messages: usize,
    time: Duration,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.links += other.links;
        self.cuts += other.cuts;
        self.restarts += other.restarts;
        self.messages += other.messages;
        self.time += other.time;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn run(seeds: impl Iterator<Item = u64>) -> Summary {
    let (mut summary, mut failed) = (Summary::default(), Vec::new());
    for seed in seeds {
        if let Ok(world) = catch_unwind(AssertUnwindSafe(|| topologies::play(seed))) {
            summary += world;
        } else {
            println!("replay it with: BOWLINE_SEED={seed} cargo test -p bowline-proto --test world");
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds that fail: {failed:?}");
    summary
}

#[test]
fn every_world_keeps_its_promises() {
    let mut summary = Summary::default();
    if let Some(seed) = number("BOWLINE_SEED") {
        summary += run(std::iter::once(seed));
    } else {
        let seeds = number("BOWLINE_SEEDS").unwrap_or(SEEDS);
        std::thread::scope(|scope| {
            let share = |first| scope.spawn(move || run((first..seeds).step_by(THREADS as usize)));
            let shares: Vec<_> = (0..THREADS).map(share).collect();
            for share in shares {
                summary += share.join().expect("every world keeps its promises");
            }
        });
    }
    let Summary { seeds, links, cuts, restarts, messages, time } = summary;
    let hours = time.as_secs_f64() / 3600.0;
    println!(
        "{seeds} seeds: {links} links, {cuts} cuts, {restarts} restarts, {messages} messages received, \
         {hours:.1} virtual hours"
    );
}
