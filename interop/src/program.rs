//! The program `bowline` as a shell starts it, for tests that set it against foreign peers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::OnceCell;

use crate::process::process_verbs;
use crate::{Outcome, ensure, within};

/// A running `bowline`. It is killed when it is dropped.
pub struct Program {
    words: String,
    stdin: Option<ChildStdin>,
    printed: Lines<BufReader<ChildStdout>>,
    told: Lines<BufReader<ChildStderr>>,
    process: Child,
}

impl Program {
    /// Starts `bowline` with these words, separated by blanks. Its standard input stays open.
    ///
    /// # Errors
    ///
    /// If it can't be built or started.
    pub async fn start(words: &str) -> Outcome<Self> {
        Self::start_with(words, &[]).await
    }

    /// The same with these variables in its environment.
    ///
    /// # Errors
    ///
    /// If it can't be built or started.
    pub async fn start_with(words: &str, variables: &[(&str, &str)]) -> Outcome<Self> {
        let binary = binary().await?;
        let mut process = Command::new(&binary)
            .args(words.split(' '))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("could not start {}: {error}", binary.display()))?;
        let streams = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (stdin @ Some(_), Some(printed), Some(told)) = streams else {
            return Err("the program has no pipes".into());
        };
        let (printed, told) = (BufReader::new(printed).lines(), BufReader::new(told).lines());
        Ok(Self { words: words.to_owned(), stdin, printed, told, process })
    }

    process_verbs!();

    /// The next line that it prints.
    ///
    /// # Errors
    ///
    /// If none comes in time, or it ended instead; with what it says on standard error.
    pub async fn line(&mut self) -> Outcome<String> {
        let what = format!("a line of `bowline {}`", self.words);
        match within(&what, self.printed.next_line()).await? {
            Some(line) => Ok(line),
            None => Err(format!("{what}: it ended and said {:?}", self.last_words().await?)),
        }
    }

    /// Fails unless the next line that it prints is this one.
    ///
    /// # Errors
    ///
    /// As [`Program::line`], and with the line that came instead.
    pub async fn prints(&mut self, wanted: &str) -> Outcome {
        let line = self.line().await?;
        ensure(line == wanted, || format!("`bowline {}` printed {line:?} instead of {wanted:?}", self.words))
    }

    /// The next line that it prints, which is JSON.
    ///
    /// # Errors
    ///
    /// As [`Program::line`], and if the line is no JSON.
    pub async fn json(&mut self) -> Outcome<Value> {
        let line = self.line().await?;
        serde_json::from_str(&line).map_err(|error| format!("{error} in {line:?} of `bowline {}`", self.words))
    }

    /// Waits for a line on standard error that contains `part`.
    ///
    /// # Errors
    ///
    /// If none comes in time; with the lines that did.
    pub async fn tells(&mut self, part: &str) -> Outcome<String> {
        let what = format!("{part:?} from `bowline {}`", self.words);
        let mut heard = Vec::new();
        let search = async {
            while let Some(line) = self.told.next_line().await.map_err(|error| error.to_string())? {
                if line.contains(part) {
                    return Ok(line);
                }
                heard.push(line);
            }
            Err("it ended".to_owned())
        };
        let found = within(&what, search).await;
        found.map_err(|error| format!("{error}; it said {heard:?}"))
    }

    /// The endpoint that it says it bound, which takes `-v`.
    ///
    /// # Errors
    ///
    /// As [`Program::tells`].
    pub async fn bound(&mut self) -> Outcome<String> {
        let line = self.tells("bound to ").await?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    }

    /// Types lines.
    ///
    /// # Errors
    ///
    /// If it does not read them.
    pub async fn type_in(&mut self, lines: &str) -> Outcome {
        let what = format!("typing into `bowline {}`", self.words);
        let stdin = self.stdin.as_mut().ok_or_else(|| format!("{what}: the input was ended"))?;
        within(&what, stdin.write_all(lines.as_bytes())).await
    }

    /// Ends its standard input, as Ctrl-D does.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has ended well.
    ///
    /// # Errors
    ///
    /// If it doesn't end in time, or with another code than 0; with what it says on standard error.
    pub async fn done(mut self) -> Outcome {
        let (code, said) = self.end().await?;
        ensure(code == Some(0), || format!("`bowline {}` ended with {code:?} and said {said:?}", self.words))
    }

    /// Waits until it has failed with exit code `code`; what it said on standard error.
    ///
    /// # Errors
    ///
    /// If it doesn't end in time, or with another code.
    pub async fn failed(mut self, code: i32) -> Outcome<String> {
        let (ended, said) = self.end().await?;
        ensure(ended == Some(code), || format!("`bowline {}` ended with {ended:?} and said {said:?}", self.words))?;
        Ok(said)
    }

    async fn end(&mut self) -> Outcome<(Option<i32>, String)> {
        self.end_input();
        let said = self.last_words().await?;
        let status = within(&format!("the end of `bowline {}`", self.words), self.process.wait()).await?;
        Ok((status.code(), said))
    }

    /// What is left on standard error when it ends.
    async fn last_words(&mut self) -> Outcome<String> {
        let mut said = String::new();
        let reading = self.told.get_mut().read_to_string(&mut said);
        within(&format!("the last words of `bowline {}`", self.words), reading).await?;
        Ok(said)
    }
}

/// The path of the program, built as it stands in this workspace.
///
/// Cargo builds programs only for tests of their own package, so a test of another one that looked for a file in
/// `target/` would find none, or the one of yesterday.
async fn binary() -> Outcome<PathBuf> {
    static BINARY: OnceCell<Outcome<PathBuf>> = OnceCell::const_new();
    BINARY.get_or_init(build).await.clone()
}

/// Names the features that the tests were built with; `cargo xtask test` sets it. With others, half of all is built again.
const FEATURES: &str = "BOWLINE_INTEROP_FEATURES";

async fn build() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    // The whole workspace, so that the dependencies have the features that they have in `cargo test --workspace`.
    let words = ["build", "--quiet", "--workspace", "--bin", "bowline", "--message-format=json-render-diagnostics"];
    let output = Command::new(cargo)
        .args(words)
        .args(["--features", &std::env::var(FEATURES).unwrap_or_default()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(|error| format!("could not start cargo: {error}"))?;
    ensure(output.status.success(), || "cargo could not build the program; it says above why".into())?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut paths = built.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    paths.next().ok_or_else(|| "cargo built the program, but did not say where it is".into())
}
