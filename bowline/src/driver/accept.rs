//! The accept task: one for each bound endpoint.

use std::sync::Arc;
use std::time::Duration;

use bowline_proto::link::{Entropy, LinkConfig, Role};
use bowline_proto::{Endpoint, MonitorEvent, MonitorKind};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::Connection;
use super::core::Core;
use super::seat::Seat;
use crate::rt;
use crate::transport::{Listener, Stream};

/// How long we wait after a failed accept, which is mostly for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What [`Entropy`] is made of.
type Random = [u8; Entropy::LEN];

/// What is bound, and who hears when it is free again: in this order they are dropped, also with the runtime.
pub(crate) type Bound<T> = (T, DropGuard);

/// Accepts connections until `unbound` or the socket is closing.
pub(crate) async fn run(core: Arc<Core>, endpoint: Endpoint, listener: Bound<Listener>, unbound: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = unbound.cancelled() => break,
            accepted = listener.0.accept() => accepted.and_then(|accepted| Ok((accepted, rt::random()?))),
        };
        match accepted {
            Ok(accepted) => {
                let place = core.admission.share.book(rt::now());
                tokio::select! {
                    biased;
                    () = unbound.cancelled() => break,
                    () = rt::until(place.at) => {}
                }
                let begun = rt::now();
                serve(&core, &endpoint, accepted);
                core.admission.share.settle(place, rt::now() - begun);
                // One at a time: who opens connections without pause must not keep those waiting that there are.
                rt::yield_now().await;
            }
            Err(error) => {
                core.tell(Some(&endpoint), MonitorKind::AcceptFailed(error.kind()));
                tokio::select! {
                    () = unbound.cancelled() => break,
                    () = rt::sleep(AFTER_FAILURE) => {}
                }
            }
        }
    }
    let (listener, closed) = listener;
    drop(listener);
    core.tell(Some(&endpoint), MonitorKind::Closed);
    drop(closed);
}

/// Takes a connection on, with the chance for its handshake.
pub(crate) fn serve(
    core: &Arc<Core>,
    endpoint: &Endpoint,
    ((mut stream, address), random): ((Stream, String), Random),
) {
    if let Some(complaint) = stream.take_complaint() {
        core.tell(Some(endpoint), MonitorKind::TlsNotReloaded(complaint));
    }
    let permit = match core.admission.admit(|| stream.ip()) {
        Ok(permit) => permit,
        // The stream is closed here, before anything was made for it.
        Err(limit) => return core.tell(Some(endpoint), MonitorKind::AcceptRefused { address, limit }),
    };
    let seat = seat(core, endpoint, address.clone()).admitted(permit);
    let config = LinkConfig::new(Arc::clone(&core.options), core.socket_type).with_address(address);
    let span = core.observer().span.of_connection(seat.connection(), Some(endpoint));
    let connection = Connection::new(seat, (config, Role::Listener), Entropy::new(random), stream);
    core.spawn(span.around(async move { drop(connection.run().await) }));
}

/// The seat of a connection that was accepted, of which the monitors hear.
pub(crate) fn seat(core: &Arc<Core>, endpoint: &Endpoint, address: String) -> Seat {
    let connection = core.connection_id();
    let told = MonitorEvent::new(rt::now(), MonitorKind::Accepted { address });
    core.tell_event(MonitorEvent { endpoint: Some(endpoint.clone()), connection: Some(connection), ..told });
    Seat::new(Arc::clone(core), connection, None)
}
