//! Makes the package of npm part of the program, for the page of `bowline demo --web`, if `cargo xtask web` has built it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = Path::new("../web/pkg");
    println!("cargo::rerun-if-changed={}", package.display());
    let mut files: Vec<PathBuf> = match fs::read_dir(package) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?,
        Err(_) => Vec::new(),
    };
    files.retain(|file| matches!(file.extension().and_then(|end| end.to_str()), Some("js" | "wasm")));
    files.sort();
    let mut code = "const PACKAGE: &[File] = &[\n".to_owned();
    for file in &files {
        let (Some(name), path) = (file.file_name().and_then(|name| name.to_str()), fs::canonicalize(file)?) else {
            continue;
        };
        let _ = writeln!(code, "    (\"/bowline/{name}\", include_bytes!(r#\"{}\"#)),", path.display());
    }
    code += "];\n";
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    fs::write(out.join("package.rs"), code)
}
