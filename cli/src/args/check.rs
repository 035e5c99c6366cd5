//! From the words on the command line to a [`CommandLine`], or one line that says why not.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::{Command, CommandLine, ConnectionArgs, SocketCommand};
use crate::failure::Failure;

/// What is to be done, or how the program has already ended (help, version, usage error).
pub(crate) fn command_line(words: impl IntoIterator<Item = OsString>) -> Result<CommandLine, ExitCode> {
    let parsed = CommandLine::try_parse_from(words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that left (`bowline --help | head -1`) is no error.
            error.print().map_or_else(|error| Failure::stdout(&error).report(), |()| ExitCode::SUCCESS)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => Failure::Usage(summary(&error.to_string())).report(),
    })?;
    if let Some(connection) = parsed.command.connection()
        && connection.bind.is_empty()
        && connection.connect.is_empty()
    {
        let line = "no endpoint: say where with -b/--bind or -c/--connect".to_owned();
        return Err(Failure::Usage(line).report());
    }
    Ok(parsed)
}

impl Command {
    fn connection(&self) -> Option<&ConnectionArgs> {
        match self {
            Self::Socket(command) => Some(command.connection()),
            Self::Monitor(args) => Some(&args.connection),
            Self::Call(_)
            | Self::Services(_)
            | Self::Codegen(_)
            | Self::Keygen(_)
            | Self::Passwd(_)
            | Self::Demo(_)
            | Self::Bench(_) => None,
        }
    }
}

impl SocketCommand {
    fn connection(&self) -> &ConnectionArgs {
        match self {
            Self::Req(args) => &args.talk.send.connection,
            Self::Rep(args) => &args.talk.send.connection,
            Self::Router(args) => &args.talk.send.connection,
            Self::XSub(args) => &args.talk.send.connection,
            Self::Dealer(args) | Self::XPub(args) | Self::Pair(args) => &args.send.connection,
            Self::Pub(args) | Self::Push(args) => &args.connection,
            Self::Sub(args) => &args.pull.connection,
            Self::Pull(args) => &args.connection,
        }
    }
}

/// clap explains an error in paragraphs; the first says what is wrong, a tip says what was meant.
fn summary(rendered: &str) -> String {
    let mut paragraphs = rendered.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    match paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ").map(str::to_owned)) {
        Some(tip) => format!("{what} ({tip})"),
        None => what,
    }
}
