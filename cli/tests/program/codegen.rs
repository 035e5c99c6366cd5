//! `bowline codegen`, with the store of the examples.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use bowline::rpc::Server;
use tokio::runtime::Runtime;

use crate::folder::Folder;
use crate::memory::Memory;
use crate::process::{run, start};
use crate::service::StoreServer;

/// A server that is there until it is dropped.
struct Served {
    place: String,
    _server: Server,
    _runtime: Runtime,
}

fn serve(builder: bowline::rpc::ServerBuilder) -> Served {
    let runtime = Runtime::new().expect("a runtime");
    let (server, place) = runtime.block_on(async {
        let server = builder.build().expect("a server");
        let place = server.bind("tcp://127.0.0.1:*").await.expect("a port");
        (server, place.to_string())
    });
    Served { place, _server: server, _runtime: runtime }
}

fn serve_store() -> Served {
    serve(Server::builder().service(StoreServer::new(Memory::new())))
}

/// `code` as it is when the server is at port 7400.
fn settled(code: &str, served: &Served) -> String {
    code.replace(&served.place, "tcp://127.0.0.1:7400")
}

/// Compares `code` with a file of `tests/golden`; `UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
fn check_golden(name: &str, code: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, code).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(&path).expect("there is a golden file");
    assert_eq!(code, golden, "{name}: if this is meant, write it anew with UPDATE_GOLDEN=1");
}

#[test]
fn the_store_becomes_a_class() {
    let served = serve_store();
    let code = run(&format!("codegen typescript {}", served.place)).done();
    check_golden("store.ts", &settled(&code, &served));
}

#[test]
fn a_file_has_what_is_else_printed() {
    let (served, folder) = (serve_store(), Folder::new("codegen-file"));
    let words = format!("codegen typescript {} --service bowline.examples.Store --types ./types.js", served.place);
    let printed = run(&words).done();
    check_golden("store-types.ts", &settled(&printed, &served));
    let file = folder.file("store.ts");
    for before in [None, Some("an older and much longer file".repeat(1000))] {
        if let Some(before) = before {
            fs::write(&file, before).expect("a file");
        }
        assert_eq!(run(&format!("{words} -o {file}")).done(), "");
        assert_eq!(fs::read_to_string(&file).expect("it was written"), printed);
    }
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1, "nothing else is left there");
}

#[test]
fn services_are_picked_by_their_names() {
    let served = serve_store();
    let words = format!("codegen typescript {} --service bowline.health --service bowline.reflection", served.place);
    let code = run(&words).done();
    let classes: Vec<_> = code.lines().filter(|line| line.starts_with("export class")).collect();
    assert_eq!(classes, ["export class Health {", "export class Reflection {"]);
    let line = run(&format!("codegen typescript {} --service Shop", served.place)).failed(1);
    let known = "bowline.examples.Store, bowline.health, bowline.reflection";
    assert_eq!(line, format!("{}: no service Shop; it has {known}", served.place));
}

#[test]
fn a_server_without_services_of_its_own_is_an_error() {
    let served = serve(Server::builder());
    let line = run(&format!("codegen typescript {}", served.place)).failed(1);
    assert_eq!(line, format!("{}: no services but the built-in ones, which --service picks", served.place));
}

#[test]
fn nobody_at_the_endpoint_is_told_as_by_services() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let place = format!("tcp://127.0.0.1:{port}");
    let (file, folder) = ("client.ts", Folder::new("codegen-nobody"));
    let line = run(&format!("codegen typescript {place} -o {}", folder.file(file))).failed(1);
    assert_eq!(line, run(&format!("services {place}")).failed(1));
    assert!(line.starts_with(&place) && line.contains("refused"), "{line}");
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 0, "no file was begun");
    assert!(run("codegen typescript tcp://127.0.0.1").failed(2).starts_with("tcp://127.0.0.1: "));
}

#[test]
fn a_server_that_does_not_answer_in_time_is_3() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = format!("tcp://{}", silent.local_addr().expect("an address"));
    let line = run(&format!("codegen typescript {place} --deadline 0.05")).failed(3);
    assert!(line.starts_with(&format!("{place}: the deadline has passed")), "{line}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_before_there_is_code_is_an_error() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = format!("tcp://{}", silent.local_addr().expect("an address"));
    let codegen = start(&format!("codegen typescript {place}"));
    let _connection = silent.accept().expect("it connects");
    codegen.interrupt();
    assert_eq!(codegen.end().failed(1), format!("{place}: interrupted before it answered"));
}

#[test]
fn a_folder_that_is_missing_is_named_with_the_file() {
    let served = serve_store();
    let line = run(&format!("codegen typescript {} -o /nowhere/at/all.ts", served.place)).failed(1);
    assert_eq!(line, "/nowhere/at/all.ts: No such file or directory");
    let folder = std::env::temp_dir();
    let line = run(&format!("codegen typescript {} -o {}", served.place, folder.display())).failed(1);
    assert_eq!(line, format!("{}: Is a directory", folder.display()));
}

#[cfg(target_os = "linux")]
mod full {
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileTypeExt;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::process::command;

    #[test]
    fn a_disk_that_is_full_is_an_error() {
        let served = serve_store();
        let words = format!("codegen typescript {}", served.place);
        let line = run(&format!("{words} -o /dev/full")).failed(1);
        assert_eq!(line, "/dev/full: No space left on device");
        let device = fs::metadata("/dev/full").expect("it is there");
        assert!(device.file_type().is_char_device(), "it was not replaced");

        let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
        let printed = command(&words).stdout(Stdio::from(full)).output().expect("the program runs");
        let told = String::from_utf8_lossy(&printed.stderr).into_owned();
        assert_eq!(
            (printed.status.code(), told.as_str()),
            (Some(1), "bowline: standard output: No space left on device\n")
        );
    }

    #[test]
    fn a_file_that_can_not_be_written_whole_stays_as_it_was() {
        let (served, folder) = (serve_store(), Folder::new("codegen-limit"));
        let file = folder.file("store.ts");
        fs::write(&file, "as it was").expect("a file");
        // The limit is 512 bytes, and whoever ignores its signal is told by an error.
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
        let limited = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_bowline"), "codegen", "typescript", &served.place, "-o", &file])
            .output()
            .expect("a shell");
        let told = String::from_utf8_lossy(&limited.stderr).into_owned();
        assert_eq!((limited.status.code(), told), (Some(1), format!("bowline: {file}: File too large\n")));
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "as it was");
        assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1, "nothing else is left there");
    }
}
