//! The service for the tests in pages.

use std::collections::HashMap;
use std::io;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bowline::rpc::{Server, Stream};
use bowline::{AnySocket, Message, Monitor, Options, Origins, SocketType};
use futures_util::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::relay::{self, BINARY, CLOSE, Side};
use crate::service::{Beside, How, Stranger};
use crate::shared::desk::{self, Shared};
use crate::shared::raw;

/// Whoever comes is a page.
pub(crate) fn options() -> Options {
    Options::new().origins(Origins::Any)
}

#[derive(Default)]
pub(crate) struct Actors {
    sockets: Mutex<HashMap<u32, Arc<Actor>>>,
    next: AtomicU32,
    desks: Arc<Mutex<HashMap<String, Arc<Shared>>>>,
    strangers: tokio::sync::Mutex<JoinSet<io::Result<()>>>,
}

struct Actor {
    socket: AnySocket,
    monitor: tokio::sync::Mutex<Monitor>,
}

impl Actors {
    fn actor(&self, socket: u32) -> Arc<Actor> {
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sockets.get(&socket).expect("a socket of the test's"))
    }
}

impl Beside for Actors {
    async fn bind(&self, how: How, at: Option<String>) -> (u32, String) {
        let mut options = options().heartbeat_interval(how.heartbeat).heartbeat_timeout(how.heartbeat);
        if let Some(hwm) = how.hwm {
            options = options.send_hwm(hwm as usize).recv_hwm(hwm as usize);
        }
        let socket = AnySocket::new(SocketType::from_str(&how.socket_type).expect("a type"), options);
        let monitor = tokio::sync::Mutex::new(socket.monitor());
        let bound = socket.bind(at.as_deref().unwrap_or("ws://127.0.0.1:*")).await.expect("a place");
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let actor = Arc::new(Actor { socket, monitor });
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).insert(number, actor);
        (number, bound.to_string())
    }

    async fn send(&self, socket: u32, parts: Vec<Vec<u8>>) {
        self.actor(socket).socket.send(parts.into_iter().collect::<Message>()).await.expect("it is taken");
    }

    async fn flood(&self, socket: u32, count: u32, size: u32) {
        let actor = self.actor(socket);
        for _ in 0..count {
            if actor.socket.send(vec![7; size as usize]).await.is_err() {
                return;
            }
        }
    }

    async fn recv(&self, socket: u32) -> Vec<Vec<u8>> {
        let message = self.actor(socket).socket.recv().await.expect("a message");
        message.parts().iter().map(|part| part.to_vec()).collect()
    }

    async fn subscribe(&self, socket: u32) {
        self.actor(socket).socket.subscribe("").expect("it can");
    }

    async fn subscribed(&self, socket: u32) {
        self.actor(socket).socket.wait_for_subscriber().await;
    }

    async fn event(&self, socket: u32, name: String) -> String {
        let actor = self.actor(socket);
        let mut monitor = actor.monitor.lock().await;
        while let Some(event) = monitor.next().await {
            if event.kind.name() == name {
                return format!("{:?}", event.kind);
            }
        }
        "the monitor has ended".to_owned()
    }

    async fn close(&self, socket: u32) {
        let actor = self.sockets.lock().unwrap_or_else(PoisonError::into_inner).remove(&socket);
        actor.expect("a socket of the test's").socket.close().await;
    }

    async fn stranger(&self, what: Stranger) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("it has one");
        let mut strangers = self.strangers.lock().await;
        strangers.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await?;
                // A page that goes early is no reason to turn others away.
                let _gone = shake_hands(stream, what).await;
            }
        });
        format!("ws://{place}")
    }

    async fn desk(&self) -> impl Stream<Item = String> {
        let (desk, ear) = desk::desk();
        let server = Server::builder().options(options()).service(desk).build().expect("one service");
        let place = server.bind("ws://127.0.0.1:*").await.expect("a place").to_string();
        let desks = Arc::clone(&self.desks);
        desks.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), Arc::clone(&ear.shared));
        let kept = Kept { place: place.clone(), desks, server };
        stream::iter([place]).chain(stream::unfold((ear, kept), |(mut ear, kept)| async move {
            let told = ear.next().await;
            Some((told, (ear, kept)))
        }))
    }

    async fn permit(&self, desk: String) {
        if let Some(shared) = self.desks.lock().unwrap_or_else(PoisonError::into_inner).get(&desk) {
            shared.gate.add_permits(1);
        }
    }
}

/// A desk that is served, as long as this is there.
struct Kept {
    place: String,
    desks: Arc<Mutex<HashMap<String, Arc<Shared>>>>,
    server: Server,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.server.stop();
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// Becomes the peer of a page, and behaves as it is called from then on.
async fn shake_hands(stream: tokio::net::TcpStream, what: Stranger) -> io::Result<()> {
    let mut page: Side = relay::Request::read(stream).await?.open().await?;
    page.write(BINARY, &[&raw::greeting("NULL")[..], &raw::ready("PULL", None)].concat()).await?;
    let mut came = 0;
    // Its greeting, and at least some of its READY.
    while came <= 64 {
        came += page.frame().await?.1.len();
    }
    match what {
        Stranger::BreaksOff => return Ok(()),
        Stranger::Closes(code) => page.write(CLOSE, &code.to_be_bytes()).await?,
        Stranger::IsSilent => {}
    }
    while page.frame().await?.0 != CLOSE {}
    Ok(())
}
