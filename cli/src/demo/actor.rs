//! One socket of the demo and the follower of its events.

use std::sync::Arc;
use std::time::Duration;

use bowline::{AnySocket, Endpoint, Options, SocketType};
use tokio::task::JoinHandle;

use super::stage::Stage;
use crate::failure::Failure;

/// How long the last events of a socket are waited for.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a restarted server tries to get its endpoints back.
const REBIND: Duration = Duration::from_secs(3);

/// Who appears on the board.
#[derive(Clone)]
pub(super) struct Role {
    pub(super) name: String,
    /// The row of the table, for those that dial.
    pub(super) row: Option<usize>,
}

pub(super) struct Actor {
    pub(super) socket: AnySocket,
    follower: JoinHandle<()>,
}

impl Actor {
    pub(super) fn enter(stage: &Arc<Stage>, role: &Role, socket_type: SocketType, options: Options) -> Self {
        let socket = AnySocket::new(socket_type, options);
        let mut monitor = socket.monitor();
        let (stage, role) = (Arc::clone(stage), role.clone());
        let follower = tokio::spawn(async move {
            while let Some(event) = monitor.next().await {
                stage.board().take(&role.name, role.row, &event, stage.started.elapsed());
            }
        });
        Self { socket, follower }
    }

    /// Binds at all of `places`, and says where that was. Right after a restart they may still be taken.
    pub(super) async fn bind(&self, places: &[Endpoint]) -> Result<Vec<Endpoint>, Failure> {
        let deadline = tokio::time::Instant::now() + REBIND;
        let mut bound = Vec::new();
        for place in places {
            loop {
                match self.socket.bind(place).await {
                    Ok(place) => break bound.push(place),
                    Err(error) if tokio::time::Instant::now() >= deadline => {
                        return Err(Failure::Error(error.to_string()));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        }
        Ok(bound)
    }

    /// Ends without a word: what waits in the socket is lost.
    pub(super) async fn die(self) {
        self.socket.stop();
        self.followed().await;
    }

    /// Ends when everything is delivered.
    pub(super) async fn leave(self) {
        self.socket.close().await;
        self.followed().await;
    }

    /// The successor's events must not be mixed with the last ones of this socket.
    async fn followed(self) {
        let abort = self.follower.abort_handle();
        if tokio::time::timeout(FAREWELL, self.follower).await.is_err() {
            abort.abort();
        }
    }
}
