//! What one peer does to the others: slow ones, late ones, and such that break the protocol.

mod common;

use bowline::rpc::{Client, Code};
use bowline::{Dealer, DisconnectReason, Message, ProtocolError};
use common::desk::{self, DeskClient};
use common::{Script, glance, usual};

for_each_transport! {
    served async fn a_handler_that_waits_delays_no_other_call(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let mut slow = client.gate();
        assert!(glance(&mut slow).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        for n in 0..1000 {
            assert_eq!(client.add(n, 1).await.unwrap(), n + 1);
        }
        assert!(glance(&mut slow).await.is_none());
        ear.shared.gate.add_permits(1);
        slow.await.unwrap();
    }

    async fn a_peer_that_breaks_the_protocol_loses_its_connection_and_nobody_else_does(at: At) {
        let (server, endpoint, mut ear) = desk::serve(at).await;
        let client = desk::ready(Client::builder().options(usual()).endpoint(endpoint.clone()).connect().unwrap()).await;
        let mut pending = client.gate();
        assert!(glance(&mut pending).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let nonsense = [
            Message::new(),
            Message::from(&[0xff; 10]),
            Message::from_iter(["three", "parts", "at once"]),
            // Data for a stream that nobody has opened.
            Message::from(&[0x01, 0x02, 0x03]),
        ];
        for message in nonsense {
            let mut monitor = server.monitor();
            let stranger = Dealer::with_options(usual());
            stranger.connect(&endpoint).unwrap();
            stranger.send(message.clone()).await.unwrap();
            let reason = monitor.loss().await;
            assert!(
                matches!(reason, DisconnectReason::Protocol(ProtocolError::Mux { .. })),
                "{message:?}: {reason}"
            );
            stranger.stop();
            assert_eq!(client.add(1, 2).await.unwrap(), 3);
        }
        ear.shared.gate.add_permits(1);
        pending.await.unwrap();
    }

    async fn a_codec_that_the_server_has_not_is_refused_before_anything_is_executed(at: At) {
        let (_server, endpoint, mut ear) = desk::serve(at).await;
        let stranger = Dealer::with_options(usual());
        stranger.connect(&endpoint).unwrap();
        let mut named = desk::named("gate");
        named[0] = 200;
        stranger.send(Message::from([&[0x28, 0][..], &named].concat())).await.unwrap();
        let answer = stranger.recv().await.unwrap();
        assert_eq!(answer.parts()[0][..3], [3, 0, Code::UNSUPPORTED_CODEC.0 as u8], "{answer:?}");
        assert!(ear.is_silent());
    }

    async fn calls_go_on_after_the_connection_was_lost(at: At) {
        let (server, endpoint, _ear) = desk::serve(at).await;
        let client = Client::builder().options(usual()).endpoint(endpoint).options(common::quick()).connect().unwrap();
        let client = desk::ready(client).await;
        let mut monitor = server.monitor();
        for n in 0..10 {
            assert_eq!(client.add(n, 1).await.unwrap(), n + 1);
            for peer in server.peers() {
                // It may be gone already, and then it is no peer any more.
                let _ = server.disconnect_peer(peer.connection);
            }
            monitor.loss().await;
            // Until this side has heard of it as well, its calls may still go there, and say so.
            while let Err(lost) = client.add(n, 1).await {
                assert!(matches!(lost, bowline::rpc::CallError::ConnectionLost { .. }), "{lost}");
            }
        }
    }

    async fn a_call_that_waits_when_the_connection_is_there_is_sent_at_once(at: At) {
        let (_server, endpoint, _ear) = desk::serve(at).await;
        for n in 0..20 {
            let client = DeskClient(Client::builder().options(usual()).endpoint(endpoint.clone()).connect().unwrap());
            assert_eq!(client.add(n, 1).await.unwrap(), n + 1);
        }
    }
}
