//! REQ, REP, DEALER and ROUTER over every transport: turns, envelopes, and peers that go away.

mod common;

use bowline::{Dealer, DisconnectReason, Message, RecvError, Rep, Req, Router, SendErrorKind};
use common::{At, Script, parts, quick, text, usual, within};

/// Answers each request with itself in capitals.
async fn serve(rep: Rep) {
    while let Ok(request) = rep.recv().await {
        if rep.send(text(&request)[0].to_uppercase()).await.is_err() {
            break;
        }
    }
}

/// Passes whole messages on in both directions.
async fn proxy(front: Router, back: Dealer) {
    loop {
        tokio::select! {
            Ok(request) = front.recv() => back.send(request).await.unwrap(),
            Ok(reply) = back.recv() => front.send(reply).await.unwrap(),
            else => break,
        }
    }
}

for_each_transport! {
    async fn requests_and_replies_take_turns(at: At) {
        let (req, rep) = (Req::with_options(usual()), Rep::with_options(usual()));
        let endpoint = rep.bind(at.any()).await.unwrap();
        req.connect(&endpoint).unwrap();
        for n in 0..50 {
            assert_eq!(req.recv().await, Err(RecvError::OutOfTurn));
            assert_eq!(rep.send("nobody asked").await.unwrap_err().kind, SendErrorKind::OutOfTurn);
            req.send(format!("request {n}")).await.unwrap();
            let twice = req.send("again").await.unwrap_err();
            assert_eq!((twice.kind, text(&twice.message)), (SendErrorKind::OutOfTurn, vec!["again".to_owned()]));
            assert_eq!(text(&rep.recv().await.unwrap()), [format!("request {n}")]);
            assert_eq!(rep.recv().await, Err(RecvError::OutOfTurn));
            rep.send(parts(["reply", &n.to_string()])).await.unwrap();
            assert_eq!(text(&req.recv().await.unwrap()), ["reply".to_owned(), n.to_string()]);
        }
    }

    async fn requests_go_to_each_server_in_its_turn(at: At) {
        let req = Req::with_options(usual());
        let mut monitor = req.monitor();
        let servers = [Rep::with_options(usual()), Rep::with_options(usual())];
        for server in &servers {
            req.connect(server.bind(at.any()).await.unwrap()).unwrap();
        }
        monitor.peers(2).await;
        for n in 0..10 {
            req.send(n.to_string()).await.unwrap();
            let server = &servers[n % 2];
            assert_eq!(text(&server.recv().await.unwrap()), [n.to_string()]);
            server.send(Message::default()).await.unwrap();
            req.recv().await.unwrap();
        }
    }

    async fn envelopes_lead_through_a_chain_of_proxies(at: At) {
        let rep = Rep::with_options(usual());
        let mut behind = rep.bind(at.any()).await.unwrap();
        let server = tokio::spawn(serve(rep));
        let mut chain = Vec::new();
        for _ in 0..3 {
            let (front, back) = (Router::with_options(usual()), Dealer::with_options(usual()));
            back.connect(&behind).unwrap();
            behind = front.bind(at.any()).await.unwrap();
            chain.push(tokio::spawn(proxy(front, back)));
        }
        let clients: Vec<_> = (0..10)
            .map(|client| {
                let front = behind.clone();
                tokio::spawn(async move {
                    let req = Req::with_options(usual());
                    req.connect(&front).unwrap();
                    for n in 0..20 {
                        req.send(format!("client {client} asks {n}")).await.unwrap();
                        assert_eq!(text(&req.recv().await.unwrap()), [format!("CLIENT {client} ASKS {n}")]);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        for proxy in chain {
            proxy.abort();
        }
        server.abort();
    }

    async fn a_dealer_talks_to_a_rep_with_an_envelope_of_its_own(at: At) {
        let (dealer, rep) = (Dealer::with_options(usual()), Rep::with_options(usual()));
        dealer.connect(rep.bind(at.any()).await.unwrap()).unwrap();
        dealer.send(parts(["no envelope"])).await.unwrap();
        dealer.send(parts(["id", "more", "", "request"])).await.unwrap();
        // What has no envelope is dropped: it could never be answered.
        assert_eq!(text(&rep.recv().await.unwrap()), ["request"]);
        rep.send("reply").await.unwrap();
        assert_eq!(text(&dealer.recv().await.unwrap()), ["id", "more", "", "reply"]);
    }

    async fn a_router_names_its_peers_and_finds_them_by_name(at: At) {
        let router = Router::with_options(usual().router_mandatory(true));
        let endpoint = router.bind(at.any()).await.unwrap();
        let named = Dealer::with_options(quick().identity("ann".parse().unwrap()));
        let nameless = Dealer::with_options(usual());
        named.connect(&endpoint).unwrap();
        nameless.connect(&endpoint).unwrap();

        named.send("hello").await.unwrap();
        assert_eq!(text(&router.recv().await.unwrap()), ["ann", "hello"]);
        nameless.send("hello").await.unwrap();
        let hello = router.recv().await.unwrap();
        let made = hello.parts()[0].clone();
        assert_eq!((made.len(), made[0]), (5, 0));

        router.send(parts(["ann", "for ann", ""])).await.unwrap();
        router.send([made, "for nobody".into()].into_iter().collect::<Message>()).await.unwrap();
        assert_eq!(text(&named.recv().await.unwrap()), ["for ann", ""]);
        assert_eq!(text(&nameless.recv().await.unwrap()), ["for nobody"]);
        assert_eq!(router.send("ann").await.unwrap_err().kind, SendErrorKind::NoIdentity);
    }

    async fn a_mandatory_router_returns_what_it_cannot_route(at: At) {
        let router = Router::with_options(usual().router_mandatory(true));
        let mut monitor = router.monitor();
        let endpoint = router.bind(at.any()).await.unwrap();
        let unknown = router.send(parts(["ann", "hello"])).await.unwrap_err();
        assert_eq!((unknown.kind, text(&unknown.message)), (SendErrorKind::Unroutable, text(&parts(["ann", "hello"]))));

        let ann = Dealer::with_options(quick().identity("ann".parse().unwrap()));
        ann.connect(&endpoint).unwrap();
        router.wait_for_peer().await;
        router.send(parts(["ann", "hello"])).await.unwrap();
        ann.close().await;
        monitor.loss().await;
        assert_eq!(router.send(parts(["ann", "gone"])).await.unwrap_err().kind, SendErrorKind::Unroutable);
    }

    async fn any_other_router_drops_what_it_cannot_route(at: At) {
        let router = Router::with_options(usual());
        router.bind(at.any()).await.unwrap();
        router.send(parts(["ann", "hello"])).await.unwrap();
        router.try_send(parts(["ann", "hello"])).unwrap();
    }

    async fn a_sender_that_waits_for_a_full_peer_hears_that_it_is_gone(at: At) {
        let router = Router::with_options(usual().router_mandatory(true).send_hwm(1));
        let endpoint = router.bind(at.any()).await.unwrap();
        let ann = Dealer::with_options(quick().identity("ann".parse().unwrap()).recv_hwm(1).linger(None));
        ann.connect(&endpoint).unwrap();
        router.wait_for_peer().await;
        let body = "x".repeat(1 << 20);
        let flooding = async {
            loop {
                if let Err(error) = router.send(parts(["ann", &body])).await {
                    break error.kind;
                }
            }
        };
        let leaving = async {
            common::settle().await;
            ann.stop();
        };
        assert_eq!(tokio::join!(flooding, leaving).0, SendErrorKind::Unroutable);
    }

    async fn a_name_is_handed_over_to_the_newer_peer_if_the_router_says_so(at: At) {
        let router = Router::with_options(usual().router_handover(true).router_mandatory(true));
        let mut monitor = router.monitor();
        let endpoint = router.bind(at.any()).await.unwrap();
        let ann = || usual().identity("ann".parse().unwrap()).reconnect(bowline::Reconnect::Never);
        let (older, newer) = (Dealer::with_options(ann()), Dealer::with_options(ann()));
        older.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        newer.connect(&endpoint).unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::Superseded);
        router.send(parts(["ann", "who are you?"])).await.unwrap();
        assert_eq!(text(&newer.recv().await.unwrap()), ["who are you?"]);
        newer.send("the newer").await.unwrap();
        assert_eq!(text(&router.recv().await.unwrap()), ["ann", "the newer"]);
    }

    async fn a_name_that_is_taken_is_refused_and_free_again_when_its_peer_is_gone(at: At) {
        let router = Router::with_options(usual().router_mandatory(true));
        let mut monitor = router.monitor();
        let endpoint = router.bind(at.any()).await.unwrap();
        let ann = || quick().identity("ann".parse().unwrap());
        let (older, newer) = (Dealer::with_options(ann()), Dealer::with_options(ann()));
        older.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        newer.connect(&endpoint).unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::IdentityTaken);
        older.send("still here").await.unwrap();
        assert_eq!(text(&router.recv().await.unwrap()), ["ann", "still here"]);
        older.close().await;
        while monitor.loss().await == DisconnectReason::IdentityTaken {}
        // The newer one keeps trying, so it has the name at last.
        while router.send(parts(["ann", "welcome"])).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(text(&newer.recv().await.unwrap()), ["welcome"]);
    }

    async fn a_request_whose_server_goes_is_lost_and_the_next_may_be_sent(at: At) {
        let (req, rep) = (Req::with_options(quick()), Rep::with_options(usual()));
        let place = rep.bind(at.place()).await.unwrap();
        req.connect(&place).unwrap();
        req.send("request").await.unwrap();
        rep.recv().await.unwrap();
        let (lost, ()) = tokio::join!(req.recv(), async {
            rep.stop();
            rep.close().await;
        });
        assert_eq!(lost, Err(RecvError::PeerLost));

        let again = Rep::with_options(usual());
        again.bind(&place).await.unwrap();
        req.send("request again").await.unwrap();
        assert_eq!(text(&again.recv().await.unwrap()), ["request again"]);
        again.send("reply").await.unwrap();
        assert_eq!(text(&req.recv().await.unwrap()), ["reply"]);
    }

    async fn a_reply_never_goes_to_the_next_client(at: At) {
        let rep = Rep::with_options(usual());
        let mut monitor = rep.monitor();
        let endpoint = rep.bind(at.any()).await.unwrap();
        let (first, second) = (Req::with_options(quick()), Req::with_options(usual()));
        first.connect(&endpoint).unwrap();
        first.send("from the first").await.unwrap();
        assert_eq!(text(&rep.recv().await.unwrap()), ["from the first"]);
        second.connect(&endpoint).unwrap();
        second.send("from the second").await.unwrap();
        monitor.peers(2).await;
        first.stop();
        monitor.loss().await;
        rep.send("for the first").await.unwrap();
        assert_eq!(text(&rep.recv().await.unwrap()), ["from the second"]);
        rep.send("for the second").await.unwrap();
        assert_eq!(text(&second.recv().await.unwrap()), ["for the second"]);
    }

    async fn a_relaxed_req_may_ask_again_and_gets_the_reply_to_its_last_request(at: At) {
        for correlate in [false, true] {
            let req = Req::with_options(quick().req_relaxed(true).req_correlate(correlate));
            let rep = Rep::with_options(usual());
            req.connect(rep.bind(at.any()).await.unwrap()).unwrap();
            let server = tokio::spawn(serve(rep));
            for n in 0..5 {
                req.send(format!("given up {n}")).await.unwrap();
                req.send(format!("asked {n}")).await.unwrap();
                assert_eq!(text(&req.recv().await.unwrap()), [format!("ASKED {n}")], "correlate: {correlate}");
            }
            server.abort();
        }
    }

    async fn replies_are_matched_to_requests_by_a_router_that_answers_late(at: At) {
        let req = Req::with_options(quick().req_relaxed(true).req_correlate(true));
        let router = Router::with_options(usual());
        req.connect(router.bind(at.any()).await.unwrap()).unwrap();
        req.send("one").await.unwrap();
        let mut late = router.recv().await.unwrap().into_parts();
        req.send("two").await.unwrap();
        let mut timely = router.recv().await.unwrap().into_parts();
        assert_eq!((late.len(), timely.len()), (4, 4));
        *late.last_mut().unwrap() = "late".into();
        *timely.last_mut().unwrap() = "timely".into();
        router.send(late.into_iter().collect::<Message>()).await.unwrap();
        router.send(timely.into_iter().collect::<Message>()).await.unwrap();
        assert_eq!(text(&req.recv().await.unwrap()), ["timely"]);
    }
}

#[tokio::test]
async fn what_a_refused_peer_had_sent_in_process_is_not_received() {
    within("what_a_refused_peer_had_sent_in_process_is_not_received", async {
        let ann = || usual().identity("ann".parse().unwrap()).reconnect(bowline::Reconnect::Never);
        let (older, newer) = (Dealer::with_options(ann()), Dealer::with_options(ann()));
        let place = older.connect(At::Inproc.place()).unwrap();
        let router = Router::with_options(usual());
        router.bind(&place).await.unwrap();
        older.wait_for_peer().await;
        let mut monitor = router.monitor();
        let elsewhere = newer.connect(At::Inproc.place()).unwrap();
        newer.send("let me in").await.unwrap();
        router.bind(&elsewhere).await.unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::IdentityTaken);
        older.send("hello").await.unwrap();
        assert_eq!(text(&router.recv().await.unwrap()), ["ann", "hello"]);
        assert_eq!(router.try_recv(), Err(RecvError::WouldBlock));
    })
    .await;
}
