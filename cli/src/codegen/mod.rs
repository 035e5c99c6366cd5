//! `bowline codegen`: the code of a client, from what a server says of its services.

mod command;
mod file;
mod signature;
mod typescript;

use bowline::rpc::reflection::ServiceInfo;

use crate::args::{CodegenCommand, TypescriptArgs};
use crate::call;
use crate::failure::Failure;
use crate::open::endpoint;
use crate::output;

/// Asks the server and writes the code, once all of it is there.
pub(crate) async fn run(command: CodegenCommand) -> Result<(), Failure> {
    let CodegenCommand::Typescript(args) = command;
    let place = endpoint(&args.endpoint)?;
    let services = call::ask(&args.endpoint, &args.caller, args.deadline).await?;
    // An empty file is no client.
    let services = services.ok_or_else(|| Failure::of(&args.endpoint, "interrupted before it answered"))?;
    let services = pick(services, &args)?;
    let module = typescript::module(&services, args.types.as_deref(), &command::line(&place, &args));
    match &args.output {
        Some(path) => file::write(path, &module),
        None => output::line(module.trim_end()),
    }
}

/// Those that were asked for; without a word all but those that every server has.
fn pick(mut services: Vec<ServiceInfo>, args: &TypescriptArgs) -> Result<Vec<ServiceInfo>, Failure> {
    if let Some(missing) = args.service.iter().find(|name| services.iter().all(|service| service.name != **name)) {
        return Err(call::no_service(&args.endpoint, missing, &services));
    }
    if args.service.is_empty() {
        services.retain(|service| !call::is_builtin(service));
    } else {
        services.retain(|service| args.service.contains(&service.name));
    }
    if services.is_empty() {
        return Err(Failure::of(&args.endpoint, "no services but the built-in ones, which --service picks"));
    }
    Ok(services)
}
