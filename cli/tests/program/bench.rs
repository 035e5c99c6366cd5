//! bowline bench.

use crate::process::run;

fn measured(words: &str) -> serde_json::Value {
    let printed = run(words).done();
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let figures: serde_json::Value = serde_json::from_str(&printed).expect("a JSON object");
    for field in ["msgs_per_s", "mb_per_s", "p50_us", "p99_us"] {
        assert!(figures[field].as_f64().is_some_and(|number| number > 0.0), "{field}: {printed}");
    }
    figures
}

#[test]
fn every_scenario_runs_over_every_transport() {
    for transport in ["tcp", "ipc", "inproc"] {
        for scenario in ["push-pull", "req-rep", "pub-sub"] {
            let figures = measured(&format!("bench {scenario} --transport {transport} --size 1K --seconds 0.2 --json"));
            assert_eq!(figures["scenario"], scenario);
            assert_eq!(figures["transport"], transport);
            assert_eq!(figures["size"], 1024);
        }
    }
}

#[test]
fn large_messages_take_no_longer_than_small_ones() {
    // Fewer of them are measured.
    assert_eq!(measured("bench push-pull --size 8M --seconds 0.3 --json")["size"], 8 << 20);
}

#[test]
fn a_publisher_is_measured_with_several_subscribers() {
    assert_eq!(measured("bench pub-sub --subscribers 3 --seconds 0.2 --json")["subscribers"], 3);
}
