//! `BENCHMARKS.md`.

use std::fmt::Write as _;
use std::time::Duration;

use super::plot::Plot;
use super::table::{self, Columns, Table};
use super::{by_scenario, failures};
use crate::case::Scenario;
use crate::machine;
use crate::outcome::Outcome;
use crate::plan::Pace;
use crate::targets::{self, Verdict};

/// The whole page.
pub(super) fn text(outcomes: &[Outcome], plots: &[Plot], pace: &Pace, took: Duration) -> String {
    let mut parts = vec![HEAD.to_owned()];
    parts.extend(machine::describe().iter().map(|line| format!("- {line}\n")));
    parts.push(method(pace, took));
    parts.push(judgement(outcomes));
    parts.extend(by_scenario(outcomes).iter().map(|(scenario, outcomes)| section(*scenario, outcomes, plots)));
    parts.push(failed(outcomes));
    parts.concat()
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`, which measures everything anew; do not edit.

";

fn section(scenario: Scenario, outcomes: &[&Outcome], plots: &[Plot]) -> String {
    let headlines = table::of(scenario, outcomes, table::headlines(scenario), Columns::Libraries);
    let mut parts = vec![format!("\n## {}\n\n{}\n\n", scenario.name(), about(scenario)), show(&headlines)];
    let own = plots.iter().filter(|plot| plot.scenario == scenario);
    parts.extend(own.map(|plot| format!("\n![{}](docs/bench/{})\n", plot.title, plot.file)));
    let metrics = [table::headlines(scenario), table::details(scenario)].concat();
    parts.push(
        "\n<details><summary>Every set-up, with CPU time per message and resident memory</summary>\n\n".to_owned(),
    );
    parts.push(show(&table::of(scenario, outcomes, &metrics, Columns::SetUps)));
    parts.push("\n</details>\n".to_owned());
    parts.concat()
}

fn method(pace: &Pace, took: Duration) -> String {
    format!(
        "
## How it was measured, and how far to trust it

Every run is a process of its own; where it says *two processes*, a second one is at the other side. A run warms up for
{warm_up} ms and counts for {window} ms (twice that from 64 KiB up). All peers of a case run one after the other, A B C,
A B C, {rounds} times. A value is the median of its rounds. **A ratio is the median of the ratios within the rounds**,
so that a slow phase of the machine meets both sides of it alike. Values of different cases are minutes apart and say less.

- Each library is used as its users use it: one call to send, one call to receive, one message at a time. A sender has its
  body ready; where the library shares bodies, it shares it. The receiver looks at the length.
- Each has the runtime and the options that suit it best, or several, each in a column of *every set-up*:
  `-st` is a current-thread runtime for each side, `-mt` a multi-thread runtime; `omq-blk` is omq with blocking sockets and
  an I/O thread, `rzmq` has the options of its own benchmarks (TCP_CORK, no throttle, a high-water mark of 100,000),
  `rzmq-uring` the same on io_uring. libzmq has one I/O thread. All else is default, so a high-water mark of 1,000.
- At calls every library has a current-thread runtime for each side (bowline a multi-thread one, too), room for as many
  calls as are in flight, and `TCP_NODELAY`, except the client of muxio, which has no call for it: what it sends waits for
  the acknowledgement of what it sent before.
- `raw` is no library: the same frames through plain sockets in blocks of 256 KiB (1 MiB from 64 KiB up), or one by one for
  requests. It is what the machine can do.
- All are compiled together, with the same flags (`lto = \"fat\"`, one codegen unit), except libzmq, which is the system's.
- Around each run, the time that other programs kept the cores busy is read from `/proc/stat`. A run beside more than 0.3
  cores of them is repeated, at most twice and as long as that takes no third of the time; a `~` marks values of which most
  runs were noisy all the same.
- CPU time is that of all processes of the run, from their own clocks; resident memory is theirs together.
- In the tables, `2.00x` behind a value is its ratio to libzmq's. The table of targets judges bowline by the better of its
  ordinary set-ups.

All of it took {minutes:.0} minutes. Loopback on one machine is no network, and two cores are few: a third thread takes
time from the other two, so libraries with I/O threads do better on more cores. Differences below a tenth are noise.
",
        warm_up = pace.warm_up.as_millis(),
        window = pace.window.as_millis(),
        rounds = pace.rounds,
        minutes = took.as_secs_f64() / 60.0,
    )
}

fn judgement(outcomes: &[Outcome]) -> String {
    let mut rows = Vec::new();
    let (mut reached, mut missed) = (0, 0);
    for target in targets::all() {
        let (value, verdict) = match target.judge(outcomes) {
            Verdict::Reached { by } => {
                reached += 1;
                (target.say(by), "reached".to_owned())
            }
            Verdict::Missed { by, short } => {
                missed += 1;
                (target.say(by), format!("**missed by {:.0} %**", short * 100.0))
            }
            Verdict::NotMeasured => (String::new(), "not measured".to_owned()),
        };
        rows.push(vec![target.case(), target.wish(), value, verdict]);
    }
    let head = ["case", "target", "bowline", ""].map(str::to_owned).into();
    format!("\n## Targets\n\n{reached} reached, {missed} missed.\n\n{}", show(&Table { head, rows }))
}

/// What a scenario does.
fn about(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::PushPull => {
            "One PUSH sends to one PULL as fast as both can; messages received per second. Over tcp and ipc in two processes, \
             over inproc between two threads, each with a runtime of its own."
        }
        Scenario::PubSub => {
            "One PUB sends to eight SUBs, which are tasks (or threads) of one process; deliveries per second, all eight \
             together. No message is dropped: the publisher waits for room, and one that can't (libzmq through its crate, \
             zmq.rs) is told every two milliseconds how far its subscribers are."
        }
        Scenario::ReqRep => {
            "One request at a time, 16 bytes both ways; how long a round trip takes. It is nothing but wakes, and what counts \
             is on which core they end: two processes are two cores, tasks of one runtime may share one."
        }
        Scenario::DealerRouter => "A DEALER keeps 100 requests of 16 bytes in flight to a ROUTER, which returns them.",
        Scenario::ManyPeers => {
            "One bound PULL, and so many PUSH sockets in another process. *Connected in* is the time from the first `connect` \
             until a message of each was received; *memory each* what both processes together have grown by meanwhile, for \
             each connection; then every socket sends as fast as it can, in a task of its own (in libzmq one thread sends on all \
             in turn)."
        }
        Scenario::RpcCalls => {
            "One client on one connection, and so many tasks that call through it, each with one call at a time: 16 bytes \
             there and the same 16 back. Client and server are two threads with a runtime each. `raw` writes and reads frames \
             of that size, all in flight at once, and wakes nobody for a single one. The body is an array of 16 bytes in the \
             ordinary codec of each library, but text in jsonrpsee, and as it is, without a codec, in tonic and muxio."
        }
        Scenario::RpcStream => {
            "A method of the server that returns a stream of chunks of 64 KiB, without an end. tarpc has no streams, JSON \
             no bytes, and those of muxio no flow control."
        }
        Scenario::RpcBeside => {
            "Calls of 16 bytes, one at a time, first alone and then beside such a stream on the same connection: how many \
             times as long 99 of 100 take, how long that is, and how fast the stream is meanwhile."
        }
        Scenario::RpcStalled => {
            "64 callers, first alone and then beside a stream of a GiB of which the client reads one chunk and no more: by how \
             much the memory of the process, both sides in it, was larger at most, and how many calls per second are left."
        }
        Scenario::RpcCost => {
            "One call at a time of 16 bytes both ways: the bytes on the wire beyond these 32, counted by a proxy, and the \
             allocations of both sides together, counted by valgrind: the difference of two runs of which one has 100 calls more."
        }
        Scenario::CurvePushPull => {
            "As push-pull over tcp, with CURVE: everything is sealed. libzmq has it of libsodium. zmq.rs has no CURVE; \
             rzmq and omq have it behind a feature of their crates, which is on here."
        }
        Scenario::CurveHandshakes => {
            "So many clients, each in a task (or thread) of its own, which open a socket, connect, shake hands by CURVE, send \
             16 bytes, receive them back and close, for ever; connections per second, all clients together. Clients and \
             server are two processes."
        }
        Scenario::Hostile => {
            "An honest pair of 16 bytes a message, PUSH to PULL (PUB to SUB beside subscriptions), in two processes, first as \
             fast as it can, then steadily at half of that, then the same beside a hostile peer: which share of its pace is \
             left, how many messages per second that is, and how often per second the hostile peer did what it does. That \
             is a thread in the sender's process (the subscriber's, where the publisher is attacked), as fast as it can, \
             so it has the core that the pair at half its speed leaves free."
        }
        Scenario::IdleMemory => {
            "What 1,000 connections cost that did no more than to send one message, both ends together with their sockets, and \
             what 10,000 sockets cost that are neither bound nor connected (1,000 of libzmq, 2,000 of rzmq, which can't \
             have more or takes too long)."
        }
    }
}

fn failed(outcomes: &[Outcome]) -> String {
    let failures = failures(outcomes);
    if failures.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## What failed\n\n");
    for (outcome, peer, failure) in failures {
        writeln!(text, "- {}: {peer}: {failure}", outcome.case).ok();
    }
    text
}

fn show(table: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: String = (0..table.head.len()).map(|at| if at == 0 { "|---" } else { "|---:" }).collect();
    let rows: String = table.rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}|\n{rows}", line(&table.head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_with_its_rule() {
        let table = Table {
            head: vec!["case".to_owned(), "bowline".to_owned()],
            rows: vec![vec!["tcp 16 B".to_owned(), "61.0 M".to_owned()]],
        };
        assert_eq!(show(&table), "| case | bowline |\n|---|---:|\n| tcp 16 B | 61.0 M |\n");
    }
}
