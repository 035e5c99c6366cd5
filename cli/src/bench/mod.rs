//! `bowline bench`: figures of this machine, each with the sender and the receiver on a thread and a runtime of its own.

mod latency;
mod round_trip;
mod sides;
mod throughput;

use std::path::PathBuf;
use std::time::Duration;

use bowline::{Endpoint, Options};
use serde_json::json;

use crate::args::{BenchArgs, BenchCommand, Transport};
use crate::failure::Failure;
use crate::output;
use crate::signal::Interrupts;
use latency::Latencies;

pub(crate) const EXPLANATION: &str = "\
The line has these fields:
  scenario, transport, size
      what was measured; size is that of a message in bytes
  msgs_per_s
      push-pull: messages received; pub-sub: by all subscribers together;
      req-rep: round trips
  mb_per_s
      msgs_per_s times size, in millions of bytes
  p50_us, p99_us
      push-pull, pub-sub: from send to receipt of a lone message, measured
      before the load; req-rep: the round trip
  subscribers
      pub-sub only

The sender and the receiver are two threads, each with a runtime of its own.
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
    let (scenario, args, subscribers) = match command {
        BenchCommand::PushPull(args) => ("push-pull", args, None),
        BenchCommand::ReqRep(args) => ("req-rep", args, None),
        BenchCommand::PubSub(args) => ("pub-sub", &args.bench, Some(args.subscribers.get())),
    };
    let place = Place::new(args.transport)?;
    end_on_interrupt(place.file.clone());
    let options = Options::new().send_hwm(args.hwm).recv_hwm(args.hwm).busy_poll(args.busy_poll).xpub_nodrop(true);
    let plan = Plan {
        endpoint: place.endpoint.clone(),
        options,
        size: usize::try_from(args.size).map_err(|_| Failure::usage("--size", "more than this machine can address"))?,
        warm_up: (args.seconds / 4).min(Duration::from_secs(1)),
        time: args.seconds,
    };
    let figures = match command {
        BenchCommand::ReqRep(_) => round_trip::measure(&plan)?,
        BenchCommand::PushPull(_) => throughput::measure(&plan, throughput::Pattern::PushPull)?,
        BenchCommand::PubSub(_) => throughput::measure(&plan, throughput::Pattern::PubSub(subscribers.unwrap_or(1)))?,
    };
    output::line(&line(scenario, args, subscribers, &figures))
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

#[expect(clippy::cast_precision_loss, reason = "figures are rounded to a tenth anyway")]
fn line(scenario: &str, args: &BenchArgs, subscribers: Option<usize>, figures: &Figures) -> String {
    let rate = u128::from(figures.messages) * 1_000_000_000 / figures.time.as_nanos().max(1);
    let transport = match args.transport {
        Transport::Tcp => "tcp",
        Transport::Ipc => "ipc",
        Transport::Inproc => "inproc",
    };
    let mut object = json!({
        "scenario": scenario,
        "transport": transport,
        "size": args.size,
        "msgs_per_s": u64::try_from(rate).unwrap_or(u64::MAX),
        "mb_per_s": tenths((rate * u128::from(args.size)) as f64 / 1e6),
        "p50_us": figures.latencies.percentile(50).map(tenths),
        "p99_us": figures.latencies.percentile(99).map(tenths),
    });
    if let Some(subscribers) = subscribers {
        object["subscribers"] = subscribers.into();
    }
    object.to_string()
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What both sides of a scenario need to know.
struct Plan {
    endpoint: Endpoint,
    options: Options,
    size: usize,
    warm_up: Duration,
    time: Duration,
}

impl Plan {
    fn body(&self) -> bowline::Message {
        bowline::Message::from(vec![b'x'; self.size])
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

    #[test]
    fn the_line_has_the_promised_fields_in_order() {
        let args = BenchArgs {
            transport: Transport::Ipc,
            size: 100,
            seconds: Duration::from_secs(2),
            hwm: 1000,
            busy_poll: Duration::ZERO,
            json: true,
        };
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_nanos(12_340));
        let figures = Figures { messages: 3_000_000, time: Duration::from_secs(2), latencies };
        assert_eq!(
            line("pub-sub", &args, Some(2), &figures),
            "{\"scenario\":\"pub-sub\",\"transport\":\"ipc\",\"size\":100,\"msgs_per_s\":1500000,\"mb_per_s\":150.0,\
             \"p50_us\":12.3,\"p99_us\":12.3,\"subscribers\":2}"
        );
    }
}
