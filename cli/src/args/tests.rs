use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = std::iter::once("bowline").chain(line.split_whitespace());
    CommandLine::try_parse_from(words).map(|parsed| parsed.command)
}

fn parse_pull(line: &str) -> PullArgs {
    match parse(line) {
        Ok(Command::Socket(command)) => match *command {
            SocketCommand::Pull(pull) => pull,
            other => panic!("{line}: {other:?}"),
        },
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_declaration_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_socket_type_is_a_command() {
    for socket_type in bowline::SocketType::ALL {
        let name = socket_type.as_str().to_lowercase();
        parse(&format!("{name} -b tcp://*:0")).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn endpoints_repeat_and_mix() {
    let pull = parse_pull("pull -b a -b b --connect c");
    assert_eq!(pull.connection.bind, ["a", "b"]);
    assert_eq!(pull.connection.connect, ["c"]);
    assert_eq!(pull.connection.linger, Linger::For(Duration::from_secs(5)));
}

#[test]
fn seconds_may_be_fractions_but_not_negative() {
    assert_eq!(units::seconds("0.25"), Ok(Duration::from_millis(250)));
    assert_eq!(units::seconds("0"), Ok(Duration::ZERO));
    for bad in ["-1", "NaN", "inf", "1s", "", "1e300"] {
        assert!(units::seconds(bad).is_err(), "{bad}");
    }
}

#[test]
fn durations_may_be_short_and_are_seconds_without_a_unit() {
    for (text, micros) in [("50us", 50), ("1.5ms", 1500), ("0.25s", 250_000), ("2", 2_000_000), ("0", 0)] {
        assert_eq!(units::duration(text), Ok(Duration::from_micros(micros)), "{text}");
    }
    for bad in ["-1us", "us", "1m", "", "1 ms", "infs"] {
        assert!(units::duration(bad).is_err(), "{bad}");
    }
    let pull = parse_pull("pull -b a --busy-poll 50us");
    assert_eq!(pull.connection.busy_poll, Some(Duration::from_micros(50)));
}

#[test]
fn counts_begin_at_1() {
    assert_eq!(units::count("1").map(u64::from), Ok(1));
    assert_eq!(units::count("0"), Err("must be at least 1".to_owned()));
    for bad in ["-1", "1.5", "", "x"] {
        assert_eq!(units::count(bad), Err("not a whole number".to_owned()), "{bad}");
    }
}

#[test]
fn negative_numbers_are_values_that_are_refused_as_such() {
    for words in ["pull -b a -n -1", "pull -b a -t -1", "push -b a -i -1", "demo --seconds -3", "pull -b a --hwm -1"] {
        let error = parse(words).expect_err(words);
        assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{words}: {error}");
    }
    parse("push -b a -D -5").expect("data may look like a number");
}

#[test]
fn sizes_take_binary_suffixes() {
    assert_eq!(units::size("1500"), Ok(1500));
    assert_eq!(units::size("64K"), Ok(65_536));
    assert_eq!(units::size("2g"), Ok(2 << 30));
    for bad in ["K", "", "1.5M", "-1", "99999999999G", "1Kb", "é"] {
        assert!(units::size(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_reconnect_interval_may_grow() {
    let constant = ReconnectInterval { first: Duration::from_millis(100), most: None };
    assert_eq!(units::reconnect_interval("0.1"), Ok(constant));
    let growing = ReconnectInterval { first: Duration::from_millis(100), most: Some(Duration::from_secs(5)) };
    assert_eq!(units::reconnect_interval("0.1..5"), Ok(growing));
    for bad in ["5..1", "..", "1..", "x"] {
        assert!(units::reconnect_interval(bad).is_err(), "{bad}");
    }
}

#[test]
fn identities_may_be_hex() {
    assert_eq!(units::target("0x00ff"), Ok(Target(vec![0, 255])));
    assert_eq!(units::target("worker"), Ok(Target(b"worker".to_vec())));
    assert_eq!(units::identity("0xff"), Ok(bowline::Identity::new(vec![255]).expect("allowed")));
    assert!(units::identity("0x00ff").is_err(), "reserved for those that a ROUTER makes up");
    assert!(units::identity("").is_err());
    assert!(units::identity("0x").is_err());
    assert!(units::identity(&"a".repeat(256)).is_err());
}

#[test]
fn a_password_may_contain_colons() {
    let login = Login { username: "user".to_owned(), password: "a:b".to_owned() };
    assert_eq!(units::login("user:a:b"), Ok(login));
    assert!(units::login("user").is_err());
}

#[test]
fn the_last_format_wins() {
    let pull = parse_pull("pull -b a -J -Q");
    assert_eq!(pull.format.format(), Format::Quoted);
    let pull = parse_pull("pull -b a");
    assert_eq!(pull.format.format(), Format::Text);
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for bad in [
        "push -b a -D x -F y",
        "rep -b a --echo -D x",
        "rep -b a --echo -F x",
        "push -b a --username u",
        "push -b a --password p",
        "push -b a --username u --password p --plain-server u:p",
        "push -b a --echo",
        "pull -b a -D x",
        "pull -b a -n 0",
        "req -b a -s topic",
        "monitor nothing -b a",
        "bench push-pull --transport pigeon",
        "bench pub-sub --subscribers 0",
        "bench rpc --in-flight 0",
        "bench rpc-stream --in-flight 2",
        "codegen typescript",
        "codegen cobol tcp://127.0.0.1:1",
        "codegen typescript tcp://127.0.0.1:1 --types=",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_limit_that_is_not_given_stays_as_it_is() {
    let usual = bowline::PeerLimits::new();
    let limits = |line: &str| parse_pull(line).connection.peer_limits.limits();
    assert_eq!(limits("pull -b a"), usual);
    assert_eq!(limits("pull -b a --max-unread 1M"), usual.max_unread(Some(1 << 20)));
    let all = "pull -b a --max-connections 1 --max-connections-per-ip 2 --max-handshakes 3 --max-parts 4 \
               --max-subscriptions 5 --max-rate 6 --newcomer-percent 7";
    let expected = usual.max_connections(Some(1)).max_connections_per_ip(Some(2)).max_handshakes(Some(3));
    let expected = expected.max_parts(Some(4)).max_subscriptions(Some(5)).max_rate(Some(6));
    assert_eq!(limits(all), expected.newcomer_percent(Some(7)));
}
