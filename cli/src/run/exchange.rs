//! DEALER, ROUTER, PAIR, XPUB and XSUB: inputs go out while what comes is printed.

use bowline::{Message, SocketType};

use super::{Job, Run, receive};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::Printer;

pub(super) async fn run(run: &Run<'_>, job: &Job, source: Source, printer: Printer) -> Result<(), Failure> {
    let must_all_go = source.repeats();
    let sending = send_all(run, job, source);
    let receiving = receive::run(run, printer, job.count);
    tokio::pin!(sending, receiving);
    tokio::select! {
        sent = &mut sending => {
            sent?;
            // The end of the input is not the end of the talk.
            receiving.await
        }
        received = &mut receiving => {
            received?;
            // Lines that nobody has typed yet are not waited for.
            if must_all_go { sending.await } else { Ok(()) }
        }
    }
}

async fn send_all(run: &Run<'_>, job: &Job, mut source: Source) -> Result<(), Failure> {
    let is_router = job.socket_type == SocketType::Router;
    if !is_router {
        run.peer(job.socket_type).await?;
    }
    if let Some(delay) = job.delay() {
        tokio::time::sleep(delay).await;
    }
    while let Some(message) = source.next().await? {
        if !is_router {
            run.send(message).await?;
            continue;
        }
        let message = address(run, job, message)?;
        if source.repeats() || job.target.is_some() {
            run.send_to_late_peer(message).await?;
        } else {
            run.send_or_say_why_not(message).await?;
        }
    }
    Ok(())
}

/// Puts the identity of the peer in front, in the form in which the socket knows it.
fn address(run: &Run<'_>, job: &Job, message: Message) -> Result<Message, Failure> {
    if let Some(target) = &job.target {
        let mut message = message;
        message.push_front(target.clone());
        return Ok(message);
    }
    if job.format != crate::format::Format::Text {
        return Ok(message);
    }
    // Text shows an identity that can't be typed as hex, so it comes back as hex.
    let mut parts = message.into_parts();
    let identity = crate::format::parse_identity(&parts[0]).map_err(|cause| run.failure(cause))?;
    parts[0] = identity.into();
    Ok(parts.into_iter().collect())
}
