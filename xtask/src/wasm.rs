//! What compiles for web pages, and the programs that belong to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Where the compiler for pages comes from.
pub(crate) enum Toolchain {
    /// The one that is installed has the target.
    Installed,
    /// A script that puts `wasm-cargo` and the rest beside it.
    Script(PathBuf),
}

impl Toolchain {
    pub(crate) fn find() -> Result<Self, String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
        let libraries = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok());
        if libraries.is_some_and(|folder| !folder.trim().is_empty() && Path::new(folder.trim()).is_dir()) {
            return Ok(Self::Installed);
        }
        let script = std::env::var_os("BOWLINE_WASM_ENV").map(PathBuf::from).or_else(|| {
            let home = std::env::var_os("HOME").map(PathBuf::from)?;
            Some(home.join(".cache/rust-wasm/env.sh"))
        });
        match script.filter(|script| script.is_file()) {
            Some(script) => Ok(Self::Script(script)),
            None => Err(format!(
                "the compiler lacks the target of web pages; install it with `rustup target add {TARGET}`, or name \
                 a script that puts `wasm-cargo` into the path in BOWLINE_WASM_ENV"
            )),
        }
    }

    /// This program with its arguments, where the tools are.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = match self {
            Self::Installed => {
                let program = if program == "cargo" {
                    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
                } else {
                    OsString::from(program)
                };
                Command::new(program)
            }
            Self::Script(script) => {
                let mut command = Command::new("bash");
                command.args(["-c", ". \"$0\" && exec \"$@\""]).arg(script);
                command.arg(if program == "cargo" { "wasm-cargo" } else { program });
                command
            }
        };
        // Without what cargo has set for this program: another compiler may do the work.
        command.args(args).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN").stdin(Stdio::null());
        command
    }
}
