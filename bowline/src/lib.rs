//! Brokerless messaging for Rust.
