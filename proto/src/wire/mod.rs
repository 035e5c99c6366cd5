//! ZMTP 3.1 on the wire (RFC 37), and what is left of 3.0 (RFC 23).

pub mod batch;
pub mod command;
pub mod frame;
pub mod greeting;
pub mod metadata;
pub(crate) mod subscription;
pub mod zap;
pub mod zws;
