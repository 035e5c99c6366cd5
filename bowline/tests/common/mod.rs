//! What the tests share.
#![allow(unused_imports, reason = "each test program uses a part of it")]

// Beside its parts, also where it is a module of another program.
#[cfg(not(target_family = "wasm"))]
#[path = "shared.rs"]
mod shared;

/// For pages all suites are one program, which has it once: `browser/tests/suites`.
#[cfg(target_family = "wasm")]
pub(crate) use crate::shared::*;
#[cfg(not(target_family = "wasm"))]
pub(crate) use shared::*;
