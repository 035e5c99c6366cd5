//! What a run is asked to do, whatever socket type asked for it.

use std::num::NonZeroU64;
use std::time::Duration;

use bowline::SocketType;

use crate::args::{ConnectionArgs, LimitArgs, PullArgs, SendArgs, SocketCommand, SourceArgs, TalkArgs};
use crate::failure::Failure;
use crate::format::Format;
use crate::input::Source;

/// The arguments of all socket types, brought into one form.
pub(crate) struct Job {
    pub(crate) socket_type: SocketType,
    pub(crate) connection: ConnectionArgs,
    /// Absent for those that only receive.
    pub(crate) source: Option<SourceArgs>,
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) count: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    /// Present for those that have subscriptions.
    pub(crate) subscribe: Option<Vec<String>>,
    /// `--target` of a ROUTER.
    pub(crate) target: Option<Vec<u8>>,
    /// `--echo` of a REP.
    pub(crate) echo: bool,
}

impl Job {
    /// What `command` asks for.
    pub(crate) fn of(command: SocketCommand) -> Self {
        match command {
            SocketCommand::Req(args) => Self::talk(SocketType::Req, args.talk),
            SocketCommand::Rep(args) => Self { echo: args.echo, ..Self::talk(SocketType::Rep, args.talk) },
            SocketCommand::Dealer(args) => Self::talk(SocketType::Dealer, args),
            SocketCommand::Router(args) => {
                Self { target: args.target.map(|target| target.0), ..Self::talk(SocketType::Router, args.talk) }
            }
            SocketCommand::Pub(args) => Self::send(SocketType::Pub, args),
            SocketCommand::Sub(args) => {
                Self { subscribe: Some(args.subscription.subscribe), ..Self::receive(SocketType::Sub, args.pull) }
            }
            SocketCommand::XPub(args) => Self::talk(SocketType::XPub, args),
            SocketCommand::XSub(args) => {
                Self { subscribe: Some(args.subscription.subscribe), ..Self::talk(SocketType::XSub, args.talk) }
            }
            SocketCommand::Push(args) => Self::send(SocketType::Push, args),
            SocketCommand::Pull(args) => Self::receive(SocketType::Pull, args),
            SocketCommand::Pair(args) => Self::talk(SocketType::Pair, args),
        }
    }

    fn new(socket_type: SocketType, connection: ConnectionArgs, limits: &LimitArgs, format: Format) -> Self {
        Self {
            socket_type,
            connection,
            source: None,
            format,
            quiet: false,
            count: limits.count.map(NonZeroU64::get),
            timeout: limits.timeout,
            subscribe: None,
            target: None,
            echo: false,
        }
    }

    fn send(socket_type: SocketType, args: SendArgs) -> Self {
        let job = Self::new(socket_type, args.connection, &args.limits, args.format.format());
        Self { source: Some(args.source), ..job }
    }

    fn receive(socket_type: SocketType, args: PullArgs) -> Self {
        let job = Self::new(socket_type, args.connection, &args.limits, args.format.format());
        Self { quiet: args.output.quiet, ..job }
    }

    fn talk(socket_type: SocketType, args: TalkArgs) -> Self {
        Self { quiet: args.output.quiet, ..Self::send(socket_type, args.send) }
    }

    /// The messages to send, if any are.
    pub(crate) fn open_source(&self) -> Result<Option<Source>, Failure> {
        let Some(args) = &self.source else { return Ok(None) };
        match self.socket_type {
            SocketType::Rep if self.echo => Ok(None),
            SocketType::Rep => Source::answers(args, self.format).map(Some),
            _ => Source::open(args, self.format, self.count).map(Some),
        }
    }

    /// How many messages make this run complete; `None` if it has no end of its own.
    pub(crate) fn wanted(&self, source: Option<&Source>) -> Option<u64> {
        match self.socket_type {
            SocketType::Req | SocketType::Pub | SocketType::Push => source.and_then(Source::limit),
            _ => self.count,
        }
    }

    /// The pause before the first message.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.source.as_ref().and_then(|source| source.delay)
    }
}
