//! The eleven socket types as programs: what goes in is sent, what comes is printed.

mod exchange;
mod job;
mod receive;
mod reply;
mod request;
mod send;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bowline::{AnySocket, Message, RecvError, SendErrorKind, SocketType};

pub(crate) use job::Job;

use crate::args::Linger;
use crate::failure::Failure;
use crate::format::{Format, identity_text};
use crate::input::Source;
use crate::open::{Endpoints, Opened};
use crate::options::options;
use crate::output::Printer;
use crate::signal::Interrupts;
use crate::watch::Watch;

/// How long the last events of a socket may take to be told, so that a run never hangs on its own farewell.
const LAST_EVENTS: Duration = Duration::from_millis(500);

/// How long the end may take without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does what `job` says, from opening the socket to closing it.
pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let endpoints = Endpoints::of(&job.connection)?;
    let mut options = endpoints.dress(options(&job.connection, job.socket_type)?, &job.connection)?;
    if matches!(job.socket_type, SocketType::Pub | SocketType::XPub) {
        // Lines of a file should all arrive; a live ticker (-i) should not wait for its slowest reader.
        options = options.xpub_nodrop(job.source.as_ref().is_some_and(|source| source.interval.is_none()));
    }
    let source = job.open_source()?;
    let verbosity = job.connection.verbose;
    let socket = AnySocket::new(job.socket_type, options);
    let opened = endpoints.open(socket, job.subscribe.as_deref(), verbosity, job.timeout.is_none()).await?;
    let progress = Progress::of(job.wanted(source.as_ref()));
    let run = Run { opened: &opened, timeout: job.timeout, verbosity, progress: &progress };
    let (result, how) = tokio::select! {
        result = behave(&run, &job, source) => {
            let how = match result {
                // Whoever did not come in time won't come now, and nobody sees the output of a reader that left.
                Err(Failure::TimedOut(_) | Failure::ReaderGone) => Farewell::AtOnce,
                _ => Farewell::Linger,
            };
            (result, how)
        }
        why = opened.watch.given_up() => (Err(Failure::Error(why)), Farewell::AtOnce),
        () = interrupts.next() => (progress.interrupted(), Farewell::Linger),
    };
    let farewell = say_farewell(&opened, how, job.connection.linger, &mut interrupts).await;
    result.and(farewell)
}

async fn behave(run: &Run<'_>, job: &Job, source: Option<Source>) -> Result<(), Failure> {
    let mut printer = Printer::new(job.format, job.quiet);
    if job.socket_type == SocketType::Router {
        printer = printer.addressed();
    }
    match (job.socket_type, source) {
        (SocketType::Req, Some(source)) => request::run(run, source, printer, job.delay()).await,
        (SocketType::Rep, source) => reply::run(run, source, printer, job.count).await,
        (SocketType::Push | SocketType::Pub, Some(source)) => {
            send::run(run, source, job.socket_type, job.delay()).await
        }
        (_, Some(source)) => exchange::run(run, job, source, printer).await,
        (_, None) => receive::run(run, printer, job.count).await,
    }
}

/// How a socket is closed.
enum Farewell {
    /// With time for what is still to be delivered.
    Linger,
    AtOnce,
}

async fn say_farewell(
    opened: &Opened,
    how: Farewell,
    linger: Linger,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let failed = |cause: String| Err(Failure::of(&opened.place, cause));
    let result = match how {
        Farewell::Linger => tokio::select! {
            dropped = close(opened) => match linger {
                // Whoever gave it no time does not want to hear that it took some.
                Linger::For(time) if !time.is_zero() && begin.elapsed() >= time => {
                    let what = match dropped {
                        // The system had taken all of it, but the peer did not say that it is done.
                        0 => "perhaps not all".to_owned(),
                        1 => "1 message not".to_owned(),
                        dropped => format!("{dropped} messages not"),
                    };
                    failed(format!("{what} delivered within {} s (-l)", time.as_secs_f64()))
                }
                _ => Ok(()),
            },
            // Whoever interrupts the end as well does not want to wait for it.
            () = interrupts.next() => {
                opened.socket.stop();
                failed("interrupted before all was delivered".to_owned())
            }
        },
        Farewell::AtOnce => {
            opened.socket.stop();
            Ok(())
        }
    };
    let _ = tokio::time::timeout(LAST_EVENTS, opened.watch.finish()).await;
    result
}

/// Closes the socket; says so where that takes long enough to look like a hang. Returns how many messages were dropped.
async fn close(opened: &Opened) -> u64 {
    let closing = opened.socket.close();
    tokio::pin!(closing);
    if let Ok(dropped) = tokio::time::timeout(PATIENCE, &mut closing).await {
        return dropped;
    }
    crate::note!("{}: still delivering; Ctrl-C drops what is left", opened.place);
    closing.await
}

/// How far a run has come towards its count.
struct Progress {
    wanted: Option<u64>,
    done: Cell<u64>,
}

impl Progress {
    fn of(wanted: Option<u64>) -> Self {
        Self { wanted, done: Cell::new(0) }
    }

    fn step(&self) {
        self.done.set(self.done.get() + 1);
    }

    /// What Ctrl-C means now: a run without a count has no other end than this one.
    fn interrupted(&self) -> Result<(), Failure> {
        match (self.wanted, self.done.get()) {
            (Some(wanted), done) if done < wanted => {
                Err(Failure::Error(format!("interrupted after {done} of {wanted} messages")))
            }
            _ => Ok(()),
        }
    }
}

/// One run: a socket, and the limits that its user set.
struct Run<'a> {
    opened: &'a Opened,
    timeout: Option<Duration>,
    verbosity: u8,
    progress: &'a Progress,
}

impl Run<'_> {
    fn socket(&self) -> &AnySocket {
        &self.opened.socket
    }

    fn watch(&self) -> &Arc<Watch> {
        &self.opened.watch
    }

    /// A failure at the endpoints of this run.
    fn failure(&self, cause: impl fmt::Display) -> Failure {
        Failure::of(&self.opened.place, cause)
    }

    /// Waits for `future`, but not longer than `--timeout`; `what` did not happen by then.
    async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
        let Some(limit) = self.timeout else { return Ok(future.await) };
        tokio::time::timeout(limit, future).await.map_err(|_| {
            let place = &self.opened.place;
            let trouble = match self.watch().last_trouble() {
                // The endpoint is named already.
                Some(trouble) => format!(" ({})", trouble.strip_prefix(&format!("{place}: ")).unwrap_or(&trouble)),
                None => String::new(),
            };
            Failure::TimedOut(format!("{place}: {what} within {} s{trouble}", limit.as_secs_f64()))
        })
    }

    /// Waits until there is somebody to send to. Otherwise the first messages of a PUB would go nowhere, and those of
    /// the others would wait in a pipe that `--linger` cuts off.
    async fn peer(&self, socket_type: SocketType) -> Result<(), Failure> {
        if matches!(socket_type, SocketType::Pub | SocketType::XPub) {
            self.within("no subscriber", self.socket().wait_for_subscriber()).await?;
        } else {
            self.within("no peer", self.socket().wait_for_peer()).await?;
        }
        Ok(())
    }

    async fn send(&self, message: Message) -> Result<(), Failure> {
        self.say("sending", &message);
        let sent = self.within("could not send", self.socket().send(message)).await?;
        sent.map_err(|error| self.failure(error.kind))
    }

    /// Like [`Run::send`], for a ROUTER: waits for the peer that the message is for.
    async fn send_to_late_peer(&self, message: Message) -> Result<(), Failure> {
        self.say("sending", &message);
        let mut message = message;
        let routed = async {
            loop {
                let news = self.watch().changed();
                match self.socket().send(message).await {
                    Err(error) if error.kind == SendErrorKind::Unroutable => message = *error.message,
                    other => return other,
                }
                news.await;
            }
        };
        let sent = self.within("no peer of that identity", routed).await?;
        sent.map_err(|error| self.failure(error.kind))
    }

    /// Like [`Run::send`], for a ROUTER whose next message may be for another peer: tells of a wrong identity, goes on.
    async fn send_or_say_why_not(&self, message: Message) -> Result<(), Failure> {
        self.say("sending", &message);
        let identity = identity_text(&message.parts()[0]);
        match self.within("could not send", self.socket().send(message)).await? {
            Err(error) if matches!(error.kind, SendErrorKind::Unroutable | SendErrorKind::NoIdentity) => {
                crate::note!("{identity}: {}", error.kind);
                Ok(())
            }
            other => other.map_err(|error| self.failure(error.kind)),
        }
    }

    async fn recv(&self, what: &str) -> Result<Message, Failure> {
        let received = self.within(what, self.socket().recv()).await?;
        let message = received.map_err(|error| self.failure(error))?;
        self.say("received", &message);
        Ok(message)
    }

    /// What has already come, without waiting.
    fn try_recv(&self) -> Result<Option<Message>, Failure> {
        match self.socket().try_recv() {
            Ok(message) => {
                self.say("received", &message);
                Ok(Some(message))
            }
            Err(RecvError::WouldBlock) => Ok(None),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn say(&self, what: &str, message: &Message) {
        if self.verbosity >= 3 {
            let mut line = Vec::new();
            Format::Quoted.write(message.parts().iter().map(|part| &part[..]), &mut line);
            crate::note!("{what} {}", String::from_utf8_lossy(&line).trim_end_matches('\n'));
        }
    }
}
