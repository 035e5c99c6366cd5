//! Many small worlds of calls, each drawn from a seed: clients and servers call each other, with streams both ways,
//! over a network that misbehaves.
//!
//! A failing seed prints the command that replays it. `BOWLINE_SEEDS` sets how many are run; `cargo xtask soak` runs
//! very many.

mod checks;
mod play;
#[path = "../seeds/mod.rs"]
mod seeds;
mod summary;
mod trouble;

#[test]
fn every_call_keeps_its_promises() {
    seeds::play_all("sim_calls", play::play);
}

#[test]
fn equal_seeds_make_equal_worlds_of_calls() {
    for seed in 0..200 {
        assert_eq!(play::play(seed), play::play(seed), "seed {seed}");
    }
}
