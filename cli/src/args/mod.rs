//! The command line: what can be asked for, and how it is explained.

mod auth;
mod bench;
mod caller;
mod check;
mod codegen;
mod curve;
mod limits;
mod tls;
mod units;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use auth::{AuthArgs, PasswdArgs};
pub(crate) use bench::{BenchArgs, BenchCommand, MeasureArgs, RpcBenchArgs, RpcStreamBenchArgs, Transport};
pub(crate) use caller::CallerArgs;
pub(crate) use check::command_line;
pub(crate) use codegen::{CodegenCommand, TypescriptArgs};
pub(crate) use curve::{CurveArgs, KeygenArgs, SECRET};
pub(crate) use limits::PeerLimitArgs;
pub(crate) use tls::{TlsArgs, TlsClientArgs, TlsTrustArgs};
pub(crate) use units::{Linger, ReconnectInterval};

use crate::format::Format;

const ABOUT: &str = "ZeroMQ sockets at the command line: send, receive, call, watch and measure";

const EXAMPLES: &str = "\
Examples:
  bowline pull -b tcp://*:5555                      print what pushers send
  seq 3 | bowline push -c tcp://127.0.0.1:5555      send three messages
  bowline sub -c tcp://127.0.0.1:5556 -s news -J    print JSON lines
  bowline rep -b ipc:///tmp/echo.sock --echo        answer with the request
  bowline req -c ipc:///tmp/echo.sock -D hi -t 2    ask once, wait two seconds
  bowline monitor sub -c tcp://127.0.0.1:5556       watch peers come and go
  bowline services tcp://127.0.0.1:7400             list what can be called there
  bowline call tcp://127.0.0.1:7400 Store.get '[1]' call a method, JSON in and out
  bowline codegen typescript tcp://127.0.0.1:7400   print a typed client
  bowline keygen server.key                         make keys for CURVE
  bowline demo                                      see all of it live

Endpoints:
  tcp://HOST:PORT (bind: HOST may be *, PORT 0), ipc://PATH, ipc://@ABSTRACT,
  tls+tcp://HOST:PORT (as tcp, inside of TLS),
  ws://HOST[:PORT][/PATH] (WebSocket; a web page can connect to it), wss:// (the same, inside of TLS)

Exit codes:
  0  done; also Ctrl-C where there is no count, and a reader of our output left
  1  error; also undelivered messages (-l), and Ctrl-C before a count (-n)
  2  the command line can't be obeyed
  3  timed out (-t)

Received messages go to standard output, all else to standard error.";

const INPUT: &str = "Input (default: lines of standard input)";

const FORMATS: &str = "\
Formats, for what is read and what is printed:
  -A     text (default): a tab between parts, prints a dot for the unprintable
  -Q     quoted: text, with \\t \\n \\r \\\\ \\xHH for what text would lose
  -J     JSON lines: arrays of parts; {\"base64\": \"…\"} where a part is not UTF-8
  --raw  bytes: standard input is one message, printing adds nothing";

const CALLS: &str = "\
Arguments are a JSON array of all of them; anything else is the only one.
Items that a method takes are read from standard input, a line of JSON each.
Ctrl-C and --deadline cancel the call on the server as well.

Examples:
  bowline call tcp://127.0.0.1:7400 Store.get '\"greeting\"'
  bowline call tcp://127.0.0.1:7400 Store.move '[\"old\", \"new\"]' --deadline 2
  seq 3 | bowline call tcp://127.0.0.1:7400 Sums.add";

#[derive(Debug, Parser)]
#[command(name = "bowline", version, about = ABOUT, after_help = EXAMPLES)]
#[command(propagate_version = false, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Socket(Box<SocketCommand>),
    /// Print a line for each lifecycle event of a socket, as JSON or as text (-A)
    Monitor(Box<MonitorArgs>),
    /// Call a method of a service, print its results as lines of JSON
    #[command(after_help = CALLS)]
    Call(CallArgs),
    /// List what services a server has
    Services(ServicesArgs),
    /// Print the code of a client for the services that a server has
    #[command(subcommand)]
    Codegen(CodegenCommand),
    /// Make a key pair for CURVE
    Keygen(KeygenArgs),
    /// Print a line for --plain-passwords; the password is read from the terminal or from standard input
    Passwd(PasswdArgs),
    /// Restart peers on purpose and watch every connection, live
    Demo(DemoArgs),
    /// Measure this machine; prints one JSON line
    #[command(subcommand, after_help = crate::bench::EXPLANATION)]
    Bench(BenchCommand),
}

/// A socket type and what it is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum SocketCommand {
    /// Send each input as a request and print its reply
    #[command(after_help = FORMATS)]
    Req(ReqArgs),
    /// Print each request, answer it with --echo, -D, -F or an input line
    #[command(after_help = FORMATS)]
    Rep(RepArgs),
    /// Send inputs to peers in turn, print what comes
    #[command(after_help = FORMATS)]
    Dealer(TalkArgs),
    /// Print what comes after its sender's identity, send to that in inputs
    #[command(after_help = FORMATS)]
    Router(RouterArgs),
    /// Send inputs to all subscribers
    #[command(after_help = FORMATS)]
    Pub(SendArgs),
    /// Subscribe and print what comes
    #[command(after_help = FORMATS)]
    Sub(SubArgs),
    /// Send inputs to all subscribers, print their subscriptions
    #[command(name = "xpub", after_help = FORMATS)]
    XPub(TalkArgs),
    /// Subscribe and print what comes; inputs go upstream
    #[command(name = "xsub", after_help = FORMATS)]
    XSub(XSubArgs),
    /// Send inputs to pullers in turn
    #[command(after_help = FORMATS)]
    Push(SendArgs),
    /// Print what pushers send
    #[command(after_help = FORMATS)]
    Pull(PullArgs),
    /// Talk with one peer: send inputs, print what comes
    #[command(after_help = FORMATS)]
    Pair(TalkArgs),
}

/// Where to, and how the connection is made. Every socket type takes these.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Accept peers here (repeatable)
    #[arg(short, long, value_name = "EP", action = ArgAction::Append)]
    pub(crate) bind: Vec<String>,
    /// Connect to a peer, now and again when it is lost (repeatable)
    #[arg(short, long, value_name = "EP", action = ArgAction::Append)]
    pub(crate) connect: Vec<String>,
    /// Our identity, as ROUTER peers see it; 0x… for hex
    #[arg(long, value_name = "ID", value_parser = units::identity)]
    pub(crate) identity: Option<bowline::Identity>,
    /// Messages that may wait in each direction of a connection; 0 for no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    pub(crate) hwm: Option<usize>,
    /// Largest message to accept, 1G unless given; K, M and G are understood
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = units::size)]
    pub(crate) recv_maxsz: Option<u64>,
    /// Admit web pages of this origin, scheme and host, to ws:// and wss://; * admits all; none unless given (repeatable)
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) ws_origin: Vec<String>,
    /// Seconds between attempts to connect, or MIN..MAX to let the pause grow
    #[arg(long, value_name = "SECS|MIN..MAX", allow_negative_numbers = true, value_parser = units::reconnect_interval)]
    pub(crate) reconnect_ivl: Option<ReconnectInterval>,
    /// Give an endpoint up after so many failed attempts in a row
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::count)]
    pub(crate) max_attempts: Option<NonZeroU64>,
    /// Seconds between heartbeats on a silent connection
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) heartbeat_ivl: Option<Duration>,
    /// How long to look again and again before sleeping until a message comes: 50us, 1ms; costs a busy core
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = units::duration)]
    pub(crate) busy_poll: Option<Duration>,
    /// Log in with PLAIN
    #[arg(long, value_name = "USER", requires = "password", conflicts_with = "plain_server")]
    pub(crate) username: Option<String>,
    /// Password for --username
    #[arg(long, value_name = "PASS", requires = "username")]
    pub(crate) password: Option<String>,
    /// Demand a PLAIN login; each USER:PASS given may come in (repeatable)
    #[arg(long, value_name = "USER:PASS", value_parser = units::login)]
    pub(crate) plain_server: Vec<Login>,
    #[command(flatten)]
    pub(crate) curve: CurveArgs,
    #[command(flatten)]
    pub(crate) auth: AuthArgs,
    /// How long to go on delivering at the end, in seconds, or `forever`
    #[arg(short, long, value_name = "SECS", default_value = "5", allow_negative_numbers = true, value_parser = units::linger)]
    pub(crate) linger: Linger,
    /// Say more on standard error: -v endpoints, -vv lifecycle events, -vvv messages
    #[arg(short, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    // At the end, since their headings would go on.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    pub(crate) peer_limits: PeerLimitArgs,
}

/// The identity of a peer is bytes; clap would read a bare `Vec<u8>` as a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target(pub(crate) Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// End after N messages; -D and -F are repeated that often
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = units::count)]
    pub(crate) count: Option<NonZeroU64>,
    /// Longest wait for each message or peer, in seconds; then exit with 3
    #[arg(short, long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = INPUT)]
pub(crate) struct SourceArgs {
    /// Send this; once, or -n times, or for ever with -i
    #[arg(short = 'D', long, value_name = "TEXT", allow_negative_numbers = true, conflicts_with = "file")]
    pub(crate) data: Option<String>,
    /// Send this file's content as one message, like -D; - for standard input
    #[arg(short = 'F', long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Seconds between messages
    #[arg(short, long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) interval: Option<Duration>,
    /// Seconds to wait before the first message, once a peer is there
    #[arg(short, long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) delay: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Format")]
#[expect(clippy::struct_excessive_bools, reason = "one flag each on the command line; `format` makes an enum of them")]
pub(crate) struct FormatArgs {
    /// Text (default)
    #[arg(short = 'A', long, overrides_with_all = ["quoted", "json", "raw"])]
    text: bool,
    /// Quoted text
    #[arg(short = 'Q', long, overrides_with_all = ["text", "json", "raw"])]
    quoted: bool,
    /// JSON lines
    #[arg(short = 'J', long, overrides_with_all = ["text", "quoted", "raw"])]
    json: bool,
    /// Bytes
    #[arg(long, overrides_with_all = ["text", "quoted", "json"])]
    raw: bool,
}

impl FormatArgs {
    pub(crate) fn format(&self) -> Format {
        match (self.quoted, self.json, self.raw) {
            (true, ..) => Format::Quoted,
            (_, true, _) => Format::Json,
            (.., true) => Format::Raw,
            _ => Format::Text,
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Don't print received messages
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Subscription")]
pub(crate) struct SubscribeArgs {
    /// Receive messages that begin with TOPIC (repeatable; default: all)
    #[arg(short, long, value_name = "TOPIC", action = ArgAction::Append)]
    pub(crate) subscribe: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SubArgs {
    #[command(flatten)]
    pub(crate) pull: PullArgs,
    #[command(flatten)]
    pub(crate) subscription: SubscribeArgs,
}

/// A socket that sends and receives.
#[derive(Debug, Args)]
pub(crate) struct TalkArgs {
    #[command(flatten)]
    pub(crate) send: SendArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReqArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RepArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
    /// Answer each request with itself
    #[arg(long, conflicts_with_all = ["data", "file"], help_heading = INPUT)]
    pub(crate) echo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RouterArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
    /// Send every input to this peer, instead of to the one in its first part; 0x… for hex
    #[arg(long, value_name = "ID", value_parser = units::target, help_heading = INPUT)]
    pub(crate) target: Option<Target>,
}

#[derive(Debug, Args)]
pub(crate) struct XSubArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
    #[command(flatten)]
    pub(crate) subscription: SubscribeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Socket type
    #[arg(value_name = "TYPE", value_parser = units::socket_type)]
    pub(crate) socket_type: bowline::SocketType,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) subscription: SubscribeArgs,
    /// Print lines for people instead of JSON
    #[arg(short = 'A', long)]
    pub(crate) text: bool,
    /// End after N events
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = units::count)]
    pub(crate) count: Option<NonZeroU64>,
    /// Longest wait for each event, in seconds; then exit with 3
    #[arg(short, long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// Where the server is
    #[arg(value_name = "EP")]
    pub(crate) endpoint: String,
    /// The method, as `bowline services` lists it
    #[arg(value_name = "SERVICE.METHOD")]
    pub(crate) method: String,
    /// Its arguments
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) arguments: Option<String>,
    /// Give the call up after so many seconds; then exit with 3
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    /// Where the server is
    #[arg(value_name = "EP")]
    pub(crate) endpoint: String,
    /// List the built-in services as well
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON lines, one for each service
    #[arg(short = 'J', long)]
    pub(crate) json: bool,
    /// How long the server has to answer, in seconds
    #[arg(long, value_name = "SECS", default_value = "10", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How long to run
    #[arg(long, value_name = "N", default_value = "10", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) seconds: Duration,
    /// Print the verdict as one JSON object, and no table
    #[arg(long)]
    pub(crate) json: bool,
    /// Serve a page where the browser is a peer, until Ctrl-C
    #[arg(long, conflicts_with_all = ["seconds", "json"])]
    pub(crate) web: bool,
    /// Where to serve it
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070", requires = "web")]
    pub(crate) at: String,
}

#[cfg(test)]
mod tests;
