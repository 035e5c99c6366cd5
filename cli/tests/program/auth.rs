//! Who may connect: files of passwords, directories of keys, addresses.

use std::fs;

use serde_json::Value;

use crate::folder::Folder;
use crate::process::{run, run_with, start};

const ANY: &str = "tcp://127.0.0.1:0";

/// The line of this user, by a pipe.
fn line(user: &str, password: &str) -> String {
    run_with(&format!("passwd {user}"), format!("{password}\n").as_bytes()).done()
}

#[test]
fn who_has_a_line_in_the_file_comes_in_and_others_are_told_the_code() {
    let folder = Folder::new("passwords");
    let file = folder.file("users");
    let ann = line("ann", "secret");
    assert!(ann.starts_with("ann:$argon2id$") && !ann.contains("secret"), "{ann}");
    fs::write(&file, ann).expect("a folder");
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 --plain-passwords {file}"));
    let place = pull.endpoint();
    let wrong = run(&format!("push -c {place} -D no --username ann --password guess")).failed(1);
    assert!(wrong.contains("refused") && wrong.contains("400"), "{wrong}");
    pull.told("unknown user or wrong password");
    run(&format!("push -c {place} -D yes --username ann --password secret")).done();
    assert_eq!(pull.line(), "yes");
    assert_eq!(pull.end().code, Some(0));
}

#[test]
fn who_has_a_certificate_in_the_directory_comes_in() {
    let folder = Folder::new("certificates");
    let ((server, public), (client, key)) = (folder.keys("server"), folder.keys("client"));
    let clients = folder.file("clients");
    fs::create_dir(&clients).expect("a folder");
    fs::write(
        format!("{clients}/ann.key"),
        format!("metadata\n    name = \"Ann\"\ncurve\n    public-key = \"{key}\"\n"),
    )
    .expect("a folder");
    let server = format!("--curve-server --curve-key-file {server} --curve-keys-dir {clients}");
    let mut monitor = start(&format!("monitor pull -b {ANY} {server}"));
    let mut event = |name: &str| loop {
        let event: Value = serde_json::from_str(&monitor.line()).expect("JSON");
        if event["event"] == name {
            return event;
        }
    };
    let place = event("listening")["endpoint"].as_str().expect("an endpoint").to_owned();
    run(&format!("push -c {place} -D hello --curve-server-key {public} --curve-key-file {client}")).done();
    let peer = &event("handshake_succeeded")["peer"];
    assert_eq!((peer["user"].as_str(), peer["metadata"]["name"].as_str()), (Some(&key[..]), Some("Ann")));
    run(&format!("push -c {place} -D hello --curve-server-key {public}")).failed(1);
    let failed = event("handshake_failed");
    assert_eq!((failed["cause"].as_str(), failed["code"].as_str()), (Some("unauthorized"), Some("400")));
}

#[test]
fn addresses_are_let_in_or_kept_out() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 --allow-ip 10.0.0.0/8 --allow-ip 127.0.0.1"));
    run(&format!("push -c {} -D hello", pull.endpoint())).done();
    assert_eq!(pull.line(), "hello");
    let mut pull = start(&format!("pull -b {ANY} -v --deny-ip 127.0.0.0/8"));
    let line = run(&format!("push -c {} -D hello", pull.endpoint())).failed(1);
    assert!(line.contains("refused"), "{line}");
    pull.told("127.0.0.1 may not connect");
}

#[test]
fn what_can_not_be_judged_with_is_told_with_file_and_line() {
    let folder = Folder::new("broken");
    let file = folder.file("users");
    fs::write(&file, "# people\nann:secret\n").expect("a folder");
    let line = run(&format!("pull -b {ANY} --plain-passwords {file}")).failed(1);
    assert!(line.starts_with(&format!("{file}:2: ")) && !line.contains("secret"), "{line}");
    let missing = folder.file("nowhere");
    assert!(run(&format!("pull -b {ANY} --plain-passwords {missing}")).failed(1).starts_with(&missing));
    assert!(run("pull -c tcp://127.0.0.1:1 --allow-ip 10.0.0.0/8").failed(2).contains("--bind"));
    assert!(run(&format!("pull -b {ANY} --allow-ip everywhere")).failed(2).contains("neither a network"));
}

#[test]
fn a_password_is_read_and_never_an_argument() {
    run("passwd ann secret").failed(2);
    assert!(run_with("passwd ann", b"").failed(1).contains("there is none"));
    run_with("passwd a:b", b"secret\n").failed(2);
    assert_ne!(line("ann", "secret"), line("ann", "secret"), "each has its own salt");
}
