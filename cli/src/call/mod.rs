//! `bowline call` and `bowline services`: a service from a shell, with JSON for all that travels.

mod items;
mod listing;

use std::time::Duration;

use bowline::rpc::reflection::{MethodInfo, ReflectionClient, ServiceInfo};
use bowline::rpc::{CallError, Client, Codec, Items, Kind, Method, Retries};
use bowline::{Mechanism, Options};
use serde_json::Value;

use crate::args::{CallArgs, CallerArgs, ServicesArgs};
use crate::curve;
use crate::failure::Failure;
use crate::open::endpoint;
use crate::options::login;
use crate::output;
use crate::signal::Interrupts;
use crate::tls::client_options;
use items::JsonLines;

pub(crate) use listing::is_builtin;

/// Calls the method, prints each of its results as one line of JSON.
pub(crate) async fn call(args: CallArgs) -> Result<(), Failure> {
    let arguments = arguments(args.arguments.as_deref())?;
    let (service, name) = args.method.rsplit_once('.').unwrap_or(("", &args.method));
    if service.is_empty() || name.is_empty() {
        return Err(Failure::usage(&args.method, "not SERVICE.METHOD, as `bowline services` lists them"));
    }
    let mut interrupts = Interrupts::listen()?;
    let client = connect(&args.endpoint, &args.caller)?;
    let (items, mut breaks) = JsonLines::new();
    let work = async {
        let known = look_up(&client, &args, service, name).await?;
        // A process calls one method, so what is known of it may stay.
        let method = Box::leak(Box::new(Method::new(service.to_owned().leak(), name.to_owned().leak(), known.kind)));
        perform(&client, method, &arguments, items, &args).await
    };
    let done = tokio::select! {
        done = work => done,
        broken = breaks.wait() => Err(broken.failure),
        () = interrupts.next() => Ok(()),
    };
    client.close().await;
    done
}

/// Prints what the server offers.
pub(crate) async fn services(args: ServicesArgs) -> Result<(), Failure> {
    let Some(services) = ask(&args.endpoint, &args.caller, args.deadline).await? else { return Ok(()) };
    let (builtin, own): (Vec<_>, Vec<_>) = services.into_iter().partition(is_builtin);
    for service in own.iter().chain(builtin.iter().filter(|_| args.all)) {
        let text = if args.json { listing::json(service).to_string() } else { listing::text(service) };
        output::line(&text)?;
    }
    if own.is_empty() && !args.all {
        crate::note!("{}: no services but the built-in ones, which --all lists", args.endpoint);
    }
    Ok(())
}

/// What the server says of its services; nothing after Ctrl-C.
pub(crate) async fn ask(
    endpoint: &str,
    caller: &CallerArgs,
    deadline: Duration,
) -> Result<Option<Vec<ServiceInfo>>, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let client = connect(endpoint, caller)?;
    let ask = ReflectionClient::new(client.clone()).services().deadline(deadline);
    let services = tokio::select! {
        services = ask => services.map_err(|error| failure(endpoint, &error))?,
        () = interrupts.next() => return Ok(None),
    };
    client.close().await;
    Ok(Some(services))
}

/// How long a server has to take what it is told at the end: that a call is cancelled.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client that says when nobody is there, or has no time, instead of trying on.
fn connect(place: &str, caller: &CallerArgs) -> Result<Client, Failure> {
    let place = endpoint(place)?;
    let options = Options::new().max_attempts(Some(1)).linger(Some(FAREWELL)).mechanism(mechanism(caller)?);
    let options = client_options(options, &caller.tls, &place)?;
    let builder = Client::builder().endpoint(place).options(options).codec(Codec::Json).retries(Retries::NONE);
    builder.connect().map_err(|error| Failure::Error(error.to_string()))
}

fn mechanism(caller: &CallerArgs) -> Result<Mechanism, Failure> {
    match (&caller.username, &caller.password, &caller.curve_server_key) {
        (Some(username), Some(password), _) => login(username, password).map(Mechanism::PlainClient),
        (_, _, Some(server)) => curve::client(server, caller.curve_key_file.as_deref()),
        _ => Ok(Mechanism::Null),
    }
}

/// The arguments as they travel: all of them in an array.
fn arguments(text: Option<&str>) -> Result<Value, Failure> {
    let Some(text) = text else { return Ok(Value::Array(Vec::new())) };
    match serde_json::from_str(text) {
        Ok(all @ Value::Array(_)) => Ok(all),
        Ok(only) => Ok(Value::Array(vec![only])),
        Err(error) => Err(Failure::usage(format_args!("`{text}`"), format_args!("not JSON: {error}"))),
    }
}

/// What the server knows of the method.
async fn look_up(client: &Client, args: &CallArgs, service: &str, name: &str) -> Result<MethodInfo, Failure> {
    let ask = ReflectionClient::new(client.clone()).services().deadline(args.deadline.unwrap_or(LOOK_UP));
    let services = ask.await.map_err(|error| failure(&args.endpoint, &error))?;
    let Some(found) = services.iter().find(|known| known.name == service) else {
        return Err(no_service(&args.endpoint, service, &services));
    };
    let method = found.methods.iter().find(|known| known.name == name).cloned();
    method.ok_or_else(|| {
        let names = found.methods.iter().map(|known| known.name.as_str());
        Failure::of(&args.endpoint, format_args!("{service} has no method {name}; it has {}", list(names)))
    })
}

/// That the server has no service of this name.
pub(crate) fn no_service(endpoint: &str, name: &str, services: &[ServiceInfo]) -> Failure {
    let names = services.iter().map(|known| known.name.as_str());
    Failure::of(endpoint, format_args!("no service {name}; it has {}", list(names)))
}

/// How long a server has to say what its services are, where the call itself has no deadline.
const LOOK_UP: Duration = Duration::from_secs(10);

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

async fn perform(
    client: &Client,
    method: &'static Method,
    arguments: &Value,
    items: JsonLines,
    args: &CallArgs,
) -> Result<(), Failure> {
    /// All kinds of call have a deadline, by a method of their own each.
    macro_rules! within {
        ($call:expr) => {
            match args.deadline {
                Some(deadline) => $call.deadline(deadline),
                None => $call,
            }
        };
    }
    let failed = |error: CallError<Value>| failure(&args.method, &error);
    match method.kind {
        Kind::Unary => print(&within!(client.unary(method, arguments)).await.map_err(failed)?),
        Kind::ClientStream => print(&within!(client.client_stream(method, arguments, items)).await.map_err(failed)?),
        Kind::ServerStream => print_all(within!(client.server_stream(method, arguments)), failed).await,
        Kind::Bidirectional => print_all(within!(client.bidirectional(method, arguments, items)), failed).await,
        Kind::OneWay => within!(client.one_way(method, arguments)).await.map_err(|error| failure(&args.method, &error)),
    }
}

fn print(value: &Value) -> Result<(), Failure> {
    output::line(&value.to_string())
}

async fn print_all(
    mut values: Items<Value, Value>,
    failed: impl Fn(CallError<Value>) -> Failure,
) -> Result<(), Failure> {
    while let Some(value) = values.next().await {
        print(&value.map_err(&failed)?)?;
    }
    Ok(())
}

fn failure<E: std::fmt::Display>(culprit: &str, error: &CallError<E>) -> Failure {
    match error {
        CallError::Deadline { .. } => Failure::TimedOut(format!("{culprit}: {error}")),
        CallError::Failed(_) => Failure::of(culprit, format_args!("failed: {error}")),
        _ => Failure::of(culprit, error),
    }
}
