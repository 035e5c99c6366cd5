//! A page and a socket of another process, by WebSocket: `BOWLINE_ECHO` is where a DEALER listens that sends back what it gets,
//! while this is compiled.
#![cfg(target_family = "wasm")]

use std::collections::VecDeque;
use std::time::Duration;

use bowline::{Dealer, DisconnectReason, Message, Monitor, MonitorKind};

const ECHO: &str = env!("BOWLINE_ECHO");
/// No test takes this long.
const LIMIT: Duration = Duration::from_secs(60);

async fn within<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(LIMIT, test).await.expect("it hangs")
}

async fn skip_to(monitor: &mut Monitor, name: &str) -> MonitorKind {
    loop {
        let event = monitor.next().await.expect("the monitor has not ended");
        if event.kind.name() == name {
            return event.kind;
        }
    }
}

#[tokio::test]
async fn messages_of_every_size_come_back_as_they_were() {
    within(async {
        let dealer = Dealer::new();
        dealer.connect(ECHO).unwrap();
        for size in [0, 1, 255, 256, 8_191, 65_535, 65_536, 262_144, 1_000_000, 10_000_000] {
            let body: Vec<u8> = (0..size).map(|n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
            let parts: Message = [b"first".to_vec(), body.clone(), Vec::new()].into_iter().collect();
            dealer.send(parts).await.unwrap();
            let back = dealer.recv().await.unwrap();
            assert_eq!(back.parts().len(), 3);
            assert!(back.parts()[1] == body[..], "of {size} bytes");
        }
        dealer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_flood_comes_back_in_order() {
    within(async {
        let dealer = Dealer::new();
        dealer.connect(ECHO).unwrap();
        let sending = async {
            let mut queue: VecDeque<Message> = (0..100_000_u32).map(|n| n.to_be_bytes().to_vec().into()).collect();
            dealer.send_many(&mut queue).await.unwrap();
        };
        let receiving = async {
            let mut received = Vec::new();
            while received.len() < 100_000 {
                dealer.recv_many(&mut received, 1000).await.unwrap();
            }
            let numbers = received.iter().map(|message| u32::from_be_bytes(message.parts()[0][..].try_into().unwrap()));
            assert!(numbers.eq(0..100_000));
        };
        tokio::join!(sending, receiving);
        dealer.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_connection_is_told_once_and_a_new_one_is_made() {
    within(async {
        for _ in 0..20 {
            let dealer = Dealer::new();
            let mut monitor = dealer.monitor();
            dealer.connect(ECHO).unwrap();
            skip_to(&mut monitor, "ready").await;
            dealer.close().await;
            let told = skip_to(&mut monitor, "disconnected").await;
            assert!(matches!(told, MonitorKind::Disconnected(DisconnectReason::LocalClose)), "{told:?}");
        }
    })
    .await;
}
