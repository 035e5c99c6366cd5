//! Many small worlds, each drawn from a seed: sockets of one topology talk over a network that misbehaves.
//!
//! A failing seed prints the command that replays it. `BOWLINE_SEEDS` sets how many are run; `cargo xtask soak` runs
//! very many.

mod brokers;
mod checks;
mod direct;
mod mesh;
mod pipelines;
mod play;
mod publishing;
mod requests;
mod summary;
mod topologies;
mod trouble;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use summary::Summary;

/// How many seeds a run has.
const SEEDS: u64 = 20_000;
/// How often a run says how far it is.
const REPORTS: u64 = 50;
/// How many failures end a run: one is enough to look at, and a few tell whether they are alike.
const FAILURES_MOST: usize = 10;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// All that the threads of a run share.
struct Run {
    seeds: u64,
    next: AtomicU64,
    result: Mutex<Sum>,
}

struct Sum {
    summary: Summary,
    failed: Vec<u64>,
}

impl Run {
    fn new(seeds: u64) -> Self {
        let sum = Sum { summary: Summary::default(), failed: Vec::new() };
        Self { seeds, next: AtomicU64::new(0), result: Mutex::new(sum) }
    }

    /// Plays seed after seed until all have been played.
    fn work(&self) {
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.seeds {
                return;
            }
            let played = played(seed);
            let mut sum = self.result.lock().expect("nobody panics while it counts");
            match played {
                Some(summary) => sum.summary += &summary,
                None => sum.failed.push(seed),
            }
            if sum.failed.len() == FAILURES_MOST {
                self.next.store(self.seeds, Ordering::Relaxed);
            }
            let done = sum.summary.seeds();
            if done.is_multiple_of(self.seeds.div_ceil(REPORTS)) {
                println!("{done} of {} seeds", self.seeds);
            }
        }
    }
}

/// Plays the world of a seed; `None` if it breaks a promise.
fn played(seed: u64) -> Option<Summary> {
    let played = catch_unwind(AssertUnwindSafe(|| topologies::play(seed))).ok();
    if played.is_none() {
        println!("replay it with: BOWLINE_SEED={seed} cargo test -p bowline-proto --test world");
    }
    played
}

#[test]
fn every_world_keeps_its_promises() {
    if let Some(seed) = number("BOWLINE_SEED") {
        let summary = played(seed).expect("the world keeps its promises");
        return println!("{summary}");
    }
    let run = Run::new(number("BOWLINE_SEEDS").unwrap_or(SEEDS));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| run.work());
        }
    });
    let sum = run.result.into_inner().expect("nobody panics while it counts");
    println!("{}", sum.summary);
    assert!(sum.failed.is_empty(), "seeds that fail: {:?}", sum.failed);
}

#[test]
fn equal_seeds_make_equal_worlds() {
    for seed in 0..200 {
        assert_eq!(topologies::play(seed), topologies::play(seed), "seed {seed}");
    }
}
