//! What every socket type wraps: the verbs of a socket, whether its type has them or not.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use bowline_proto::engine::{Engine, Turns};
use bowline_proto::lock::Mutex;
use bowline_proto::mux::frame;
use bowline_proto::pipe::{PipeId, Waiting};
use bowline_proto::{
    ConnectionId, Endpoint, EndpointError, Message, MonitorKind, Options, RecvError, SendError, SendErrorKind,
    Snapshot, SocketType, SubscribeError, TransportState,
};
use tokio_util::sync::CancellationToken;

use super::error::{BindCause, BindError, ConnectCause, ConnectError, UnknownEndpoint};
use super::peer::{self, Peer, UnknownPeer};
use super::state::{self, NoRuntime, StateWatch};
use super::verbs::{Receiving, ReceivingMany, Sending, SendingMany};
use crate::driver::core::Core;
use crate::driver::monitor::Monitor;
use crate::driver::{accept, dial, inproc};
use crate::rt::Home;
use crate::transport;

/// A shared handle. Dropping the last one closes the socket in the background.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    bound: Mutex<Vec<Bound>>,
    dialed: Mutex<Vec<(Endpoint, PipeId)>>,
}

#[derive(Debug)]
struct Bound {
    endpoint: Endpoint,
    unbind: CancellationToken,
    closed: CancellationToken,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.core.close(self.core.options.linger);
    }
}

impl Handle {
    pub(crate) fn new(socket_type: SocketType, options: Options, parent: Option<&CancellationToken>) -> Self {
        Self::of(Core::new(socket_type, options, parent))
    }

    /// A handle of a socket whose peers are kept apart, and whose messages are frames of calls: a peer that announces a
    /// longer one is refused before there is memory for it.
    pub(crate) fn apart(socket_type: SocketType, options: Options, parent: Option<&CancellationToken>) -> Self {
        let most = (frame::PAYLOAD_MOST + frame::HEADER_MOST) as u64;
        let most = options.max_message_size.map_or(most, |size| size.min(most));
        let options = options.max_message_size(Some(most));
        Self::of(Core::apart(socket_type, options, parent))
    }

    fn of(core: Arc<Core>) -> Self {
        Self(Arc::new(Shared { core, bound: Mutex::default(), dialed: Mutex::default() }))
    }

    #[inline]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(crate) fn socket_type(&self) -> SocketType {
        self.core().socket_type
    }

    pub(crate) fn options(&self) -> &Options {
        &self.core().options
    }

    pub(crate) async fn bind<E>(&self, endpoint: E) -> Result<Endpoint, BindError>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = endpoint.try_into().map_err(Into::into)?;
        let core = self.core();
        let fail = |cause| BindError { endpoint: endpoint.to_string(), cause };
        if core.closing.is_cancelled() {
            return Err(fail(BindCause::Closed));
        }
        transport::check_bind(&endpoint, &core.options).map_err(|lacking| fail(lacking.into()))?;
        let (unbind, closed) = (core.closing.child_token(), CancellationToken::new());
        let bound = match &endpoint {
            Endpoint::Inproc(name) => inproc::bind(core, name).map(|name| {
                let name = (name, closed.clone().drop_guard());
                let task = inproc::hold(Arc::clone(core), endpoint.clone(), name, unbind.clone());
                self.listening(&endpoint, &unbind, &closed, task);
                endpoint.clone()
            }),
            _ => transport::listen(&endpoint, &core.options, core.socket_type).await.map(|(listener, resolved)| {
                let listener = (listener, closed.clone().drop_guard());
                let task = accept::run(Arc::clone(core), resolved.clone(), listener, unbind.clone());
                self.listening(&resolved, &unbind, &closed, task);
                resolved
            }),
        };
        let resolved = bound.map_err(|error| {
            core.tell(Some(&endpoint), MonitorKind::BindFailed(error.kind()));
            fail(BindCause::Io(error))
        })?;
        if core.closing.is_cancelled() { Err(fail(BindCause::Closed)) } else { Ok(resolved) }
    }

    fn listening(
        &self,
        endpoint: &Endpoint,
        unbind: &CancellationToken,
        closed: &CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let _until_it_runs = self.core().hold();
        if self.core().closing.is_cancelled() {
            return;
        }
        self.core().tell(Some(endpoint), MonitorKind::Listening);
        self.core().spawn(task);
        let bound = Bound { endpoint: endpoint.clone(), unbind: unbind.clone(), closed: closed.clone() };
        self.0.bound.lock().push(bound);
    }

    pub(crate) fn connect<E>(&self, endpoint: E) -> Result<Endpoint, ConnectError>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = endpoint.try_into().map_err(Into::into)?;
        endpoint.check_connectable()?;
        let core = self.core();
        let fail = |cause| ConnectError { endpoint: endpoint.to_string(), cause };
        transport::check_connect(&endpoint, &core.options).map_err(|lacking| fail(lacking.into()))?;
        if Home::here().is_none() {
            return Err(fail(ConnectCause::NoRuntime));
        }
        let _until_it_runs = core.hold();
        let halves = core.with(Engine::dial).ok_or_else(|| fail(ConnectCause::Closed))?;
        let mut dialed = self.0.dialed.lock();
        if dialed.is_empty() {
            // Many sockets never dial another, and room for four is what they would get.
            dialed.reserve_exact(1);
        }
        dialed.push((endpoint.clone(), halves.pipe));
        drop(dialed);
        match &endpoint {
            Endpoint::Inproc(name) => inproc::connect(core, endpoint.clone(), name.clone(), halves),
            _ => core.spawn(dial::Dial::new(Arc::clone(core), endpoint.clone(), halves).run(dial::Wire)),
        }
        Ok(endpoint)
    }

    pub(crate) fn disconnect<E>(&self, endpoint: E) -> Result<(), UnknownEndpoint>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = known(endpoint)?;
        let mut dialed = self.0.dialed.lock();
        let at = dialed.iter().position(|(known, _)| *known == endpoint);
        let (_, pipe) = dialed.remove(at.ok_or_else(|| UnknownEndpoint(endpoint.to_string()))?);
        drop(dialed);
        self.core().hang_up(pipe);
        Ok(())
    }

    pub(crate) async fn unbind<E>(&self, endpoint: E) -> Result<(), UnknownEndpoint>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = known(endpoint)?;
        let closed = {
            let mut bound = self.0.bound.lock();
            let at = bound.iter().position(|known| known.endpoint == endpoint);
            let bound = bound.remove(at.ok_or_else(|| UnknownEndpoint(endpoint.to_string()))?);
            bound.unbind.cancel();
            bound.closed
        };
        closed.cancelled().await;
        Ok(())
    }

    #[inline]
    pub(crate) fn send<M: Into<Message>>(&self, message: M) -> Sending<'_, M> {
        Sending::new(self.core(), message)
    }

    pub(crate) fn try_send(&self, message: Message) -> Result<(), SendError> {
        let mut message = message;
        self.core().try_send(&mut message).map_err(|kind| SendError::new(message, kind))
    }

    pub(crate) fn send_many<'a>(&'a self, messages: &'a mut VecDeque<Message>) -> SendingMany<'a> {
        SendingMany::new(self.core(), messages)
    }

    pub(crate) fn try_send_many(&self, messages: &mut VecDeque<Message>) -> Result<usize, SendErrorKind> {
        let mut sent = 0;
        while !messages.is_empty() {
            match self.core().try_send_many(messages) {
                Ok(more) => sent += more,
                Err(kind) if sent == 0 => return Err(kind),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    #[inline]
    pub(crate) fn recv(&self) -> Receiving<'_> {
        Receiving::new(self.core())
    }

    pub(crate) fn try_recv(&self) -> Result<Message, RecvError> {
        let mut message = Message::new();
        self.core().try_recv(&mut message).map(|()| message)
    }

    pub(crate) fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, most: usize) -> ReceivingMany<'a> {
        ReceivingMany::new(self.core(), messages, most)
    }

    pub(crate) fn try_recv_many(&self, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        if most == 0 { Ok(0) } else { self.core().try_recv_many(messages, most) }
    }

    pub(crate) fn subscribe(&self, topic: &[u8]) -> Result<(), SubscribeError> {
        self.core().with(|engine| engine.subscribe(topic))
    }

    pub(crate) fn unsubscribe(&self, topic: &[u8]) -> Result<(), SubscribeError> {
        self.core().with(|engine| engine.unsubscribe(topic))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.core().with(|engine| engine.peer_count() > 0)
    }

    pub(crate) fn peers(&self) -> Vec<Peer> {
        peer::peers(self.core())
    }

    pub(crate) fn disconnect_peer(&self, connection: ConnectionId) -> Result<(), UnknownPeer> {
        let found = self.core().with(|engine| engine.dismiss(connection));
        if found { Ok(()) } else { Err(UnknownPeer(connection)) }
    }

    pub(crate) fn set_network(&self, is_there: bool) {
        self.core().set_network(is_there);
    }

    pub(crate) fn state(&self) -> StateWatch {
        StateWatch::new(self.core())
    }

    pub(crate) fn on_state_change(
        &self,
        handler: impl FnMut(TransportState) + Send + 'static,
    ) -> Result<(), NoRuntime> {
        state::on_change(self.core(), handler)
    }

    pub(crate) async fn wait_for_peer(&self) {
        let before = self.turns().arrivals;
        self.wait_until(|engine| engine.peer_count() > 0 || engine.turns().arrivals != before).await;
    }

    pub(crate) async fn wait_until_idle(&self) {
        let before = self.turns().idle;
        self.wait_until(|engine| {
            let is_idle = engine.peer_count() == 0 && engine.turns().arrivals > 0;
            is_idle || engine.turns().idle != before
        })
        .await;
    }

    pub(crate) async fn wait_for_subscriber(&self) {
        let before = self.turns().subscriptions;
        self.wait_until(|engine| engine.subscriptions() > 0 || engine.turns().subscriptions != before).await;
    }

    fn turns(&self) -> Turns {
        self.core().with(Engine::turns)
    }

    async fn wait_until(&self, holds: impl Fn(&mut Engine) -> bool) {
        let mut wait = self.core().wait(Waiting::Peers);
        poll_fn(|cx| {
            let over = |engine: &Engine| engine.state().is_over();
            self.core().poll_with(cx, &mut wait, |engine| (holds(engine) || over(engine)).then_some(()))
        })
        .await;
    }

    pub(crate) fn monitor(&self) -> Monitor {
        self.core().monitors.add().1
    }

    pub(crate) fn monitor_with_snapshot(&self) -> (Snapshot, Monitor) {
        self.core().monitors.add()
    }

    pub(crate) async fn close(&self) -> u64 {
        self.core().close(self.options().linger);
        self.core().ended().await
    }

    pub(crate) fn stop(&self) {
        self.core().stop();
    }
}

fn known<E>(endpoint: E) -> Result<Endpoint, UnknownEndpoint>
where
    E: TryInto<Endpoint>,
    E::Error: Into<EndpointError>,
{
    endpoint.try_into().map_err(|error| UnknownEndpoint(error.into().endpoint))
}
