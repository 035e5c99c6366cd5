//! bowline bench.

use crate::process::run;

const SOCKETS: &[&str] = &["msgs_per_s", "mb_per_s", "p50_us", "p99_us"];
const CALLS: &[&str] = &["calls_per_s", "p50_us", "p99_us"];
const STREAM: &[&str] = &["mb_per_s"];

/// What is printed, with these figures in it.
fn measured(words: &str, fields: &[&str]) -> serde_json::Value {
    let printed = run(words).done();
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let figures: serde_json::Value = serde_json::from_str(&printed).expect("a JSON object");
    for field in fields {
        assert!(figures[*field].as_f64().is_some_and(|number| number > 0.0), "{field}: {printed}");
    }
    figures
}

#[test]
fn every_scenario_runs_over_every_transport() {
    for transport in ["tcp", "ipc", "inproc"] {
        let sockets = ["push-pull", "req-rep", "pub-sub"].map(|scenario| (scenario, SOCKETS));
        for (scenario, fields) in sockets.into_iter().chain([("rpc", CALLS), ("rpc-stream", STREAM)]) {
            let words = format!("bench {scenario} --transport {transport} --size 1K --seconds 0.2 --json");
            let figures = measured(&words, fields);
            assert_eq!(figures["scenario"], scenario);
            assert_eq!(figures["transport"], transport);
            assert_eq!(figures["size"], 1024);
        }
    }
}

#[test]
fn large_messages_take_no_longer_than_small_ones() {
    // Fewer of them are measured.
    assert_eq!(measured("bench push-pull --size 8M --seconds 0.3 --json", SOCKETS)["size"], 8 << 20);
}

#[test]
fn a_publisher_is_measured_with_several_subscribers() {
    assert_eq!(measured("bench pub-sub --subscribers 3 --seconds 0.2 --json", SOCKETS)["subscribers"], 3);
}

#[test]
fn calls_are_measured_with_many_in_flight() {
    // More than a connection has streams unless it is told so.
    assert_eq!(measured("bench rpc --in-flight 2000 --seconds 0.3 --json", CALLS)["in_flight"], 2000);
}

#[test]
fn an_argument_may_be_longer_than_messages_usually_are() {
    assert_eq!(measured("bench rpc --size 17M --seconds 0.5 --json", CALLS)["size"], 17 << 20);
    assert_eq!(measured("bench rpc-stream --size 17M --seconds 0.5 --json", STREAM)["size"], 17 << 20);
}
