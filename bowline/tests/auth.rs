//! Authenticators: who is accepted, who is refused, and what both sides hear of it.

mod common;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bowline::auth::{Code, Credentials, Refusal, Request, Verdict};
use bowline::curve::{self, CurveClient, CurveServer};
use bowline::error::HandshakeStage;
use bowline::rpc::{Client, Context, Server};
use bowline::{
    Dealer, DisconnectReason, Mechanism, Monitor, MonitorKind, Options, PeerInfo, PlainCredentials, Pull, Push,
    ReconnectStop, Router,
};
use common::{At, Script, quick, within};
use tokio::sync::Notify;

fn ann(password: &str) -> Options {
    let ann = PlainCredentials::new("ann", password).unwrap();
    quick().mechanism(Mechanism::PlainClient(ann))
}

fn plain_server() -> Options {
    quick().mechanism(Mechanism::PlainServer(Vec::new()))
}

/// Knows one password, and says what it knows of its user.
async fn knows_ann(request: Request) -> Verdict {
    match request.credentials {
        Credentials::Plain(shown) if shown.password() == "secret" => {
            Verdict::accept_as(format!("{}@{}", shown.username(), request.domain)).with("Role", "editor")
        }
        _ => Verdict::refuse(Code::Credentials, "unknown"),
    }
}

/// Refuses everybody with this code, and counts them.
fn refuses(code: Code, asked: &Arc<AtomicUsize>) -> impl Fn(Request) -> std::future::Ready<Verdict> + use<> {
    let asked = Arc::clone(asked);
    move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Verdict::refuse(code, "not you"))
    }
}

/// How the handshakes of a monitor fail: the next of them.
async fn failure(monitor: &mut Monitor) -> (HandshakeStage, DisconnectReason) {
    loop {
        if let MonitorKind::HandshakeFailed { stage, reason } = monitor.event().await.kind {
            return (stage, reason);
        }
    }
}

fn told(code: &str) -> DisconnectReason {
    DisconnectReason::HandshakeRefused { reason: code.to_owned() }
}

fn refused(code: Code, text: &str) -> DisconnectReason {
    DisconnectReason::Unauthorized(Refusal { code, text: text.to_owned() })
}

#[tokio::test]
async fn who_is_accepted_has_the_user_and_the_metadata_of_the_verdict() {
    within("who_is_accepted_has_the_user_and_the_metadata_of_the_verdict", async {
        let pull = Pull::with_options(plain_server().auth_domain("inner".to_owned()).authenticator(knows_ann));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let push = Push::with_options(ann("secret"));
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(pull.recv().await.unwrap().parts(), ["hello"]);
        let known = |info: &PeerInfo| {
            assert_eq!(info.user.as_deref(), Some("ann@inner"));
            assert_eq!(info.metadata, [("Role".to_owned(), "editor".into())]);
        };
        known(&pull.peers()[0].info);
        known(monitor.skip_to("handshake_succeeded").await.peer.as_ref().unwrap());
        let server = &push.peers()[0].info;
        assert_eq!((&server.user, &server.metadata), (&None, &Vec::new()), "nobody has judged the server");
    })
    .await;
}

#[bowline::service]
trait Door {
    async fn whoami(&self, cx: &Context) -> (Option<String>, usize);
}

struct Bell;

impl Door for Bell {
    async fn whoami(&self, cx: &Context) -> (Option<String>, usize) {
        (cx.user().map(str::to_owned), cx.peer().metadata.len())
    }
}

#[tokio::test]
async fn a_handler_knows_who_calls() {
    within("a_handler_knows_who_calls", async {
        let server = Server::builder().service(DoorServer::new(Bell)).options(plain_server().authenticator(knows_ann));
        let server = server.build().unwrap();
        let endpoint = server.bind(At::Tcp.any()).await.unwrap();
        let client = Client::builder().endpoint(endpoint).options(ann("secret")).connect().unwrap();
        let who = DoorClient::new(client).whoami().await.unwrap();
        assert_eq!(who, (Some("ann@".to_owned()), 1));
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_heard_on_both_sides_and_ends_the_dialing() {
    within("a_refusal_is_heard_on_both_sides_and_ends_the_dialing", async {
        for code in [Code::Credentials, Code::Internal] {
            let asked = Arc::default();
            let pull = Pull::with_options(plain_server().authenticator(refuses(code, &asked)));
            let (mut server, endpoint) = (pull.monitor(), pull.bind(At::Tcp.any()).await.unwrap());
            let push = Push::with_options(ann("secret"));
            let mut client = push.monitor();
            push.connect(&endpoint).unwrap();
            assert_eq!(failure(&mut server).await, (HandshakeStage::Ready, refused(code, "not you")));
            assert_eq!(failure(&mut client).await, (HandshakeStage::Ready, told(code.as_str())));
            let stopped = client.skip_to("connect_stopped").await.kind;
            assert_eq!(stopped, MonitorKind::ConnectStopped(told(code.as_str())));
            assert_eq!(asked.load(Ordering::Relaxed), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_for_now_is_followed_by_another_attempt() {
    within("a_refusal_for_now_is_followed_by_another_attempt", async {
        let asked = AtomicUsize::new(0);
        let judge = move |_| {
            let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            std::future::ready(if first { Verdict::refuse(Code::Temporary, "later") } else { Verdict::accept() })
        };
        let pull = Pull::with_options(quick().authenticator(judge));
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let push = Push::with_options(quick());
        let mut client = push.monitor();
        push.connect(&endpoint).unwrap();
        assert_eq!(failure(&mut client).await.1, DisconnectReason::PeerClosed);
        client.skip_to("ready").await;
        push.send("hello").await.unwrap();
        assert_eq!(pull.recv().await.unwrap().parts(), ["hello"]);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_ends_no_dialing_where_that_was_asked_for() {
    within("a_refusal_ends_no_dialing_where_that_was_asked_for", async {
        let asked = Arc::default();
        let pull = Pull::with_options(quick().authenticator(refuses(Code::Credentials, &asked)));
        let push = Push::with_options(quick().reconnect_stop(ReconnectStop::default().refused(false)));
        let mut client = push.monitor();
        push.connect(pull.bind(At::Tcp.any()).await.unwrap()).unwrap();
        for _ in 0..3 {
            assert_eq!(failure(&mut client).await.1, told("400"));
        }
    })
    .await;
}

#[tokio::test]
async fn all_three_mechanisms_are_judged() {
    within("all_three_mechanisms_are_judged", async {
        let (server, client) = (curve::generate().unwrap(), curve::generate().unwrap());
        let knows = CurveClient::new(server.public(), client.clone());
        let table = [
            (quick(), quick(), Credentials::Null),
            (ann("secret"), plain_server(), Credentials::Plain(PlainCredentials::new("ann", "secret").unwrap())),
            (
                quick().mechanism(Mechanism::CurveClient(knows)),
                quick().mechanism(Mechanism::CurveServer(CurveServer::new(server))),
                Credentials::Curve(client.public()),
            ),
        ];
        for (client, server, shown) in table {
            let judge = move |request: Request| {
                let is_right = request.credentials == shown && &request.peer.identity[..] == b"worker";
                let local = request.ip().is_some_and(|ip| ip.is_loopback());
                let verdict =
                    if is_right && local { Verdict::accept() } else { Verdict::refuse(Code::Credentials, "") };
                async move { verdict }
            };
            let router = Router::with_options(server.authenticator(judge));
            let endpoint = router.bind(At::Tcp.any()).await.unwrap();
            let dealer = Dealer::with_options(client.identity("worker".parse().unwrap()));
            dealer.connect(&endpoint).unwrap();
            dealer.send("hello").await.unwrap();
            assert_eq!(router.recv().await.unwrap().parts(), ["worker", "hello"]);
        }
    })
    .await;
}

#[tokio::test]
async fn in_process_nobody_is_asked() {
    within("in_process_nobody_is_asked", async {
        let asked = Arc::default();
        let pull = Pull::with_options(quick().authenticator(refuses(Code::Credentials, &asked)));
        let endpoint = pull.bind("inproc://nobody-is-asked").await.unwrap();
        let push = Push::new();
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        pull.recv().await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    })
    .await;
}

#[tokio::test]
async fn one_that_never_answers_is_ended_by_the_handshake_timeout() {
    within("one_that_never_answers_is_ended_by_the_handshake_timeout", async {
        let options = quick().handshake_timeout(Duration::from_millis(500)).authenticator(|_| pending());
        let pull = Pull::with_options(options);
        let (mut server, endpoint) = (pull.monitor(), pull.bind(At::Tcp.any()).await.unwrap());
        let push = Push::with_options(quick());
        push.connect(&endpoint).unwrap();
        assert_eq!(failure(&mut server).await, (HandshakeStage::Ready, DisconnectReason::HandshakeTimeout));
    })
    .await;
}

// In a page a panic ends all.
#[cfg(panic = "unwind")]
#[tokio::test]
async fn one_that_panics_refuses_and_the_socket_goes_on() {
    within("one_that_panics_refuses_and_the_socket_goes_on", async {
        let asked = AtomicUsize::new(0);
        let judge = move |_| {
            let nth = asked.fetch_add(1, Ordering::Relaxed);
            assert!(nth > 0, "before the future is made");
            async move {
                assert!(nth > 1, "in the future");
                Verdict::accept()
            }
        };
        let pull = Pull::with_options(quick().authenticator(judge));
        let (mut server, endpoint) = (pull.monitor(), pull.bind(At::Tcp.any()).await.unwrap());
        for _ in 0..2 {
            let push = Push::with_options(quick());
            let mut client = push.monitor();
            push.connect(&endpoint).unwrap();
            assert_eq!(failure(&mut server).await.1, refused(Code::Internal, "the authenticator panicked"));
            assert_eq!(failure(&mut client).await.1, told("500"));
        }
        let push = Push::with_options(quick());
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        pull.recv().await.unwrap();
    })
    .await;
}

/// Says when it begins to judge and when it is dropped, and judges for ever.
struct Thinker {
    began: Arc<Notify>,
    dropped: Arc<Notify>,
}

impl Drop for Thinker {
    fn drop(&mut self) {
        self.dropped.notify_one();
    }
}

#[tokio::test]
async fn closing_ends_what_an_authenticator_thinks() {
    within("closing_ends_what_an_authenticator_thinks", async {
        for stops in [false, true] {
            let (began, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let shared = (Arc::clone(&began), Arc::clone(&dropped));
            let judge = move |_| {
                let thinker = Thinker { began: Arc::clone(&shared.0), dropped: Arc::clone(&shared.1) };
                async move {
                    thinker.began.notify_one();
                    pending().await
                }
            };
            let pull = Pull::with_options(quick().authenticator(judge));
            let (mut server, endpoint) = (pull.monitor(), pull.bind(At::Tcp.any()).await.unwrap());
            let push = Push::with_options(quick());
            push.connect(&endpoint).unwrap();
            began.notified().await;
            if stops {
                pull.stop();
            } else {
                pull.close().await;
            }
            assert_eq!(failure(&mut server).await, (HandshakeStage::Ready, DisconnectReason::LocalClose));
            dropped.notified().await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_peer_that_is_thought_about_keeps_no_other_waiting() {
    within("one_peer_that_is_thought_about_keeps_no_other_waiting", async {
        let judge = |request: Request| async move {
            if &request.peer.identity[..] == b"slow" { pending().await } else { Verdict::accept() }
        };
        let router = Router::with_options(quick().authenticator(judge));
        let endpoint = router.bind(At::Tcp.any()).await.unwrap();
        let [slow, quick] = ["slow", "quick"].map(|name| Dealer::with_options(quick().identity(name.parse().unwrap())));
        let mut at_slow = slow.monitor();
        slow.connect(&endpoint).unwrap();
        at_slow.skip_to("connected").await;
        quick.connect(&endpoint).unwrap();
        quick.send("hello").await.unwrap();
        assert_eq!(router.recv().await.unwrap().parts(), ["quick", "hello"]);
        assert_eq!(router.peers().len(), 1);
    })
    .await;
}
