//! What a handler knows of its call besides the arguments.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bowline_proto::mux::Metadata;
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, PeerInfo};

use super::client::Client;
use super::codec::Codec;
use super::connection::Connection;
use super::entry::{Ending, Ticket};
use super::schema::Method;
use crate::rt;

/// What a handler knows of its call besides the arguments. A clone is of the same call.
#[derive(Clone)]
pub struct Context {
    connection: Arc<Connection>,
    ticket: Ticket,
    method: &'static Method,
    deadline: Option<Instant>,
    metadata: Metadata,
    codec: Codec,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("method", &self.method.name)
            .field("connection", &self.connection.id)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Context {
    pub(super) const fn new(
        connection: Arc<Connection>,
        ticket: Ticket,
        method: &'static Method,
        deadline: Option<Instant>,
        metadata: Metadata,
        codec: Codec,
    ) -> Self {
        Self { connection, ticket, method, deadline, metadata, codec }
    }

    /// The method that is called.
    pub const fn method(&self) -> &'static Method {
        self.method
    }

    /// Who calls: address, identity, user.
    pub fn peer(&self) -> &Arc<PeerInfo> {
        &self.connection.peer
    }

    /// The connection that the call came by, as monitors name it.
    pub fn connection(&self) -> ConnectionId {
        self.connection.id
    }

    /// What the caller has sent along.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// How long the caller still waits; `None` for as long as it takes. What is done on its behalf should take no longer.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|at| at - rt::now())
    }

    /// A client that calls the peer back, on the same connection. Its calls are never made again by themselves.
    pub fn client(&self) -> Client {
        Client::of_peer(Arc::clone(&self.connection), self.codec)
    }

    /// Waits until the call is over: answered, cancelled, late or lost. A handler that is cancelled is dropped anyway;
    /// this is for what it has started elsewhere.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn cancelled(&self) {
        let over = self.connection.look(|state| {
            let entry = state.entry(self.ticket)?;
            let is_over = matches!(entry.end, Some(Ending::Fault(_)));
            (!is_over).then(|| entry.make_rare().over.get_or_insert_default().clone())
        });
        if let Some(over) = over {
            over.cancelled().await;
        }
    }
}
