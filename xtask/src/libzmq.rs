//! The libzmq with WebSocket that foreign peers of `interop/` are given instead of pyzmq's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::cargo;

/// Compiles it unless it is there, into `target/interop-libzmq/libzmq.so`, where the interop tests look for it.
///
/// The error is one sentence that says what is missing and how to get it.
pub(crate) fn library(root: &Path) -> Result<(), String> {
    let folder = root.join("target").join("interop-libzmq");
    let library = folder.join("libzmq.so");
    if !library.is_file() {
        println!("compiling libzmq with WebSocket, once; this takes half a minute");
    }
    // Cargo knows whether it is still the one that the manifest asks for.
    let built = build(root, &folder.join("build"))?;
    // A process that still has the old one open keeps it.
    let copy = folder.join("libzmq.so.new");
    let placed = fs::copy(&built, &copy).and_then(|_| fs::rename(&copy, &library));
    placed.map_err(|error| format!("could not write {}: {error}", library.display()))
}

/// Builds the crate, and asks it for the library.
fn build(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let mut args = ["run", "--quiet", "--locked", "--manifest-path", "interop/libzmq/Cargo.toml", "--target-dir"]
        .map(str::to_owned)
        .to_vec();
    args.push(folder.to_string_lossy().into_owned());
    // The warnings of a compiler are for those who write the code that it compiles.
    let mut command = cargo::command(root, &args);
    command.env("CFLAGS", "-w").env("CXXFLAGS", "-w").stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("could not start cargo: {error}"))?;
    if !output.status.success() {
        return Err(
            "the interop tests over ws:// need a libzmq with WebSocket, which could not be compiled; install a C++ \
                    compiler and libsodium, e.g. `apt-get install g++ libsodium-dev`"
                .into(),
        );
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
