//! CURVE: keys in files, and peers that have them or don't.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::folder::Folder;
use crate::process::{Ended, command, run, start};

const ANY: &str = "tcp://127.0.0.1:0";
const VARIABLE: &str = "BOWLINE_CURVE_SECRET";

fn run_with_secret(words: &str, secret: &str) -> Ended {
    let output = command(words).env(VARIABLE, secret).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn keys_are_printed_or_written_for_their_owner_only_and_never_over_others() {
    let printed: Value = serde_json::from_str(&run("keygen --json").done()).expect("JSON");
    let lens = ["public", "secret"].map(|name| printed[name].as_str().expect("a key").len());
    assert_eq!(lens, [40, 40]);

    let folder = Folder::new("keygen");
    let (file, public) = folder.keys("server");
    for name in [file.clone(), format!("{file}.pub")] {
        assert_eq!(fs::metadata(&name).expect("it is there").permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_to_string(format!("{file}.pub")).expect("it is there").trim(), public);
    let secret = fs::read_to_string(&file).expect("it is there");

    let line = run(&format!("keygen {file}")).failed(1);
    assert!(line.starts_with(&file) && line.contains("--force"), "{line}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), secret);
    let shown = run(&format!("keygen {file} --force --json")).done();
    assert!(!shown.contains("secret"), "{shown}");
    assert_ne!(fs::read_to_string(&file).expect("it is there"), secret);
    let missing = folder.file("no/such/folder");
    assert!(run(&format!("keygen {missing}")).failed(1).starts_with(&missing));
}

#[test]
fn a_client_reaches_the_server_whose_key_it_has() {
    let folder = Folder::new("curve-right");
    let ((server, public), (client, allowed)) = (folder.keys("server"), folder.keys("client"));
    let mut pull =
        start(&format!("pull -b {ANY} -v -n 2 --curve-server --curve-key-file {server} --curve-allow {allowed}"));
    let place = pull.endpoint();
    // Keys as files, then as a word and by the environment.
    run(&format!("push -c {place} -D one --curve-server-key {server}.pub --curve-key-file {client}")).done();
    assert_eq!(pull.line(), "one");
    let secret = fs::read_to_string(&client).expect("it is there");
    run_with_secret(&format!("push -c {place} -D two --curve-server-key {public}"), &secret).done();
    assert_eq!(pull.line(), "two");
    assert_eq!(pull.end().code, Some(0));
}

#[test]
fn a_file_whose_name_reads_as_a_key_is_a_file_all_the_same() {
    let folder = Folder::new("curve-name");
    let (server, _) = folder.keys("server");
    let name = format!("{}.pub", "k".repeat(36));
    fs::rename(format!("{server}.pub"), folder.file(&name)).expect("it is there");
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 --curve-server --curve-key-file {server}"));
    let place = pull.endpoint();
    let mut push = command(&format!("push -c {place} -D one -t 30 --curve-server-key {name}"));
    let output = push.current_dir(&folder.0).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(pull.line(), "one");
}

#[test]
fn who_is_not_on_the_list_is_refused_and_told() {
    let folder = Folder::new("curve-list");
    let ((server, public), (_, allowed)) = (folder.keys("server"), folder.keys("client"));
    let mut pull = start(&format!("pull -b {ANY} -v --curve-server --curve-key-file {server} --curve-allow {allowed}"));
    let place = pull.endpoint();
    let line = run(&format!("push -c {place} -D no --curve-server-key {public}")).failed(1);
    assert!(line.contains(&place) && line.contains("refused"), "{line}");
    pull.told("not among the clients that may connect");
}

#[test]
fn keys_that_are_none_are_usage_errors_that_show_no_secret() {
    let folder = Folder::new("curve-wrong");
    let (server, public) = folder.keys("server");
    let line = run(&format!("pull -b {ANY} --curve-server")).failed(2);
    assert!(line.contains("--curve-key-file") && line.contains(VARIABLE), "{line}");
    let line = run_with_secret(&format!("pull -b {ANY} --curve-server"), "hush-hush").failed(2);
    assert!(line.starts_with(VARIABLE) && line.contains("40 characters") && !line.contains("hush"), "{line}");
    let line = run("pull -c tcp://127.0.0.1:1 --curve-server-key nowhere").failed(2);
    assert!(line.starts_with("nowhere: no file, and no key"), "{line}");
    assert!(
        run(&format!("pull -c tcp://127.0.0.1:1 --curve-key-file {server}")).failed(2).contains("--curve-server-key")
    );
    let missing = folder.file("missing");
    let line = run(&format!("pull -b {ANY} --curve-server --curve-key-file {missing}")).failed(1);
    assert!(line.starts_with(&missing), "{line}");
    let both = format!("pull -b {ANY} --curve-server --curve-key-file {server} --curve-server-key {public}");
    assert!(run(&both).failed(2).contains("--curve-server"));
}
