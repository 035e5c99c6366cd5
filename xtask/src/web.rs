//! `cargo xtask web`: the package for web pages, built into `web/pkg`, and its tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use crate::cargo::{self, Tally};
use crate::wasm::{TARGET, Toolchain};
use crate::{heading, libzmq, python, root};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Build,
    /// Also run the tests, under Node and in Chromium.
    Test,
}

pub(crate) fn parse(args: &[&str]) -> Result<Work, String> {
    match args {
        [] => Ok(Work::Build),
        ["--test"] => Ok(Work::Test),
        other => Err(format!("unknown arguments of web: `{}`", other.join(" "))),
    }
}

pub(crate) fn run(work: Work) -> ExitCode {
    match build(&root()).and_then(|sizes| {
        let tally = if work == Work::Test { test(&root())? } else { Tally::default() };
        Ok((sizes, tally))
    }) {
        Ok((sizes, tally)) => {
            println!("{sizes}");
            if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The most that the core may have, compressed, in bytes: what it had when this was written, and one in a hundred for other
/// compilers. 150 KiB for all are the aim (DESIGN.md says what is in it). Raise it with the reason in the commit.
const BUDGET: usize = 194_500;

/// Smaller a second time, since `--gufa` finds values that are always the same. Rust's stack lies lowest, and no pointer into its
/// last KiB is added to. Functions of one module stand together, which compresses better.
const SHORTER: [&str; 5] = ["-Oz", "--gufa", "-Oz", "--low-memory-unused", "--reorder-functions-by-name"];

/// Builds the package and says how large it is, as one line of JSON.
fn build(root: &Path) -> Result<String, String> {
    heading("the package for web pages; the first time takes minutes");
    let web = root.join("web");
    let tools = Toolchain::find()?;
    check_version(&tools, &web)?;
    let cargo = tools.command("cargo", &["build", "--release", "--locked", "--target", TARGET]);
    done(cargo, &web, "building for web pages")?;
    let built = format!("target/{TARGET}/release/bowline_web.wasm");
    let bind = ["--target", "web", "--no-typescript", "--out-name", "core", "--out-dir", "pkg", &built];
    done(tools.command("wasm-bindgen", &bind), &web, "wasm-bindgen")?;
    let files = [&SHORTER[..], &["pkg/core_bg.wasm", "-o", "pkg/core_bg.wasm"]].concat();
    let shortened = done(tools.command("wasm-opt", &files), &web, "wasm-opt");
    if let Err(problem) = &shortened {
        println!("{problem}; the package is a sixth longer without it, which is binaryen's");
    }
    let js = scripts(&web)?;
    let wasm = read(&web.join("pkg/core_bg.wasm"))?;
    let zipped = gzip(&wasm)?;
    if shortened.is_ok() && zipped > BUDGET {
        return Err(format!("the core of the package has {zipped} bytes, compressed; {BUDGET} are its budget"));
    }
    Ok(format!(
        "{{\"wasm_bytes\":{},\"wasm_gzip_bytes\":{zipped},\"js_bytes\":{},\"js_gzip_bytes\":{}}}",
        wasm.len(),
        js.bytes,
        js.zipped
    ))
}

/// How much JavaScript there is.
#[derive(Default)]
struct Scripts {
    bytes: usize,
    zipped: usize,
}

/// Puts what is written by hand beside what is generated, without the comments of either: a page loads them for nobody.
fn scripts(web: &Path) -> Result<Scripts, String> {
    let failed = |error: std::io::Error| format!("web/js: {error}");
    let mut from = vec![web.join("pkg/core.js")];
    for entry in std::fs::read_dir(web.join("js")).map_err(failed)? {
        from.push(entry.map_err(failed)?.path());
    }
    let mut scripts = Scripts::default();
    for from in from {
        let Some(name) = from.file_name() else { continue };
        let mut text = read(&from)?;
        if from.extension().is_some_and(|extension| extension == "js") {
            text = without_comments(&String::from_utf8_lossy(&text)).into_bytes();
            scripts.bytes += text.len();
            scripts.zipped += gzip(&text)?;
        }
        std::fs::write(web.join("pkg").join(name), text).map_err(failed)?;
    }
    Ok(scripts)
}

/// The script without lines that are comments, and without indentation. No text in it has more than one line.
fn without_comments(script: &str) -> String {
    let (mut short, mut is_comment) = (String::new(), false);
    for line in script.lines().map(str::trim) {
        is_comment |= line.starts_with("/*");
        if is_comment {
            is_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            short.push_str(line);
            short.push('\n');
        }
    }
    short
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// How many bytes gzip makes of them.
fn gzip(bytes: &[u8]) -> Result<usize, String> {
    let failed = |error: std::io::Error| format!("gzip: {error}");
    let mut gzip = Command::new("gzip");
    let mut gzip =
        gzip.args(["-9", "--stdout"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut input = gzip.stdin.take();
    let zipped = std::thread::scope(|scope| {
        let written = scope.spawn(move || input.as_mut().map_or(Ok(()), |input| input.write_all(bytes)));
        let zipped = gzip.wait_with_output();
        written.join().unwrap_or(Ok(())).and(zipped)
    });
    zipped.map(|output| output.stdout.len()).map_err(failed)
}

/// The program `wasm-bindgen` reads only what the crate of the same version has written.
fn check_version(tools: &Toolchain, web: &Path) -> Result<(), String> {
    let lock = std::fs::read_to_string(web.join("Cargo.lock")).map_err(|error| format!("web/Cargo.lock: {error}"))?;
    let wanted = locked(&lock, "wasm-bindgen").ok_or("web/Cargo.lock names no wasm-bindgen")?;
    let said = tools.command("wasm-bindgen", &["--version"]).output().map(|output| output.stdout).unwrap_or_default();
    let found = String::from_utf8_lossy(&said).split_whitespace().last().map(str::to_owned);
    if found.as_deref() == Some(wanted) {
        return Ok(());
    }
    let found = found.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    Err(format!(
        "there is {found} of the program wasm-bindgen; install it with `cargo install wasm-bindgen-cli --version \
         {wanted} --locked`"
    ))
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\n"))?;
    rest.lines().next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

fn done(mut command: Command, folder: &Path, what: &str) -> Result<(), String> {
    match command.current_dir(folder).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// Builds programs that pages talk to.
fn build_programs(root: &Path, chosen: &[&str]) -> Result<(), String> {
    // Of both packages, whatever is chosen: so all share one build of each crate.
    let programs = ["build", "--package", "bowline-cli", "--package", "bowline", "--features", crate::test::FEATURES];
    let programs: Vec<String> = programs.iter().chain(chosen).map(ToString::to_string).collect();
    done(cargo::command(root, &programs), root, "building what pages talk to")
}

/// The package `ws`, which Node takes for the WebSocket that it has not before version 22.
fn install_ws(root: &Path, tools: &Toolchain) -> Result<(), String> {
    let web = root.join("web");
    if web.join("node_modules/ws").exists() {
        return Ok(());
    }
    let install = ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", "ws@8.18.3"];
    done(tools.command("npm", &install), &web, "installing the npm package ws")
}

/// Runs the suites of the package under Node and in Chromium, and drives the page of the demo.
fn test(root: &Path) -> Result<Tally, String> {
    heading("the package, under Node and in Chromium");
    build_programs(root, &["--bin", "bowline", "--example", "pages"])?;
    // Pages talk to libzmq as well.
    let python = python::environment(root)?;
    libzmq::library(root)?;
    let tools = Toolchain::find()?;
    install_ws(root, &tools)?;
    let mut total = Tally::default();
    let suite = "web/tests/node.mjs";
    let own = ["--experimental-websocket", "--no-warnings", suite];
    for args in [&own[..], &[suite], &["web/tests/page.mjs"], &["web/tests/demo.mjs"]] {
        let mut command = tools.command("node", args);
        command.current_dir(root).env(python::VARIABLE, &python);
        total.add(cargo::tally(command));
    }
    Ok(total)
}

/// The suites of `bowline/tests` that run in a page, and the package: for `cargo xtask test`. Whoever has no compiler for pages
/// is told so, and can run all else; unless it `is_asked` for this alone.
pub(crate) fn step(is_asked: bool) -> Tally {
    let root = root();
    let tools = match Toolchain::find() {
        Ok(tools) => tools,
        Err(problem) if !is_asked => {
            println!("NOT TESTED: {problem}");
            return Tally::default();
        }
        Err(problem) => {
            eprintln!("xtask: {problem}");
            return Tally::BROKEN;
        }
    };
    let mut total = suites(&root, &tools).unwrap_or_else(|problem| {
        eprintln!("xtask: {problem}");
        Tally::BROKEN
    });
    match build(&root).and_then(|sizes| test(&root).map(|tally| (sizes, tally))) {
        Ok((sizes, tally)) => {
            println!("{sizes}");
            total.add(tally);
        }
        Err(problem) => {
            eprintln!("xtask: {problem}");
            total.add(Tally::BROKEN);
        }
    }
    total
}

/// Runs the suites of sockets, lifecycles and calls in pages, with the program beside them.
fn suites(root: &Path, tools: &Toolchain) -> Result<Tally, String> {
    heading("what pages talk to");
    build_programs(root, &["--example", "beside"])?;
    let beside = Beside::start(root)?;
    let mut total = Tally::default();
    for (place, variable) in [("under Node", None), ("in Chromium", Some("WASM_BINDGEN_USE_BROWSER"))] {
        heading(&format!("sockets, lifecycles and calls {place}"));
        let mut command = tools.command("cargo", &["test", "--no-fail-fast"]);
        command.current_dir(root.join("browser")).env("BOWLINE_BESIDE", &beside.address);
        command.envs(variable.map(|name| (name, "1")));
        total.add(cargo::tally(command));
    }
    Ok(total)
}

/// The program beside the pages; it ends when this is dropped, and if this process ends without that.
struct Beside {
    address: String,
    process: Child,
    /// What it reads, as long as it is wanted.
    input: Option<ChildStdin>,
}

impl Beside {
    fn start(root: &Path) -> Result<Self, String> {
        let program = root.join("target/debug/examples/beside");
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut command = Command::new(&program);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("the program beside pages has no output")?;
        let mut beside = Self { address: String::new(), process, input };
        BufReader::new(output).read_line(&mut beside.address).map_err(failed)?;
        beside.address.truncate(beside.address.trim_end().len());
        // A browser has no environment: it asks the runner of the tests, which serves this folder.
        let file = root.join("browser/target/beside");
        let named =
            std::fs::create_dir_all(root.join("browser/target")).and_then(|()| std::fs::write(&file, &beside.address));
        named.map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(beside)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.process.wait() {
            eprintln!("xtask: the program beside pages: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Work, gzip, locked, parse, without_comments};

    #[test]
    fn a_version_is_found_by_the_whole_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.3\"\nsource = \"…\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.3"));
        assert_eq!(locked(lock, "wasm"), None);
    }

    #[test]
    fn comments_go_and_code_stays() {
        let script = "// one\n/** two */\nconst a = 1; // three\n\n  /*\n   * four\n   */\n  const b = `/* ${a} */`;\n";
        assert_eq!(without_comments(script), "const a = 1; // three\nconst b = `/* ${a} */`;\n");
    }

    #[test]
    fn what_is_longer_than_a_pipe_is_compressed() {
        assert!((1..10_000).contains(&gzip(&vec![7; 1_000_000]).unwrap()));
    }

    #[test]
    fn arguments_are_known_or_refused() {
        assert_eq!(parse(&[]), Ok(Work::Build));
        assert_eq!(parse(&["--test"]), Ok(Work::Test));
        assert!(parse(&["--tests"]).is_err());
    }
}
