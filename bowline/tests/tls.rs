//! What only TLS has: certificates good and bad, peers that speak none, cuts, renewals.
#![cfg(feature = "tls")]

mod common;

use bowline::{Options, Pull, Push};
use common::tls::Authority;
use common::{quick, within};

/// Both ends over TLS, with these options.
async fn pair(server: Options, client: Options) -> (Pull, Push) {
    let pull = Pull::with_options(server);
    let endpoint = pull.bind("tls+tcp://127.0.0.1:*").await.unwrap();
    let push = Push::with_options(client);
    push.connect(&endpoint).unwrap();
    (pull, push)
}

#[tokio::test]
async fn messages_of_every_size_pass() {
    within("messages_of_every_size_pass", async {
        let authority = Authority::new();
        let (server, client) = (quick().tls_server(authority.server()), quick().tls_client(authority.client()));
        let (pull, push) = pair(server, client).await;
        let sizes = [0, 1, 40, 41, 255, 256, 16_383, 16_384, 65_535, 65_536, 1_000_000, 10_000_000];
        for size in sizes {
            push.send(vec![7; size]).await.unwrap();
        }
        for size in sizes {
            let message = pull.recv().await.unwrap();
            assert!(message.parts()[0].len() == size && message.parts()[0].iter().all(|&byte| byte == 7));
        }
        assert_eq!(push.close().await, 0);
        pull.close().await;
    })
    .await;
}
