//! Host names: resolved at every attempt, all their addresses tried.

mod common;

use std::io::ErrorKind;
use std::net::{IpAddr, ToSocketAddrs};

use bowline::endpoint::Host;
use bowline::{Endpoint, MonitorKind, Pull, Push};
use common::{Script, quick, text, within};

#[tokio::test]
async fn of_the_addresses_of_a_name_one_that_listens_is_enough() {
    within("of_the_addresses_of_a_name_one_that_listens_is_enough", async {
        for ip in ("localhost", 0).to_socket_addrs().unwrap().map(|address| address.ip()) {
            let (pull, push) = (Pull::new(), Push::with_options(quick()));
            let place = if matches!(ip, IpAddr::V6(_)) { format!("tcp://[{ip}]:*") } else { format!("tcp://{ip}:*") };
            let Endpoint::Tcp { host, port } = pull.bind(place).await.unwrap() else { unreachable!() };
            assert_eq!(host, Host::Ip(ip));
            let endpoint = push.connect(format!("tcp://localhost:{port}")).unwrap();
            push.send("hello").await.unwrap();
            assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
            let peer = &push.peers()[0];
            assert_eq!(peer.endpoint, Some(endpoint));
            assert!(peer.info.address.contains(&ip.to_string()), "{}", peer.info.address);
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_tried_again_and_again() {
    within("a_name_that_does_not_resolve_is_tried_again_and_again", async {
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        // RFC 6761 keeps this domain from ever being there.
        push.connect("tcp://nobody.invalid:5555").unwrap();
        for attempt in 1..4 {
            monitor.follow(&[&format!("connecting {attempt}")]).await;
            let retried = monitor.event().await.kind;
            assert!(
                matches!(retried, MonitorKind::ConnectRetried { cause: Some(ErrorKind::NotFound), .. }),
                "{retried:?}"
            );
        }
    })
    .await;
}
