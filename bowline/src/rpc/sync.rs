//! The locks, counts and signals of calls: real ones in every program, loom's under its model checker, which tries every
//! order in which tasks can meet at them.

#[cfg(not(all(test, bowline_loom)))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[cfg(not(all(test, bowline_loom)))]
pub(super) use bowline_proto::lock::Mutex;
#[cfg(all(test, bowline_loom))]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(not(all(test, bowline_loom)))]
pub(super) use tokio::sync::Notify;

#[cfg(all(test, bowline_loom))]
pub(super) use super::loom::sync::{Mutex, Notify};
