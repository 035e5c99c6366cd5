//! Compiles libzmq with WebSocket and CURVE, and links it into a shared library.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use zeromq_src::{Build, LibLocation};

fn main() -> ExitCode {
    match library() {
        Ok(library) => {
            println!("cargo::rerun-if-changed=build.rs");
            println!("cargo::rustc-env=LIBZMQ={}", library.display());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn library() -> Result<PathBuf, String> {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo says no OUT_DIR")?);
    // Its header is where the compiler looks anyway.
    let sodium = LibLocation::new(sodium()?, &folder);
    Build::new().with_libsodium(Some(sodium)).build();
    let library = folder.join("libzmq.so");
    let mut link = compiler();
    link.args(["-shared", "-s", "-o"]).arg(&library);
    link.arg("-Wl,--whole-archive").arg(folder.join("lib").join("libzmq.a")).arg("-Wl,--no-whole-archive");
    link.args(["-lsodium", "-lpthread"]);
    let linked = link.status().is_ok_and(|status| status.success());
    linked.then_some(library).ok_or_else(|| "libzmq could not be linked into a shared library".into())
}

/// The folder of libsodium, as the compiler finds it.
fn sodium() -> Result<PathBuf, String> {
    let found = compiler().arg("-print-file-name=libsodium.a").output();
    let found = found.map_err(|error| format!("there is no C++ compiler `c++`: {error}"))?.stdout;
    let found = String::from_utf8_lossy(&found);
    // The bare name comes back where there is no such file.
    let folder = Path::new(found.trim()).parent().filter(|folder| folder.is_absolute());
    folder.map(Path::to_owned).ok_or_else(|| "libsodium and its headers were not found".into())
}

fn compiler() -> Command {
    Command::new("c++")
}
