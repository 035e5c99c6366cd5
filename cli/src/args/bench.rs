//! What is measured, and how.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::units;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Throughput from one PUSH to one PULL
    #[command(name = "push-pull")]
    PushPull(BenchArgs),
    /// Round trips between one REQ and one REP
    #[command(name = "req-rep")]
    ReqRep(BenchArgs),
    /// Throughput from one PUB to its subscribers
    #[command(name = "pub-sub")]
    PubSub(PubSubBenchArgs),
    /// Calls between one client and one server, so many at a time
    Rpc(RpcBenchArgs),
    /// Throughput of a stream from a server to its client
    #[command(name = "rpc-stream")]
    RpcStream(RpcStreamBenchArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MeasureArgs {
    /// Where the messages go through
    #[arg(long, value_enum, default_value = "tcp")]
    pub(crate) transport: Transport,
    /// How long to measure, after a warm-up
    #[arg(long, value_name = "S", default_value = "3", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) seconds: Duration,
    /// Print a JSON line (which is also what happens without it)
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
    /// Bytes in a message; K, M and G are understood
    #[arg(long, value_name = "N", default_value = "64", allow_negative_numbers = true, value_parser = units::size)]
    pub(crate) size: u64,
    /// Messages that may wait in each direction; 0 for no limit
    #[arg(long, value_name = "N", default_value = "1000", allow_negative_numbers = true, value_parser = units::whole)]
    pub(crate) hwm: usize,
    /// How long receivers look again and again before they sleep: 50us, 1ms
    #[arg(long, value_name = "DURATION", default_value = "0", allow_negative_numbers = true, value_parser = units::duration)]
    pub(crate) busy_poll: Duration,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PubSubBenchArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// How many subscribers
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = units::at_least_one)]
    pub(crate) subscribers: NonZeroUsize,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RpcBenchArgs {
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
    /// Bytes in an argument, which comes back as the result; K, M and G are understood
    #[arg(long, value_name = "N", default_value = "64", allow_negative_numbers = true, value_parser = units::size)]
    pub(crate) size: u64,
    /// How many calls at a time
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = units::at_least_one)]
    pub(crate) in_flight: NonZeroUsize,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RpcStreamBenchArgs {
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
    /// Bytes in an item; K, M and G are understood
    #[arg(long, value_name = "N", default_value = "64K", allow_negative_numbers = true, value_parser = units::size)]
    pub(crate) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
    Ws,
    Inproc,
}
