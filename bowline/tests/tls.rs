//! What only TLS has: certificates good and bad, peers that speak none, cuts, renewals.
#![cfg(feature = "tls")]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use bowline::auth::{Code, Request, Verdict};
use bowline::curve::{self, CurveClient, CurveServer};
use bowline::endpoint::Host;
use bowline::error::{HandshakeStage, TlsAlert, TlsFault};
use bowline::tls::{ClientCertificates, TlsClient, TlsRoots, TlsServer, TlsSettingsCause};
use bowline::{
    AcceptLimit, BindCause, ConnectCause, DisconnectReason, Endpoint, Mechanism, Monitor, MonitorKind, Options,
    PeerLimits, ProtocolError, Pull, Push, ReconnectStop,
};
use common::raw::{Raw, greeting};
use common::tls::{Authority, Pair};
use common::{Script, number, quick, within};
use rcgen::date_time_ymd;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A script, which fails by its name when it hangs.
macro_rules! script {
    ($(#[$meta:meta])* async fn $name:ident() $body:block) => {
        $(#[$meta])*
        #[tokio::test]
        async fn $name() {
            within(stringify!($name), async $body).await;
        }
    };
}

/// A PULL that listens, a PUSH that dials it, and what both tell.
struct Ends {
    pull: Pull,
    heard: Monitor,
    endpoint: Endpoint,
    push: Push,
    told: Monitor,
}

/// Both ends over TLS, with these options.
async fn ends(server: Options, client: Options) -> Ends {
    let pull = Pull::with_options(server);
    let heard = pull.monitor();
    let endpoint = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap();
    let push = Push::with_options(client);
    let told = push.monitor();
    push.connect(&endpoint).unwrap();
    Ends { pull, heard, endpoint, push, told }
}

/// Why the handshake fails, at the server and at the client.
async fn faults(server: TlsServer, client: TlsClient) -> [DisconnectReason; 2] {
    let mut ends = ends(quick().tls_server(server), quick().tls_client(client)).await;
    [ends.heard.refusal().await, ends.told.refusal().await]
}

fn alert(alert: TlsAlert) -> DisconnectReason {
    TlsFault::Alert(alert).into()
}

/// Where a TCP client reaches it.
async fn tcp(endpoint: &Endpoint) -> TcpStream {
    let Endpoint::Tls { host: Host::Ip(ip), port } = endpoint else { panic!("{endpoint} is not of TLS") };
    TcpStream::connect((*ip, *port)).await.expect("somebody listens")
}

/// The same place without TLS.
fn plain(endpoint: &Endpoint) -> Endpoint {
    endpoint.to_string().trim_start_matches("tls+").parse().expect("an endpoint")
}

/// Two files of this test.
fn files(test: &str) -> [PathBuf; 2] {
    let at = |kind| std::env::temp_dir().join(format!("bowline-tls-{}-{test}.{kind}", std::process::id()));
    [at("pem"), at("key")]
}

fn remove(files: &[PathBuf; 2]) {
    for file in files {
        std::fs::remove_file(file).expect("it was there");
    }
}

script! {
    async fn messages_of_every_size_pass() {
        let authority = Authority::new();
        let server = quick().tls_server(authority.server());
        let ends = ends(server, quick().tls_client(authority.client())).await;
        let sizes = [0, 1, 40, 41, 255, 256, 16_383, 16_384, 65_535, 65_536, 1_000_000, 10_000_000];
        for size in sizes {
            ends.push.send(vec![7; size]).await.unwrap();
        }
        for size in sizes {
            let message = ends.pull.recv().await.unwrap();
            assert!(message.parts()[0].len() == size && message.parts()[0].iter().all(|&byte| byte == 7));
        }
        assert_eq!(ends.push.close().await, 0);
    }
}

script! {
    async fn both_sides_see_the_certificate_of_the_other() {
        let authority = Authority::new();
        let (servers, clients) = (authority.issue("localhost"), authority.issue("worker-1"));
        let server = servers.server().client_certificates(authority.roots(), ClientCertificates::Required).unwrap();
        let client = authority.client().certificate(&clients.certificate, &clients.key).unwrap();
        let mut ends = ends(quick().tls_server(server), quick().tls_client(client)).await;
        for (monitor, name) in [(&mut ends.heard, "CN=worker-1"), (&mut ends.told, "CN=localhost")] {
            let peer = monitor.skip_to("ready").await.peer.expect("a peer");
            let certificate = peer.certificate.clone().expect("a certificate");
            assert_eq!((&*certificate.subject, certificate.fingerprint_hex().len()), (name, 64));
        }
        assert_eq!(ends.pull.peers()[0].info.certificate.as_ref().unwrap().subject, "CN=worker-1");
    }
}

/// Knows one certificate, by its subject.
async fn knows_worker_1(request: Request) -> Verdict {
    match request.peer.certificate {
        Some(certificate) if certificate.subject == "CN=worker-1" => Verdict::accept_as("worker-1"),
        _ => Verdict::refuse(Code::Credentials, "unknown"),
    }
}

script! {
    async fn an_authenticator_judges_by_the_certificate() {
        let authority = Authority::new();
        let server = authority.server().client_certificates(authority.roots(), ClientCertificates::Required).unwrap();
        let judging = quick().tls_server(server).authenticator(knows_worker_1);
        let client = |name| {
            let shown = authority.issue(name);
            quick().tls_client(authority.client().certificate(shown.certificate, shown.key).unwrap())
        };
        let mut ends = ends(judging, client("worker-2")).await;
        assert!(matches!(ends.heard.refusal().await, DisconnectReason::Unauthorized(_)));
        let known = Push::with_options(client("worker-1"));
        known.connect(&ends.endpoint).unwrap();
        ends.heard.peers(1).await;
        assert_eq!(ends.pull.peers()[0].info.user.as_deref(), Some("worker-1"));
    }
}

script! {
    async fn a_client_may_show_no_certificate_where_none_is_required() {
        let authority = Authority::new();
        let server = authority.server().client_certificates(authority.roots(), ClientCertificates::Optional).unwrap();
        let mut ends = ends(quick().tls_server(server), quick().tls_client(authority.client())).await;
        assert_eq!(ends.heard.skip_to("ready").await.peer.expect("a peer").certificate, None);
    }
}

script! {
    async fn a_client_without_a_certificate_is_refused_where_one_is_required() {
        let authority = Authority::new();
        let server = authority.server().client_certificates(authority.roots(), ClientCertificates::Required).unwrap();
        let met = faults(server, authority.client()).await;
        assert_eq!(met, [TlsFault::NoCertificate.into(), alert(TlsAlert::CertificateRequired)]);
    }
}

script! {
    async fn a_client_of_another_issuer_is_refused() {
        let (authority, other) = (Authority::new(), Authority::new());
        let stranger = other.issue("worker-1");
        let server = authority.server().client_certificates(authority.roots(), ClientCertificates::Required).unwrap();
        let client = authority.client().certificate(&stranger.certificate, &stranger.key).unwrap();
        assert_eq!(faults(server, client).await, [TlsFault::UnknownIssuer.into(), alert(TlsAlert::UnknownCa)]);
    }
}

script! {
    async fn a_server_of_another_issuer_is_refused() {
        let met = faults(Authority::new().server(), Authority::new().client()).await;
        assert_eq!(met, [alert(TlsAlert::UnknownCa), TlsFault::UnknownIssuer.into()]);
        // One that took the name of the issuer.
        let met = faults(Authority::named("same").server(), Authority::named("same").client()).await;
        assert_eq!(met, [alert(TlsAlert::DecryptError), TlsFault::UnknownIssuer.into()]);
    }
}

script! {
    async fn a_server_of_another_name_is_refused() {
        let authority = Authority::new();
        let met = faults(authority.server(), authority.client().server_name("example.org")).await;
        assert_eq!(met, [alert(TlsAlert::BadCertificate), TlsFault::WrongName.into()]);
        // Without another name it is that of the endpoint.
        let met = faults(authority.server(), TlsClient::new(authority.roots()).unwrap()).await;
        assert_eq!(met[1], TlsFault::WrongName.into());
    }
}

script! {
    async fn a_certificate_that_is_too_old_or_too_new_is_refused() {
        let authority = Authority::new();
        let old = authority.issue_with("localhost", |params| params.not_after = date_time_ymd(2001, 1, 1));
        let met = faults(old.server(), authority.client()).await;
        assert_eq!(met, [alert(TlsAlert::CertificateExpired), TlsFault::Expired.into()]);
        let new = authority.issue_with("localhost", |params| params.not_before = date_time_ymd(3001, 1, 1));
        assert_eq!(faults(new.server(), authority.client()).await[1], TlsFault::NotYetValid.into());
    }
}

script! {
    async fn a_certificate_that_is_not_for_servers_is_refused() {
        let authority = Authority::new();
        let wrong = |params: &mut rcgen::CertificateParams| params.extended_key_usages.truncate(0);
        let purpose = rcgen::ExtendedKeyUsagePurpose::ClientAuth;
        let clients = authority.issue_with("localhost", |params| {
            wrong(params);
            params.extended_key_usages.push(purpose);
        });
        assert_eq!(faults(clients.server(), authority.client()).await[1], TlsFault::BadCertificate.into());
    }
}

script! {
    async fn both_sides_must_agree_on_a_protocol_where_one_of_them_names_any() {
        let authority = Authority::new();
        let server = || authority.server().alpn(["zmtp", "zmtp/4"]).unwrap();
        let met = faults(server(), authority.client().alpn(["http/1.1"]).unwrap()).await;
        assert_eq!(met, [TlsFault::NoCommonProtocol.into(), alert(TlsAlert::NoApplicationProtocol)]);
        assert_eq!(faults(server(), authority.client()).await[0], TlsFault::NoCommonProtocol.into());
        assert_eq!(faults(authority.server(), authority.client().alpn(["zmtp"]).unwrap()).await[1],
            TlsFault::NoCommonProtocol.into());
        let client = quick().tls_client(authority.client().alpn(["zmtp/4"]).unwrap());
        ends(quick().tls_server(server()), client).await.told.peers(1).await;
    }
}

script! {
    async fn a_peer_without_tls_and_a_peer_with_it_know_each_other_by_name() {
        let authority = Authority::new();
        let pull = Pull::with_options(quick().tls_server(authority.server()));
        let mut heard = pull.monitor();
        let endpoint = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap();
        let push = Push::with_options(quick());
        let mut told = push.monitor();
        push.connect(plain(&endpoint)).unwrap();
        assert_eq!(heard.refusal().await, TlsFault::PlainZmtp.into());
        assert_eq!(told.refusal().await, ProtocolError::SpeaksTls.into());

        let pull = Pull::with_options(quick());
        let mut heard = pull.monitor();
        let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
        let push = Push::with_options(quick().tls_client(authority.client()));
        let mut told = push.monitor();
        push.connect(format!("tls+{endpoint}")).unwrap();
        assert_eq!(heard.refusal().await, ProtocolError::SpeaksTls.into());
        assert_eq!(told.refusal().await, TlsFault::PlainZmtp.into());
    }
}

script! {
    async fn what_is_not_tls_is_told_from_its_first_bytes() {
        let authority = Authority::new();
        let mut ends = ends(quick().tls_server(authority.server()), quick().tls_client(authority.client())).await;
        ends.heard.peers(1).await;
        let mut stranger = Raw { stream: tcp(&ends.endpoint).await };
        stranger.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(ends.heard.refusal().await, TlsFault::NotTls.into());
        stranger.closed().await;
        // An honest peer is not disturbed.
        ends.push.send("1").await.unwrap();
        assert_eq!(number(&ends.pull.recv().await.unwrap()), 1);
    }
}

script! {
    async fn a_handshake_that_drips_or_says_nothing_has_its_time_and_no_more() {
        let authority = Authority::new();
        let limits = PeerLimits::new().max_handshakes(Some(1));
        let options = quick().tls_server(authority.server()).limits(limits);
        let pull = Pull::with_options(options.handshake_timeout(Duration::from_secs(1)));
        let mut heard = pull.monitor();
        let endpoint = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap();
        let mut slow = Raw { stream: tcp(&endpoint).await };
        slow.send(b"\x16\x03\x01\x02").await;
        heard.skip_to("accepted").await;
        // It counts as a handshake meanwhile.
        Raw { stream: tcp(&endpoint).await }.closed().await;
        let refused = heard.skip_to("accept_refused").await.kind;
        assert!(matches!(refused, MonitorKind::AcceptRefused { limit: AcceptLimit::Handshakes(1), .. }), "{refused:?}");
        let failed = heard.skip_to("handshake_failed").await.kind;
        let reason = DisconnectReason::HandshakeTimeout;
        assert_eq!(failed, MonitorKind::HandshakeFailed { stage: HandshakeStage::Greeting, reason });
        slow.closed().await;
    }
}

script! {
    async fn a_dialer_tries_a_wrong_certificate_again_unless_it_is_told_not_to() {
        let (authority, other) = (Authority::new(), Authority::new());
        let mut ends = ends(quick().tls_server(other.server()), quick().tls_client(authority.client())).await;
        ends.told.refusal().await;
        ends.told.refusal().await;
        let stops = quick().reconnect_stop(ReconnectStop::default().protocol_error(true));
        let push = Push::with_options(stops.tls_client(authority.client()));
        let mut told = push.monitor();
        push.connect(&ends.endpoint).unwrap();
        let stopped = told.skip_to("connect_stopped").await.kind;
        assert_eq!(stopped, MonitorKind::ConnectStopped(TlsFault::UnknownIssuer.into()));
    }
}

script! {
    async fn a_renewed_certificate_is_for_new_connections_and_the_old_ones_stay() {
        let (authority, successor) = (Authority::new(), Authority::new());
        let files = files("renewed");
        authority.issue("localhost").save(&files);
        let server = TlsServer::from_pem_files(&files[0], &files[1]).unwrap();
        let mut ends = ends(quick().tls_server(server.clone()), quick().tls_client(authority.client())).await;
        ends.heard.peers(1).await;

        successor.issue("localhost").save(&files);
        server.reload().unwrap();
        let newer = Push::with_options(quick().tls_client(successor.client()));
        newer.connect(&ends.endpoint).unwrap();
        ends.heard.peers(1).await;
        for (number, push) in [&ends.push, &newer].into_iter().enumerate() {
            push.send(number.to_string()).await.unwrap();
            assert_eq!(common::number(&ends.pull.recv().await.unwrap()), number);
        }

        std::fs::write(&files[1], "no key").unwrap();
        let error = server.reload().unwrap_err();
        assert_eq!(error.to_string(), format!("{}: there is no private key in it", files[1].display()));
        let newest = Push::with_options(quick().tls_client(successor.client()));
        newest.connect(&ends.endpoint).unwrap();
        ends.heard.peers(1).await;
        remove(&files);
    }
}

script! {
    async fn certificates_are_renewed_under_traffic() {
        let authority = Authority::new();
        let files = files("traffic");
        authority.issue("localhost").save(&files);
        let server = TlsServer::from_pem_files(&files[0], &files[1]).unwrap();
        let ends = ends(quick().tls_server(server.clone()), quick().tls_client(authority.client())).await;
        for number in 0..500 {
            if number % 50 == 0 {
                authority.issue("localhost").save(&files);
                server.reload().unwrap();
                let newer = Push::with_options(quick().tls_client(authority.client()));
                newer.connect(&ends.endpoint).unwrap();
                newer.wait_for_peer().await;
                newer.close().await;
            }
            ends.push.send(number.to_string()).await.unwrap();
            assert_eq!(common::number(&ends.pull.recv().await.unwrap()), number);
        }
        remove(&files);
    }
}

script! {
    async fn a_cut_without_goodbye_is_told_as_one() {
        let authority = Authority::new();
        let mut ends = ends(quick().tls_server(authority.server()), quick().tls_client(authority.client())).await;
        ends.heard.peers(1).await;
        ends.push.close().await;
        assert_eq!(ends.heard.loss().await, DisconnectReason::PeerClosed, "a goodbye is no cut");

        // Whoever is between the two ends the connection, after all that has passed.
        let relay = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let push = Push::with_options(quick().tls_client(authority.client()));
        push.connect(format!("tls+tcp://127.0.0.1:{}", relay.local_addr().unwrap().port())).unwrap();
        let (mut near, mut far) = (relay.accept().await.unwrap().0, tcp(&ends.endpoint).await);
        let passing = tokio::io::copy_bidirectional(&mut near, &mut far);
        tokio::select! {
            _ = passing => panic!("nobody ends it"),
            () = ends.heard.peers(1) => {}
        }
        drop((near, far));
        assert_eq!(ends.heard.loss().await, TlsFault::Truncated.into());
    }
}

script! {
    async fn close_delivers_all_before_it_says_goodbye() {
        let authority = Authority::new();
        let server = quick().tls_server(authority.server()).recv_buffer(Some(4096));
        let mut ends = ends(server, quick().tls_client(authority.client()).send_buffer(Some(4096))).await;
        ends.heard.peers(1).await;
        for _ in 0..100 {
            ends.push.send(vec![1; 100_000]).await.unwrap();
        }
        let (dropped, ()) = tokio::join!(ends.push.close(), async {
            for _ in 0..100 {
                assert_eq!(ends.pull.recv().await.unwrap().parts()[0].len(), 100_000);
            }
        });
        assert_eq!((dropped, ends.heard.loss().await), (0, DisconnectReason::PeerClosed));
    }
}

script! {
    async fn curve_goes_inside_of_it() {
        let authority = Authority::new();
        let (server, client) = (curve::generate().unwrap(), curve::generate().unwrap());
        let admits = Mechanism::CurveServer(CurveServer::new(server.clone()).only([client.public()]));
        let knows = Mechanism::CurveClient(CurveClient::new(server.public(), client));
        let admitting = quick().tls_server(authority.server()).mechanism(admits);
        let ends = ends(admitting, quick().tls_client(authority.client()).mechanism(knows)).await;
        ends.push.send(vec![3; 200_000]).await.unwrap();
        assert_eq!(ends.pull.recv().await.unwrap().parts()[0].len(), 200_000);
        let peer = &ends.pull.peers()[0].info;
        assert_eq!((peer.mechanism, peer.certificate.is_some()), ("CURVE", false));
    }
}

script! {
    async fn a_peer_that_speaks_badly_inside_of_it_is_told_as_over_tcp() {
        let authority = Authority::new();
        let mut ends = ends(quick().tls_server(authority.server()), quick().tls_client(authority.client())).await;
        ends.heard.peers(1).await;
        let client = Push::with_options(quick().tls_client(authority.client()).mechanism(Mechanism::PlainServer(vec![])));
        client.connect(&ends.endpoint).unwrap();
        let theirs = "PLAIN".to_owned();
        let mismatch = ProtocolError::MechanismMismatch { ours: "NULL", theirs };
        assert_eq!(ends.heard.refusal().await, mismatch.into());
    }
}

script! {
    async fn what_is_missing_is_said_before_anything_is_tried() {
        let pull = Pull::new();
        let cause = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap_err().cause;
        assert!(matches!(cause, BindCause::NoTlsServer), "{cause:?}");
        assert_eq!(Push::new().connect("tls+tcp://localhost:1").unwrap_err().cause, ConnectCause::NoTlsClient);
        let client = TlsClient::new(Authority::new().roots()).unwrap();
        let push = Push::with_options(Options::new().tls_client(client.clone()));
        assert_eq!(push.connect("tls+tcp://no_name-:1").unwrap_err().cause, ConnectCause::NoServerName);
        let push = Push::with_options(Options::new().tls_client(client.server_name("not a name")));
        assert_eq!(push.connect("tls+tcp://localhost:1").unwrap_err().cause, ConnectCause::NoServerName);
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let authority = Authority::new();
    let (one, two) = (authority.issue("one"), authority.issue("two"));
    let cause = |pair: [&str; 2]| TlsServer::from_pem(pair[0], pair[1]).unwrap_err().cause;
    assert_eq!(cause(["", &one.key]), TlsSettingsCause::NoCertificate);
    assert_eq!(cause([&one.key, &one.key]), TlsSettingsCause::NoCertificate);
    assert_eq!(cause([&one.certificate, ""]), TlsSettingsCause::NoKey);
    assert_eq!(cause([&one.certificate, &two.key]), TlsSettingsCause::KeyMismatch);
    let cut = one.certificate.replace("-----END", "");
    assert_eq!(cause([&cut, &one.key]), TlsSettingsCause::MalformedPem);
    let missing = TlsClient::new(TlsRoots::pem_file("/nowhere/ca.pem")).unwrap_err();
    assert_eq!(missing.cause, TlsSettingsCause::Io(std::io::ErrorKind::NotFound));
    assert_eq!(missing.to_string(), "/nowhere/ca.pem: entity not found");
}

#[test]
fn no_key_is_ever_shown() {
    let Pair { certificate, key } = Authority::new().issue("one");
    let shown = format!("{:?}", Options::new().tls_server(TlsServer::from_pem(certificate, &key).unwrap()));
    assert!(!shown.contains(&key[40..60]) && shown.contains("key: Given"), "{shown}");
}

script! {
    async fn a_stranger_that_goes_away_in_its_handshake_is_one_that_closed() {
        let authority = Authority::new();
        let pull = Pull::with_options(quick().tls_server(authority.server()));
        let mut heard = pull.monitor();
        let endpoint = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap();
        drop(tcp(&endpoint).await);
        assert_eq!(heard.refusal().await, DisconnectReason::PeerClosed);
        // Half a record, then the end; and an alert that says goodbye.
        for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\x15\x03\x03\x00\x02\x01\x00"] {
            let mut stranger = Raw { stream: tcp(&endpoint).await };
            stranger.send(bytes).await;
            drop(stranger);
            let reason = heard.refusal().await;
            assert!(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Tls(_)), "{reason:?}");
        }
        let mut plain = Raw { stream: tcp(&endpoint).await };
        plain.send(greeting("NULL")).await;
        let mut alert = [0; 3];
        plain.stream.read_exact(&mut alert).await.unwrap();
        assert_eq!(alert[..2], [0x15, 3], "an alert of TLS says why");
    }
}
