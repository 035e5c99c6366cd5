//! The suites of `bowline/tests` that run in a page, as they stand, in one program: it is linked and started once. What they
//! share stands here once as well, and `common/mod.rs` finds it.
#![cfg(target_family = "wasm")]

#[macro_use]
#[path = "../../../bowline/tests/common/shared.rs"]
mod shared;
/// As the macro of the suites names it.
use shared as common;

mod beside;

#[path = "../../../bowline/tests/auth.rs"]
mod auth;
#[path = "../../../bowline/tests/bad_input.rs"]
mod bad_input;
#[path = "../../../bowline/tests/batches.rs"]
mod batches;
#[path = "../../../bowline/tests/builtin.rs"]
mod builtin;
#[path = "../../../bowline/tests/busy_polls.rs"]
mod busy_polls;
#[path = "../../../bowline/tests/cancel.rs"]
mod cancel;
#[path = "../../../bowline/tests/closing.rs"]
mod closing;
#[path = "../../../bowline/tests/dropped.rs"]
mod dropped;
#[path = "../../../bowline/tests/heartbeats.rs"]
mod heartbeats;
#[path = "../../../bowline/tests/known_faults.rs"]
mod known_faults;
#[path = "../../../bowline/tests/lifecycle.rs"]
mod lifecycle;
#[path = "../../../bowline/tests/messages.rs"]
mod messages;
#[path = "../../../bowline/tests/monitor.rs"]
mod monitor;
#[path = "../../../bowline/tests/no_network.rs"]
mod no_network;
#[path = "../../../bowline/tests/peers.rs"]
mod peers;
#[path = "../../../bowline/tests/pipeline.rs"]
mod pipeline;
#[path = "../../../bowline/tests/publish.rs"]
mod publish;
#[path = "../../../bowline/tests/request.rs"]
mod request;
#[path = "../../../bowline/tests/rpc_acceptance.rs"]
mod rpc_acceptance;
#[path = "../../../bowline/tests/rpc_callbacks.rs"]
mod rpc_callbacks;
#[path = "../../../bowline/tests/rpc_calls.rs"]
mod rpc_calls;
#[path = "../../../bowline/tests/rpc_drain.rs"]
mod rpc_drain;
#[path = "../../../bowline/tests/rpc_ends.rs"]
mod rpc_ends;
#[path = "../../../bowline/tests/rpc_layers.rs"]
mod rpc_layers;
#[path = "../../../bowline/tests/rpc_peers.rs"]
mod rpc_peers;
#[path = "../../../bowline/tests/rpc_retry.rs"]
mod rpc_retry;
#[path = "../../../bowline/tests/rpc_silence.rs"]
mod rpc_silence;
#[path = "../../../bowline/tests/rpc_streams.rs"]
mod rpc_streams;
#[path = "../../../bowline/tests/sequences.rs"]
mod sequences;
#[path = "../../../bowline/tests/service.rs"]
mod service;
#[path = "../../../bowline/tests/snapshots.rs"]
mod snapshots;
#[path = "../../../bowline/tests/states.rs"]
mod states;
#[path = "../../../bowline/tests/traits.rs"]
mod traits;
#[path = "../../../bowline/tests/waits.rs"]
mod waits;
