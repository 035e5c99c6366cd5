//! What `bowline codegen` can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::{CallerArgs, units};

pub(super) const EXPLANATION: &str = "\
The code imports types of the npm package bowline, and nothing else. A server knows of an
application's own types no more than their names: each is declared as `unknown`, or comes from the
module of --types.

Examples:
  bowline codegen typescript tcp://127.0.0.1:7400 -o store.ts
  bowline codegen typescript tcp://127.0.0.1:7400 --service Store --types ./shapes.js";

/// A language.
#[derive(Debug, Subcommand)]
pub(crate) enum CodegenCommand {
    /// Print a class of TypeScript for each service of a server
    #[command(after_help = EXPLANATION)]
    Typescript(TypescriptArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TypescriptArgs {
    /// Where the server is
    #[arg(value_name = "EP")]
    pub(crate) endpoint: String,
    /// A service to call (repeatable; default: all but the built-in ones)
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Import the application's types from this module, instead of declaring each as `unknown`
    #[arg(long, value_name = "MODULE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) types: Option<String>,
    /// Write this file, instead of printing; it stays as it is if anything fails
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How long the server has to answer, in seconds
    #[arg(long, value_name = "SECS", default_value = "10", allow_negative_numbers = true, value_parser = units::seconds)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
}
