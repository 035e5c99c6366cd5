//! `bowline bench`: figures of this machine, each with its two sides on a thread and a runtime of its own.

mod calls;
mod latency;
mod round_trip;
mod sides;
mod throughput;

use std::path::PathBuf;
use std::time::Duration;

use bowline::{Endpoint, Options};
use serde_json::json;

use crate::args::{BenchArgs, BenchCommand, MeasureArgs, RpcBenchArgs, RpcStreamBenchArgs, Transport};
use crate::failure::Failure;
use crate::output;
use crate::signal::Interrupts;
use latency::Latencies;

pub(crate) const EXPLANATION: &str = "\
The line has these fields:
  scenario, transport, size
      what was measured; size is that of a message, an argument or an item
      in bytes
  msgs_per_s
      push-pull: messages received; pub-sub: by all subscribers together;
      req-rep: round trips
  mb_per_s
      msgs_per_s times size, in millions of bytes; rpc-stream: of items
      received
  p50_us, p99_us
      push-pull, pub-sub: from send to receipt of a lone message, measured
      before the load; req-rep: the round trip; rpc: from call to result
  subscribers
      pub-sub only
  in_flight, calls_per_s
      rpc, instead of msgs_per_s and mb_per_s: calls at a time, and calls
      answered

The two sides are two threads, each with a runtime of its own.
The time begins after a warm-up. The publisher waits for a full subscriber
instead of dropping, so each message counted has arrived.
Measure a release build.";

/// What a scenario gives.
struct Figures {
    /// Messages in `time`.
    messages: u64,
    time: Duration,
    latencies: Latencies,
}

pub(crate) fn run(command: &BenchCommand) -> Result<(), Failure> {
    let line = match command {
        BenchCommand::PushPull(args) => {
            let figures = throughput::measure(&plan_of(args)?, throughput::Pattern::PushPull)?;
            line("push-pull", args, None, &figures)
        }
        BenchCommand::ReqRep(args) => line("req-rep", args, None, &round_trip::measure(&plan_of(args)?)?),
        BenchCommand::PubSub(args) => {
            let subscribers = args.subscribers.get();
            let figures = throughput::measure(&plan_of(&args.bench)?, throughput::Pattern::PubSub(subscribers))?;
            line("pub-sub", &args.bench, Some(subscribers), &figures)
        }
        BenchCommand::Rpc(args) => {
            let plan = Plan::new(&args.measure, args.size, Options::new())?;
            line_of_calls(args, &calls::calls(&plan, args.in_flight.get())?)
        }
        BenchCommand::RpcStream(args) => {
            let plan = Plan::new(&args.measure, args.size, Options::new())?;
            line_of_stream(args, &calls::stream(&plan)?)
        }
    };
    output::line(&line)
}

fn plan_of(args: &BenchArgs) -> Result<Plan, Failure> {
    let options = Options::new().send_hwm(args.hwm).recv_hwm(args.hwm).busy_poll(args.busy_poll).xpub_nodrop(true);
    Plan::new(&args.measure, args.size, options)
}

/// Both threads are at work until they have measured, so a third one ends the program.
fn end_on_interrupt(file: Option<PathBuf>) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without it the system ends the program all the same, and a file may be left.
        let Ok(runtime) = runtime else { return };
        let interrupted = runtime.block_on(async {
            let mut interrupts = Interrupts::listen()?;
            interrupts.next().await;
            Ok::<_, Failure>(())
        });
        if interrupted.is_ok() {
            if let Some(file) = file {
                let _ = std::fs::remove_file(file);
            }
            crate::note!("interrupted before anything was measured");
            std::process::exit(1);
        }
    });
}

fn line(scenario: &str, args: &BenchArgs, subscribers: Option<usize>, figures: &Figures) -> String {
    let mut object = json!({
        "scenario": scenario,
        "transport": args.measure.transport.name(),
        "size": args.size,
        "msgs_per_s": figures.per_second(),
        "mb_per_s": figures.megabytes_per_second(args.size),
        "p50_us": figures.latencies.percentile(50).map(tenths),
        "p99_us": figures.latencies.percentile(99).map(tenths),
    });
    if let Some(subscribers) = subscribers {
        object["subscribers"] = subscribers.into();
    }
    object.to_string()
}

fn line_of_calls(args: &RpcBenchArgs, figures: &Figures) -> String {
    json!({
        "scenario": "rpc",
        "transport": args.measure.transport.name(),
        "size": args.size,
        "in_flight": args.in_flight,
        "calls_per_s": figures.per_second(),
        "p50_us": figures.latencies.percentile(50).map(tenths),
        "p99_us": figures.latencies.percentile(99).map(tenths),
    })
    .to_string()
}

fn line_of_stream(args: &RpcStreamBenchArgs, figures: &Figures) -> String {
    json!({
        "scenario": "rpc-stream",
        "transport": args.measure.transport.name(),
        "size": args.size,
        "mb_per_s": figures.megabytes_per_second(args.size),
    })
    .to_string()
}

impl Figures {
    fn per_second(&self) -> u64 {
        let rate = u128::from(self.messages) * 1_000_000_000 / self.time.as_nanos().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    #[expect(clippy::cast_precision_loss, reason = "figures are rounded to a tenth anyway")]
    fn megabytes_per_second(&self, size: u64) -> f64 {
        tenths((u128::from(self.per_second()) * u128::from(size)) as f64 / 1e6)
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What both sides of a scenario need to know.
struct Plan {
    endpoint: Endpoint,
    /// Its file goes with the plan.
    _place: Place,
    options: Options,
    size: usize,
    warm_up: Duration,
    time: Duration,
}

impl Plan {
    fn new(args: &MeasureArgs, size: u64, options: Options) -> Result<Self, Failure> {
        let size = usize::try_from(size).map_err(|_| Failure::usage("--size", "more than this machine can address"))?;
        let place = Place::new(args.transport)?;
        end_on_interrupt(place.file.clone());
        Ok(Self {
            endpoint: place.endpoint.clone(),
            _place: place,
            options,
            size,
            warm_up: (args.seconds / 4).min(Duration::from_secs(1)),
            time: args.seconds,
        })
    }

    fn body(&self) -> bowline::Message {
        bowline::Message::from(vec![b'x'; self.size])
    }
}

impl Transport {
    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Ws => "ws",
            Self::Inproc => "inproc",
        }
    }
}

/// An endpoint that nobody else uses, and the file that it may leave.
struct Place {
    endpoint: Endpoint,
    file: Option<PathBuf>,
}

impl Place {
    fn new(transport: Transport) -> Result<Self, Failure> {
        let name = format!("bowline-bench-{}", std::process::id());
        let (text, file) = match transport {
            Transport::Tcp => ("tcp://127.0.0.1:0".to_owned(), None),
            Transport::Ws => ("ws://127.0.0.1:0".to_owned(), None),
            Transport::Inproc => (format!("inproc://{name}"), None),
            Transport::Ipc => {
                let file = std::env::temp_dir().join(name);
                (format!("ipc://{}", file.display()), Some(file))
            }
        };
        let endpoint = text.parse().map_err(|error: bowline::EndpointError| Failure::Error(error.to_string()))?;
        Ok(Self { endpoint, file })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure() -> MeasureArgs {
        MeasureArgs { transport: Transport::Ipc, seconds: Duration::from_secs(2), json: true }
    }

    fn figures() -> Figures {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_nanos(12_340));
        Figures { messages: 3_000_000, time: Duration::from_secs(2), latencies }
    }

    #[test]
    fn the_line_has_the_promised_fields_in_order() {
        let args = BenchArgs { measure: measure(), size: 100, hwm: 1000, busy_poll: Duration::ZERO };
        assert_eq!(
            line("pub-sub", &args, Some(2), &figures()),
            "{\"scenario\":\"pub-sub\",\"transport\":\"ipc\",\"size\":100,\"msgs_per_s\":1500000,\"mb_per_s\":150.0,\
             \"p50_us\":12.3,\"p99_us\":12.3,\"subscribers\":2}"
        );
    }

    #[test]
    fn the_lines_of_calls_and_streams_have_the_promised_fields_in_order() {
        let args = RpcBenchArgs { measure: measure(), size: 100, in_flight: std::num::NonZeroUsize::MIN };
        assert_eq!(
            line_of_calls(&args, &figures()),
            "{\"scenario\":\"rpc\",\"transport\":\"ipc\",\"size\":100,\"in_flight\":1,\"calls_per_s\":1500000,\
             \"p50_us\":12.3,\"p99_us\":12.3}"
        );
        let args = RpcStreamBenchArgs { measure: measure(), size: 100 };
        assert_eq!(
            line_of_stream(&args, &figures()),
            "{\"scenario\":\"rpc-stream\",\"transport\":\"ipc\",\"size\":100,\"mb_per_s\":150.0}"
        );
    }
}
