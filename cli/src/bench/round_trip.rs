//! REQ to REP and back.

use std::time::Instant;

use bowline::{AnySocket, SocketType};
use tokio::sync::oneshot;

use super::latency::Latencies;
use super::{Figures, Plan, sides};
use crate::failure::Failure;

pub(super) fn measure(plan: &Plan) -> Result<Figures, Failure> {
    let (tell_place, place) = oneshot::channel();
    let (tell_done, done) = oneshot::channel::<()>();
    let failed = |cause: &dyn std::fmt::Display| Failure::of(&plan.endpoint, cause);
    sides::run(
        || async move {
            let Ok(place) = place.await else { return Err(failed(&"the other side could not bind")) };
            let socket = AnySocket::new(SocketType::Req, plan.options.clone());
            socket.connect(&place).map_err(|error| failed(&error))?;
            let figures = ask(plan, &socket).await;
            // Dropping it is enough where something failed.
            let _ = tell_done.send(());
            socket.stop();
            figures
        },
        || async move {
            let socket = AnySocket::new(SocketType::Rep, plan.options.clone());
            let place = socket.bind(&plan.endpoint).await.map_err(|error| failed(&error))?;
            let _ = tell_place.send(place);
            tokio::select! {
                result = echo(&socket) => result.map_err(|cause| failed(&cause)),
                _ = done => Ok(()),
            }
        },
    )
}

async fn ask(plan: &Plan, socket: &AnySocket) -> Result<Figures, Failure> {
    let body = plan.body();
    let mut latencies = Latencies::default();
    let mut measured_since = None;
    let mut messages = 0;
    let begin = Instant::now();
    loop {
        let sent = Instant::now();
        socket.send(body.clone()).await.map_err(|error| Failure::of(&plan.endpoint, error))?;
        socket.recv().await.map_err(|error| Failure::of(&plan.endpoint, error))?;
        let now = Instant::now();
        match measured_since {
            None if now - begin >= plan.warm_up => measured_since = Some(now),
            None => {}
            Some(since) => {
                latencies.add(now - sent);
                messages += 1;
                if now - since >= plan.time {
                    return Ok(Figures { messages, time: now - since, latencies });
                }
            }
        }
    }
}

async fn echo(socket: &AnySocket) -> Result<(), String> {
    loop {
        let request = socket.recv().await.map_err(|error| error.to_string())?;
        socket.send(request).await.map_err(|error| error.to_string())?;
    }
}
