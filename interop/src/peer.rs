//! The Python process with the foreign sockets.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::process::process_verbs;
use crate::shapes::{self, Shape};
use crate::{Outcome, Transport, within};

/// Names the Python to start; `cargo xtask test` sets it.
const PYTHON: &str = "BOWLINE_INTEROP_PYTHON";

/// A process with pyzmq sockets in it. It ends when it is dropped.
pub struct Peer {
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    sockets: usize,
    process: Child,
}

/// A socket of a [`Peer`].
#[derive(Clone, Debug)]
pub struct Theirs(String);

impl Peer {
    /// Starts the process.
    ///
    /// # Errors
    ///
    /// If there is no Python with pyzmq; the sentence says what to run.
    pub async fn spawn() -> Outcome<Self> {
        Self::over(Transport::Tcp).await
    }

    /// Starts the process, with a libzmq that has this transport.
    ///
    /// # Errors
    ///
    /// If there is no Python with pyzmq, or no such libzmq; the sentence says what to run.
    pub async fn over(transport: Transport) -> Outcome<Self> {
        let python = python()?;
        let mut command = Command::new(&python);
        if transport == Transport::Ws {
            // What is loaded first is what pyzmq's own module finds the functions of libzmq in.
            command.env("LD_PRELOAD", libzmq()?);
        }
        let mut process = command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("could not start {}: {error}", python.display()))?;
        let (Some(commands), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the Python process has no pipes".into());
        };
        let mut peer = Self { commands, answers: BufReader::new(answers).lines(), sockets: 0, process };
        peer.call("version", json!({})).await?;
        Ok(peer)
    }

    /// The versions of pyzmq and libzmq.
    ///
    /// # Errors
    ///
    /// If the process does not answer.
    pub async fn version(&mut self) -> Outcome<String> {
        let version = self.call("version", json!({})).await?;
        Ok(version.as_str().unwrap_or("?").to_owned())
    }

    process_verbs!();

    /// Gives one command and waits for its answer.
    ///
    /// # Errors
    ///
    /// The error that the peer answered, or that it did not answer.
    pub async fn call(&mut self, op: &str, mut arguments: Value) -> Outcome<Value> {
        arguments["op"] = json!(op);
        let mut answer = within(&format!("their {op}"), self.exchange(arguments.to_string())).await?;
        match answer["error"].take() {
            Value::Null => Ok(answer["ok"].take()),
            error => Err(format!("their {op}: {}", error.as_str().unwrap_or("?"))),
        }
    }

    async fn exchange(&mut self, mut line: String) -> Outcome<Value> {
        line.push('\n');
        let gone = |error| format!("the Python process is gone: {error}");
        self.commands.write_all(line.as_bytes()).await.map_err(gone)?;
        let answer = self.answers.next_line().await.map_err(gone)?;
        let answer = answer.ok_or("the Python process ended")?;
        serde_json::from_str(&answer).map_err(|error| format!("{error} in {answer:?}"))
    }

    /// Makes a monitored socket of a type (`"PUSH"`) with options by libzmq's names (`{"LINGER": 0}`).
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn socket(&mut self, kind: &str, options: Value) -> Outcome<Theirs> {
        self.sockets += 1;
        let name = format!("{kind}-{}", self.sockets);
        let arguments = json!({"name": name, "type": kind, "options": options, "monitor": true});
        self.call("socket", arguments).await?;
        Ok(Theirs(name))
    }

    /// Closes a socket; what waits in it is dropped.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn close(&mut self, socket: &Theirs) -> Outcome {
        self.call("close", json!({"name": socket.0})).await.map(drop)
    }

    /// Closes a bound socket, and returns only when its endpoint can be bound again.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn close_bound(&mut self, socket: &Theirs, endpoint: &str) -> Outcome {
        // Closing the socket alone would leave the listener to a thread in the background.
        self.on(socket, "unbind", json!({"endpoint": endpoint})).await?;
        self.event(socket, &["CLOSED"]).await?;
        self.close(socket).await
    }

    /// Subscribes a SUB socket.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn subscribe(&mut self, socket: &Theirs, topic: &str) -> Outcome {
        let topic = shapes::hex(topic.as_bytes());
        self.on(socket, "subscribe", json!({"topic": topic})).await.map(drop)
    }

    /// Takes one subscription of a SUB socket back.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn unsubscribe(&mut self, socket: &Theirs, topic: &str) -> Outcome {
        let topic = shapes::hex(topic.as_bytes());
        self.on(socket, "unsubscribe", json!({"topic": topic})).await.map(drop)
    }

    /// Binds, and returns the endpoint with its port.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn bind(&mut self, socket: &Theirs, endpoint: &str) -> Outcome<String> {
        let bound = self.on(socket, "bind", json!({"endpoint": endpoint})).await?;
        Ok(bound.as_str().unwrap_or_default().to_owned())
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn connect(&mut self, socket: &Theirs, endpoint: &str) -> Outcome {
        self.on(socket, "connect", json!({"endpoint": endpoint})).await.map(drop)
    }

    /// Waits until a socket has taken notice of a new connection.
    ///
    /// libzmq sets a connection to work, and sends the subscriptions, only in the next call to the socket.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn notice(&mut self, socket: &Theirs) -> Outcome {
        self.event(socket, &["HANDSHAKE_SUCCEEDED"]).await?;
        self.poll(socket, 0).await.map(drop)
    }

    /// Waits for what one of their sockets leads to, and calls it again and again meanwhile.
    ///
    /// As [`notice`](Self::notice), over WebSocket, where their monitor tells of a handshake before it is made.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`], and what `wait` fails with.
    pub async fn attend<T>(&mut self, socket: &Theirs, wait: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let mut wait = std::pin::pin!(wait);
        loop {
            if let Ok(done) = tokio::time::timeout(Duration::from_millis(10), &mut wait).await {
                return done;
            }
            self.poll(socket, 0).await?;
        }
    }

    /// Sends these messages.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn send(&mut self, socket: &Theirs, shapes: &[Shape]) -> Outcome {
        let messages = shapes::json_of(shapes);
        self.on(socket, "send", json!({"messages": messages})).await.map(drop)
    }

    /// Sends these messages, each behind an envelope.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn send_behind(&mut self, socket: &Theirs, envelope: &[&[u8]], shapes: &[Shape]) -> Outcome {
        let messages: Value = shapes.iter().map(|shape| shape.json_behind(envelope)).collect();
        self.on(socket, "send", json!({"messages": messages})).await.map(drop)
    }

    /// Sends one message of these parts.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn send_parts(&mut self, socket: &Theirs, parts: &[&[u8]]) -> Outcome {
        let messages = json!([shapes::json_of_bytes(parts)]);
        self.on(socket, "send", json!({"messages": messages})).await.map(drop)
    }

    /// Receives exactly these messages, behind `skip` parts of envelope.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`], and with the first difference.
    pub async fn expect(&mut self, socket: &Theirs, shapes: &[Shape], skip: usize) -> Outcome {
        let messages = shapes::json_of(shapes);
        let arguments = json!({"messages": messages, "skip": skip});
        self.on(socket, "expect", arguments).await.map(drop)
    }

    /// Receives exactly one message of these parts.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`], and with what came instead.
    pub async fn expect_parts(&mut self, socket: &Theirs, parts: &[&[u8]]) -> Outcome {
        let wanted = shapes::json_of_bytes(parts);
        let got = self.on(socket, "recv", json!({})).await?;
        crate::ensure(got == wanted, || format!("they received {got} instead of {wanted}"))
    }

    /// Whether a message can be received within some milliseconds.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn poll(&mut self, socket: &Theirs, milliseconds: u32) -> Outcome<bool> {
        let answer = self.on(socket, "poll", json!({"milliseconds": milliseconds})).await?;
        Ok(answer == json!(true))
    }

    /// Waits for one of these monitor events (libzmq's names, `"DISCONNECTED"`), and returns its name.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`], and with the events that came instead.
    pub async fn event(&mut self, socket: &Theirs, any: &[&str]) -> Outcome<String> {
        let answer = self.on(socket, "event", json!({"any": any})).await?;
        Ok(answer["event"].as_str().unwrap_or_default().to_owned())
    }

    /// Gives a command to a socket.
    ///
    /// # Errors
    ///
    /// As [`Peer::call`].
    pub async fn on(&mut self, socket: &Theirs, op: &str, mut arguments: Value) -> Outcome<Value> {
        arguments["name"] = json!(socket.0);
        self.call(op, arguments).await
    }
}

/// The Python that has pyzmq.
///
/// # Errors
///
/// If there is none; the sentence says what to run.
pub fn python() -> Outcome<PathBuf> {
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop-venv/bin/python");
    let python = std::env::var_os(PYTHON).map_or_else(made, PathBuf::from);
    crate::ensure(python.is_file(), || {
        "there is no Python with pyzmq for the interop tests; run `cargo xtask test`, which makes one".into()
    })?;
    Ok(python)
}

/// The libzmq that has WebSocket; pyzmq's own does not.
fn libzmq() -> Outcome<PathBuf> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop-libzmq/libzmq.so");
    crate::ensure(library.is_file(), || {
        "there is no libzmq with WebSocket for the interop tests; run `cargo xtask test interop`, which makes one"
            .into()
    })?;
    Ok(library)
}
