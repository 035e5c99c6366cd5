//! pub, sub, xpub and xsub.

use crate::process::{ipc, numbers, run, run_with, start, start_with_stdin};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn a_subscriber_gets_what_it_subscribed_to() {
    let mut publisher = start_with_stdin(&format!("pub -b {ANY} -v"));
    let place = publisher.endpoint();
    publisher.write(b"sports 1:0\nweather sunny\n");
    publisher.close_stdin();
    assert_eq!(run(&format!("sub -c {place} -s weather -n 1")).done(), "weather sunny\n");
    publisher.end().done();
}

#[test]
fn without_a_topic_a_subscriber_gets_everything() {
    let place = ipc();
    let mut subscriber = start(&format!("sub -c {place} -n 2 -v"));
    subscriber.told("connecting to");
    run_with(&format!("pub -b {place}"), b"a\nb\n").done();
    assert_eq!(subscriber.end().done(), "a\nb\n");
}

#[test]
fn a_subscriber_may_bind() {
    let mut subscriber = start(&format!("sub -b {ANY} -n 1 -v"));
    let place = subscriber.endpoint();
    run(&format!("pub -c {place} -D news")).done();
    assert_eq!(subscriber.end().done(), "news\n");
}

#[test]
fn a_publisher_of_lines_drops_none_for_a_slow_subscriber() {
    let mut publisher = start_with_stdin(&format!("pub -b {ANY} -v --hwm 10"));
    let place = publisher.endpoint();
    let subscriber = start(&format!("sub -c {place} -n 20000 --hwm 10"));
    let input = numbers(20_000);
    publisher.write(input.as_bytes());
    publisher.close_stdin();
    assert_eq!(subscriber.end().done(), input);
    publisher.end().done();
}

#[test]
fn an_xpub_prints_subscriptions() {
    let mut publisher = start_with_stdin(&format!("xpub -b {ANY} -v -J"));
    let place = publisher.endpoint();
    let subscriber = start(&format!("sub -c {place} -s topic -n 1"));
    assert_eq!(publisher.line(), "[\"\\u0001topic\"]");
    publisher.write(b"[\"topic 1\"]\n");
    assert_eq!(subscriber.end().done(), "topic 1\n");
    assert_eq!(publisher.line(), "[\"\\u0000topic\"]");
    publisher.interrupt();
    publisher.end().done();
}

#[test]
fn an_xsub_subscribes_and_sends_upstream() {
    let mut publisher = start_with_stdin(&format!("xpub -b {ANY} -v -J"));
    let place = publisher.endpoint();
    let mut subscriber = start_with_stdin(&format!("xsub -c {place} -s topic"));
    assert_eq!(publisher.line(), "[\"\\u0001topic\"]");
    subscriber.write(b"upstream\n");
    assert_eq!(publisher.line(), "[\"upstream\"]");
    publisher.write(b"[\"topic 1\"]\n");
    assert_eq!(subscriber.line(), "topic 1");
}
