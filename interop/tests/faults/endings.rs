//! However a socket ends, and whatever its endpoints are at: nothing of it is left.

use std::time::Duration;

use bowline::{AnySocket, CancellationToken, Monitor, MonitorKind, Options, RecvError, SocketType};
use bowline_interop::census::Census;
use bowline_interop::place::{prefix, serial};
use bowline_interop::proxy::address;
use bowline_interop::trial::{alone, endure, idle};
use bowline_interop::{Outcome, Transport, ensure, ours, within};
use tokio::net::{TcpListener, TcpStream};

use crate::raw::shake_hands;
use crate::{event, fill, nth};

/// A DEALER with an endpoint in every state that there is, and what it needs around it.
struct Menagerie {
    dealer: AnySocket,
    monitor: Monitor,
    around: Around,
}

/// What stands at the other ends.
struct Around {
    /// Of the dealer in process.
    name: String,
    others: Vec<AnySocket>,
    /// Ends of connections that nobody serves: a stuck farewell, a handshake from outside, one from inside.
    _raw: (TcpStream, TcpStream, TcpStream, TcpListener),
}

impl Menagerie {
    async fn gather(parent: Option<&CancellationToken>, linger: Option<Duration>) -> Outcome<Self> {
        let options = options().linger(linger);
        let dealer = match parent {
            Some(parent) => AnySocket::with_parent(SocketType::Dealer, options, parent),
            None => ours::socket(SocketType::Dealer, options),
        };
        let mut monitor = dealer.monitor();
        let names = [(); 3].map(|()| format!("{}{}", prefix(), serial()));
        let [name, abstract_name, other] = names;
        let mut others = Vec::new();

        // Bound by every transport, and with a peer that dialed each.
        let tcp = ours::bind(&dealer, &Transport::Tcp.fresh()).await?;
        let ipc = format!("ipc://{}/{name}", std::env::temp_dir().display());
        let places = [tcp.clone(), ipc, format!("ipc://@{abstract_name}"), format!("inproc://{name}")];
        for (at, place) in places.iter().enumerate() {
            if at > 0 {
                ours::bind(&dealer, place).await?;
            }
            let peer = ours::socket(SocketType::Dealer, self::options());
            ours::connect(&peer, place)?;
            ours::ready(&mut monitor).await?;
            others.push(peer);
        }
        // Connected by every transport.
        let ipc = format!("ipc://{}/{other}", std::env::temp_dir().display());
        for place in ["tcp://127.0.0.1:*".into(), ipc, format!("ipc://@{other}"), format!("inproc://{other}")] {
            let peer = ours::socket(SocketType::Dealer, self::options());
            ours::connect(&dealer, &ours::bind(&peer, &place).await?)?;
            ours::ready(&mut monitor).await?;
            others.push(peer);
        }
        // A peer that is ready, takes no more than the system does, and never closes.
        let mut stuck = dial(&tcp).await?;
        within("a handshake by hand", shake_hands(&mut stuck, "DEALER")).await?;
        ours::ready(&mut monitor).await?;
        fill(&dealer, nth).await;
        // One that has not greeted, and one that we wait for a greeting of.
        let mute = dial(&tcp).await?;
        event(&mut monitor, "accepted").await?;
        let listener = within("a port", TcpListener::bind("127.0.0.1:0")).await?;
        let to = listener.local_addr().map_err(|error| error.to_string())?;
        ours::connect(&dealer, &format!("tcp://{to}"))?;
        let (deaf, _) = within("our call", listener.accept()).await?;
        event(&mut monitor, "connected").await?;
        // One where nobody is, and one whose name nobody has bound.
        ours::connect(&dealer, &Transport::Tcp.lasting())?;
        event(&mut monitor, "connect_retried").await?;
        ours::connect(&dealer, &format!("inproc://{}{}", prefix(), serial()))?;
        event(&mut monitor, "connect_delayed").await?;
        Ok(Self { dealer, monitor, around: Around { name, others, _raw: (stuck, mute, deaf, listener) } })
    }
}

impl Around {
    /// Takes all around it away, and fails unless its names can be had again.
    async fn scatter(self) -> Outcome {
        for other in &self.others {
            ours::close(other).await?;
        }
        let heir = ours::socket(SocketType::Pull, ours::options());
        ours::bind(&heir, &format!("inproc://{}", self.name)).await?;
        ours::close(&heir).await
    }
}

fn options() -> Options {
    ours::options().send_hwm(10).send_buffer(Some(4096)).recv_hwm(10)
}

async fn dial(endpoint: &str) -> Outcome<TcpStream> {
    within("a connection by hand", TcpStream::connect(address(endpoint)?)).await
}

/// Waits for the last event.
async fn over(monitor: &mut Monitor) -> Outcome {
    event(monitor, "stopped").await.map(drop)
}

const LINGER: Option<Duration> = Some(Duration::from_millis(20));

#[test]
fn nothing_is_left_when_close_returns() -> Outcome {
    endure(3, || async {
        let Menagerie { dealer, mut monitor, around } = Menagerie::gather(None, LINGER).await?;
        ours::close(&dealer).await?;
        over(&mut monitor).await?;
        ensure(dealer.peers().is_empty(), || format!("it has peers: {:?}", dealer.peers()))?;
        around.scatter().await
    })
}

#[test]
fn nothing_is_left_after_stop() -> Outcome {
    endure(3, || async {
        let Menagerie { dealer, mut monitor, around } = Menagerie::gather(None, None).await?;
        dealer.stop();
        over(&mut monitor).await?;
        around.scatter().await
    })
}

#[test]
fn nothing_is_left_when_the_last_handle_is_gone() -> Outcome {
    endure(3, || async {
        let Menagerie { dealer, mut monitor, around } = Menagerie::gather(None, LINGER).await?;
        drop(dealer);
        over(&mut monitor).await?;
        around.scatter().await
    })
}

#[test]
fn nothing_is_left_when_the_parent_is_cancelled() -> Outcome {
    endure(3, || async {
        let parent = CancellationToken::new();
        let Menagerie { dealer, mut monitor, around } = Menagerie::gather(Some(&parent), None).await?;
        parent.cancel();
        over(&mut monitor).await?;
        ensure(dealer.try_recv() == Err(RecvError::Closed), || "it is still open".into())?;
        around.scatter().await
    })
}

#[test]
fn when_close_returns_descriptors_tasks_files_and_names_are_gone_already() -> Outcome {
    endure(3, || async {
        let before = Census::take()?;
        let socket = ours::socket(SocketType::Dealer, options());
        let places = ["tcp://127.0.0.1:*".into(), format!("ipc://@{}{}", prefix(), serial())];
        let ipc = Transport::Ipc.lasting();
        for place in places.iter().map(String::as_str).chain([&*ipc]) {
            ours::bind(&socket, place).await?;
        }
        ours::connect(&socket, &Transport::Tcp.lasting())?;
        ours::close(&socket).await?;
        // Only the task that has just said so may have its last step before it.
        crate::settle().await;
        before.check()
    })
}

#[test]
fn nothing_is_left_when_the_runtime_is_gone() -> Outcome {
    fn play() -> Outcome<Menagerie> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(Menagerie::gather(None, None))
    }
    alone(async {
        // In a thread of its own: this one has a runtime already.
        let played = || std::thread::spawn(play).join().map_err(|_| "the runtime has panicked".to_owned())?;
        drop(played()?);
        idle().await?;
        let before = Census::take()?;
        for _ in 0..3 {
            let Menagerie { dealer, mut monitor, around } = played()?;
            let heard = crate::unheard(&mut monitor).await;
            let gone = heard.iter().filter(|kind| matches!(kind, MonitorKind::ConnectStopped(_))).count();
            ensure(gone == 7, || format!("{gone} of 7 dialed endpoints were given up: {heard:?}"))?;
            around.scatter().await?;
            // As any handle of a runtime, it has kept what woke that.
            drop(dealer);
            before.regained().await?;
        }
        Ok(())
    })
}
