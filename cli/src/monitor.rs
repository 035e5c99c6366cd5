//! `bowline monitor`: the life of a socket, one event a line.

use std::num::NonZeroU64;

use bowline::{AnySocket, Monitor, SocketType};

use crate::args::MonitorArgs;
use crate::failure::Failure;
use crate::open::Endpoints;
use crate::options::options;
use crate::signal::Interrupts;
use crate::{event, output};

pub(crate) async fn run(args: MonitorArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let endpoints = Endpoints::of(&args.connection)?;
    let options = endpoints.dress(options(&args.connection, args.socket_type)?, &args.connection)?;
    let subscribes = matches!(args.socket_type, SocketType::Sub | SocketType::XSub);
    let subscribe = subscribes.then_some(&args.subscription.subscribe[..]);
    let socket = AnySocket::new(args.socket_type, options);
    // Before anything is bound: the first event is `listening` or `connecting`.
    let monitor = socket.monitor();
    let opened = endpoints.open(socket, subscribe, args.connection.verbose, false).await?;
    let result = tokio::select! {
        result = tell(monitor, &args) => result,
        () = drain(&opened.socket) => Ok(()),
        () = interrupts.next() => Ok(()),
    };
    opened.socket.stop();
    result
}

async fn tell(mut monitor: Monitor, args: &MonitorArgs) -> Result<(), Failure> {
    let mut left = args.count.map(NonZeroU64::get);
    while left != Some(0) {
        let next = monitor.next();
        let event = match args.timeout {
            None => next.await,
            Some(limit) => tokio::time::timeout(limit, next)
                .await
                .map_err(|_| Failure::TimedOut(format!("nothing happened within {} s", limit.as_secs_f64())))?,
        };
        let Some(event) = event else { return Ok(()) };
        output::line(&if args.text { event::timed_line(&event) } else { event::object(&event).to_string() })?;
        left = left.map(|left| left - 1);
    }
    Ok(())
}

/// Drops what comes: an unread inbox would fill, and the peer would stall for want of a reader.
async fn drain(socket: &AnySocket) {
    while socket.recv().await.is_ok() {}
    // Socket types that don't receive have nothing to drain; their run goes on.
    std::future::pending::<()>().await;
}
