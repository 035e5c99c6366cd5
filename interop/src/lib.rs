//! Tests of bowline against foreign ZeroMQ peers.

#![forbid(unsafe_code)]
