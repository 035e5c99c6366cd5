//! Many small worlds, each drawn from a seed: sockets of one topology talk over a network that misbehaves.
//!
//! A failing seed prints the command that replays it. `BOWLINE_SEEDS` sets how many are run; `cargo xtask soak` runs
//! very many.

mod brokers;
mod checks;
mod direct;
mod judges;
mod mesh;
mod pipelines;
mod play;
mod publishing;
mod requests;
#[path = "../seeds/mod.rs"]
mod seeds;
mod summary;
mod topologies;
mod trouble;

#[test]
fn every_world_keeps_its_promises() {
    seeds::play_all("world", topologies::play);
}

#[test]
fn equal_seeds_make_equal_worlds() {
    for seed in 0..200 {
        assert_eq!(topologies::play(seed), topologies::play(seed), "seed {seed}");
    }
}
