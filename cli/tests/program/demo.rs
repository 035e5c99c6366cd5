//! bowline demo.

use crate::process::{run, start};

#[test]
fn a_place_for_the_page_that_is_none_is_a_usage_error() {
    assert_eq!(run("demo --web --at nonsense").failed(2), "nonsense: expected HOST:PORT");
    assert!(run("demo --at 127.0.0.1:0").failed(2).contains("--web"));
    assert!(run("demo --web --seconds 3").failed(2).contains("--seconds"));
}

#[test]
fn the_accounts_of_a_demo_balance() {
    let printed = run("demo --seconds 3 --json").done();
    let verdict: serde_json::Value = serde_json::from_str(&printed).expect("one JSON object");
    assert_eq!(verdict["balanced"], true, "{printed}");
    assert_eq!(verdict["push_pull"]["balanced"], true, "{printed}");
    assert_eq!(verdict["push_pull"]["sent"], verdict["push_pull"]["received"], "{printed}");
    assert_eq!(verdict["req_rep"]["unanswered"], 0, "{printed}");
    for what in ["restarts", "reconnects", "transitions"] {
        assert!(verdict[what].as_u64().expect("a number") > 3, "{what}: {printed}");
    }
    for scene in ["push_pull", "pub_sub"] {
        assert!(verdict[scene]["received"].as_u64().expect("a number") > 0, "{scene}: {printed}");
    }
}

#[test]
fn without_a_terminal_a_demo_prints_lines_and_a_verdict() {
    let printed = run("demo --seconds 1.5").done();
    assert!(printed.lines().next().expect("a line").contains("connections ready"), "{printed}");
    for scene in ["PUSH/PULL", "REQ/REP"] {
        let line = printed.lines().find(|line| line.starts_with(scene));
        assert!(line.is_some_and(|line| line.ends_with(": balanced")), "{printed}");
    }
}

#[test]
fn ctrl_c_ends_a_demo_with_its_verdict() {
    let mut demo = start("demo --seconds 3600");
    demo.line();
    demo.interrupt();
    let printed = demo.end().done();
    assert_eq!(printed.matches(": balanced").count(), 2, "{printed}");
}
