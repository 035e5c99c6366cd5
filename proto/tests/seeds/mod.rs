//! Runs a world for each of many seeds, on all cores, and says which ones fail.

use std::fmt::Display;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

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
struct Run<S> {
    /// The test program that has these worlds.
    program: &'static str,
    play: fn(u64) -> S,
    seeds: u64,
    next: AtomicU64,
    result: Mutex<Sum<S>>,
}

struct Sum<S> {
    summary: S,
    done: u64,
    failed: Vec<u64>,
}

impl<S: Default + for<'a> AddAssign<&'a S>> Run<S> {
    fn new(program: &'static str, play: fn(u64) -> S, seeds: u64) -> Self {
        let sum = Sum { summary: S::default(), done: 0, failed: Vec::new() };
        Self { program, play, seeds, next: AtomicU64::new(0), result: Mutex::new(sum) }
    }

    /// Plays seed after seed until all have been played.
    fn work(&self) {
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.seeds {
                return;
            }
            let played = self.played(seed);
            let mut sum = self.result.lock().expect("nobody panics while it counts");
            match played {
                Some(summary) => {
                    sum.summary += &summary;
                    sum.done += 1;
                }
                None => sum.failed.push(seed),
            }
            if sum.failed.len() == FAILURES_MOST {
                self.next.store(self.seeds, Ordering::Relaxed);
            }
            if sum.done.is_multiple_of(self.seeds.div_ceil(REPORTS)) {
                println!("{} of {} seeds", sum.done, self.seeds);
            }
        }
    }

    /// Plays the world of a seed; `None` if it breaks a promise.
    fn played(&self, seed: u64) -> Option<S> {
        let played = catch_unwind(AssertUnwindSafe(|| (self.play)(seed))).ok();
        if played.is_none() {
            println!("replay it with: BOWLINE_SEED={seed} cargo test -p bowline-proto --test {}", self.program);
        }
        played
    }
}

/// Plays the worlds of as many seeds as `BOWLINE_SEEDS` says, or 20,000, or the one that `BOWLINE_SEED` names.
pub(crate) fn play_all<S>(program: &'static str, play: fn(u64) -> S)
where
    S: Default + for<'a> AddAssign<&'a S> + Display + Send,
{
    if let Some(seed) = number("BOWLINE_SEED") {
        let summary = Run::new(program, play, 1).played(seed).expect("the world keeps its promises");
        return println!("{summary}");
    }
    let run = Run::new(program, play, number("BOWLINE_SEEDS").unwrap_or(SEEDS));
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
