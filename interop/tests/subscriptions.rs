//! Subscriptions that change while the connection is up, from our side and from theirs.

use std::time::Duration;

use bowline::{AnySocket, SocketType};
use bowline_interop::{Outcome, Peer, Theirs, Transport, ours, within};
use serde_json::json;

/// Our SUB or XSUB, joined to their XPUB, which shows every subscription that arrives.
async fn our_subscriber(peer: &mut Peer, kind: SocketType) -> Outcome<(AnySocket, Theirs)> {
    let publisher = peer.socket("XPUB", json!({})).await?;
    let endpoint = peer.bind(&publisher, &Transport::Tcp.fresh()).await?;
    let subscriber = ours::socket(kind, ours::options());
    ours::connect(&subscriber, &endpoint)?;
    ours::peer(&subscriber).await?;
    Ok((subscriber, publisher))
}

/// Their SUB or XSUB, joined to our XPUB.
async fn their_subscriber(peer: &mut Peer, kind: &str) -> Outcome<(AnySocket, Theirs)> {
    let publisher = ours::socket(SocketType::XPub, ours::options());
    let endpoint = ours::bind(&publisher, &Transport::Tcp.fresh()).await?;
    let subscriber = peer.socket(kind, json!({})).await?;
    peer.connect(&subscriber, &endpoint).await?;
    Ok((publisher, subscriber))
}

async fn we_publish(publisher: &AnySocket, messages: &[&str]) -> Outcome {
    for message in messages {
        ours::send(publisher, *message).await?;
    }
    Ok(())
}

async fn they_publish(peer: &mut Peer, publisher: &Theirs, messages: &[&str]) -> Outcome {
    for message in messages {
        peer.send_parts(publisher, &[message.as_bytes()]).await?;
    }
    Ok(())
}

async fn we_hear(subscriber: &AnySocket, messages: &[&str]) -> Outcome {
    for message in messages {
        ours::expect_parts(subscriber, &[message.as_bytes()]).await?;
    }
    Ok(())
}

async fn they_hear(peer: &mut Peer, subscriber: &Theirs, messages: &[&str]) -> Outcome {
    for message in messages {
        peer.expect_parts(subscriber, &[message.as_bytes()]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn our_sub_changes_its_mind_on_a_live_connection() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (subscriber, publisher) = our_subscriber(&mut peer, SocketType::Sub).await?;
    ours::subscribe(&subscriber, "a")?;
    they_hear(&mut peer, &publisher, &["\x01a"]).await?;
    they_publish(&mut peer, &publisher, &["b1", "a1", "ab1"]).await?;
    we_hear(&subscriber, &["a1", "ab1"]).await?;
    ours::subscribe(&subscriber, "b")?;
    they_hear(&mut peer, &publisher, &["\x01b"]).await?;
    they_publish(&mut peer, &publisher, &["b2", "a2"]).await?;
    we_hear(&subscriber, &["b2", "a2"]).await?;
    ours::unsubscribe(&subscriber, "a")?;
    they_hear(&mut peer, &publisher, &["\x00a"]).await?;
    they_publish(&mut peer, &publisher, &["a3", "b3"]).await?;
    we_hear(&subscriber, &["b3"]).await
}

#[tokio::test]
async fn their_sub_changes_its_mind_on_a_live_connection() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (publisher, subscriber) = their_subscriber(&mut peer, "SUB").await?;
    peer.subscribe(&subscriber, "a").await?;
    we_hear(&publisher, &["\x01a"]).await?;
    we_publish(&publisher, &["b1", "a1", "ab1"]).await?;
    they_hear(&mut peer, &subscriber, &["a1", "ab1"]).await?;
    peer.subscribe(&subscriber, "b").await?;
    we_hear(&publisher, &["\x01b"]).await?;
    we_publish(&publisher, &["b2", "a2"]).await?;
    they_hear(&mut peer, &subscriber, &["b2", "a2"]).await?;
    peer.unsubscribe(&subscriber, "a").await?;
    we_hear(&publisher, &["\x00a"]).await?;
    we_publish(&publisher, &["a3", "b3"]).await?;
    they_hear(&mut peer, &subscriber, &["b3"]).await
}

#[tokio::test]
async fn our_sub_keeps_a_topic_until_it_is_taken_back_as_often_as_it_was_asked_for() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (subscriber, publisher) = our_subscriber(&mut peer, SocketType::Sub).await?;
    for topic in ["a", "a", "mark1"] {
        ours::subscribe(&subscriber, topic)?;
    }
    they_hear(&mut peer, &publisher, &["\x01a", "\x01mark1"]).await?;
    ours::unsubscribe(&subscriber, "a")?;
    ours::subscribe(&subscriber, "mark2")?;
    they_hear(&mut peer, &publisher, &["\x01mark2"]).await?;
    they_publish(&mut peer, &publisher, &["a1"]).await?;
    we_hear(&subscriber, &["a1"]).await?;
    ours::unsubscribe(&subscriber, "a")?;
    they_hear(&mut peer, &publisher, &["\x00a"]).await?;
    they_publish(&mut peer, &publisher, &["a2", "mark1"]).await?;
    we_hear(&subscriber, &["mark1"]).await
}

#[tokio::test]
async fn our_xpub_tells_of_a_topic_once_while_two_of_them_want_it() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let publisher = ours::socket(SocketType::XPub, ours::options());
    let endpoint = ours::bind(&publisher, &Transport::Tcp.fresh()).await?;
    let first = peer.socket("SUB", json!({})).await?;
    peer.connect(&first, &endpoint).await?;
    peer.subscribe(&first, "a").await?;
    we_hear(&publisher, &["\x01a"]).await?;
    let second = peer.socket("SUB", json!({})).await?;
    peer.connect(&second, &endpoint).await?;
    peer.subscribe(&second, "a").await?;
    peer.subscribe(&second, "mark").await?;
    we_hear(&publisher, &["\x01mark"]).await?;
    we_publish(&publisher, &["a1"]).await?;
    they_hear(&mut peer, &first, &["a1"]).await?;
    they_hear(&mut peer, &second, &["a1"]).await?;
    peer.unsubscribe(&second, "a").await?;
    peer.unsubscribe(&second, "mark").await?;
    we_hear(&publisher, &["\x00mark"]).await?;
    peer.unsubscribe(&first, "a").await?;
    we_hear(&publisher, &["\x00a"]).await
}

#[tokio::test]
async fn the_empty_topic_matches_every_message_of_theirs() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (subscriber, publisher) = our_subscriber(&mut peer, SocketType::Sub).await?;
    ours::subscribe(&subscriber, "")?;
    they_hear(&mut peer, &publisher, &["\x01"]).await?;
    they_publish(&mut peer, &publisher, &["", "a", "anything"]).await?;
    we_hear(&subscriber, &["", "a", "anything"]).await
}

#[tokio::test]
async fn the_empty_topic_matches_every_message_of_ours() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (publisher, subscriber) = their_subscriber(&mut peer, "SUB").await?;
    peer.subscribe(&subscriber, "").await?;
    we_hear(&publisher, &["\x01"]).await?;
    we_publish(&publisher, &["", "a", "anything"]).await?;
    they_hear(&mut peer, &subscriber, &["", "a", "anything"]).await
}

#[tokio::test]
async fn our_xsub_subscribes_by_messages() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (subscriber, publisher) = our_subscriber(&mut peer, SocketType::XSub).await?;
    ours::send(&subscriber, "\x01a").await?;
    they_hear(&mut peer, &publisher, &["\x01a"]).await?;
    they_publish(&mut peer, &publisher, &["b1", "a1"]).await?;
    we_hear(&subscriber, &["a1"]).await?;
    ours::send(&subscriber, "\x00a").await?;
    ours::send(&subscriber, "\x01b").await?;
    they_hear(&mut peer, &publisher, &["\x00a", "\x01b"]).await?;
    they_publish(&mut peer, &publisher, &["a2", "b2"]).await?;
    we_hear(&subscriber, &["b2"]).await
}

#[tokio::test]
async fn their_xsub_subscribes_by_messages() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (publisher, subscriber) = their_subscriber(&mut peer, "XSUB").await?;
    peer.send_parts(&subscriber, &[b"\x01a"]).await?;
    we_hear(&publisher, &["\x01a"]).await?;
    we_publish(&publisher, &["b1", "a1"]).await?;
    they_hear(&mut peer, &subscriber, &["a1"]).await?;
    peer.send_parts(&subscriber, &[b"\x00a"]).await?;
    peer.send_parts(&subscriber, &[b"\x01b"]).await?;
    we_hear(&publisher, &["\x00a", "\x01b"]).await?;
    we_publish(&publisher, &["a2", "b2"]).await?;
    they_hear(&mut peer, &subscriber, &["b2"]).await
}

#[tokio::test]
async fn our_pub_follows_their_sub() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let publisher = ours::socket(SocketType::Pub, ours::options());
    let endpoint = ours::bind(&publisher, &Transport::Tcp.fresh()).await?;
    let subscriber = peer.socket("SUB", json!({})).await?;
    peer.subscribe(&subscriber, "a").await?;
    peer.connect(&subscriber, &endpoint).await?;
    ours::subscriber(&publisher).await?;
    we_publish(&publisher, &["b1", "a1"]).await?;
    they_hear(&mut peer, &subscriber, &["a1"]).await?;
    // A PUB doesn't tell of subscriptions: what comes behind the change proves that it has arrived.
    peer.unsubscribe(&subscriber, "a").await?;
    peer.subscribe(&subscriber, "mark").await?;
    let repeat = async {
        while !peer.poll(&subscriber, 20).await? {
            we_publish(&publisher, &["mark"]).await?;
        }
        Ok::<_, String>(())
    };
    within("the new topic", repeat).await?;
    we_publish(&publisher, &["a2", "mark, the last"]).await?;
    let drain = async {
        while peer.on(&subscriber, "recv", json!({})).await? == json!([bowline_interop::shapes::hex(b"mark")]) {}
        Ok::<_, String>(())
    };
    within("the last message", drain).await
}

#[tokio::test]
async fn our_sub_hears_their_pub_behind_a_topic_that_it_dropped() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let publisher = peer.socket("PUB", json!({})).await?;
    let endpoint = peer.bind(&publisher, &Transport::Tcp.fresh()).await?;
    let subscriber = ours::socket(SocketType::Sub, ours::options());
    ours::subscribe(&subscriber, "dropped")?;
    ours::subscribe(&subscriber, "kept")?;
    ours::unsubscribe(&subscriber, "dropped")?;
    ours::connect(&subscriber, &endpoint)?;
    let repeat = async {
        loop {
            they_publish(&mut peer, &publisher, &["dropped", "kept"]).await?;
            if let Ok(got) = tokio::time::timeout(Duration::from_millis(20), subscriber.recv()).await {
                return got.map_err(|error| error.to_string());
            }
        }
    };
    let got = within("the first message", repeat).await?;
    bowline_interop::ensure(got.parts()[0] == b"kept", || format!("we received {got:?}"))
}

#[tokio::test]
async fn our_sub_subscribes_again_when_their_publisher_comes_back() -> Outcome {
    for transport in Transport::ALL {
        let mut peer = Peer::over(transport).await?;
        let place = transport.fresh();
        let publisher = peer.socket("XPUB", json!({})).await?;
        let endpoint = peer.bind(&publisher, &place).await?;
        let subscriber = ours::socket(SocketType::Sub, ours::options());
        ours::subscribe(&subscriber, "a")?;
        ours::connect(&subscriber, &endpoint)?;
        they_hear(&mut peer, &publisher, &["\x01a"]).await?;
        peer.close_bound(&publisher, &endpoint).await?;
        ours::subscribe(&subscriber, "b")?;
        ours::unsubscribe(&subscriber, "a")?;
        let publisher = peer.socket("XPUB", json!({})).await?;
        peer.bind(&publisher, &endpoint).await?;
        they_hear(&mut peer, &publisher, &["\x01b"]).await?;
        they_publish(&mut peer, &publisher, &["a1", "b1"]).await?;
        we_hear(&subscriber, &["b1"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn our_xpub_hears_their_subscriptions_again_when_it_comes_back() -> Outcome {
    for transport in Transport::ALL {
        let mut peer = Peer::over(transport).await?;
        let place = transport.fresh();
        let publisher = ours::socket(SocketType::XPub, ours::options());
        let endpoint = ours::bind(&publisher, &place).await?;
        let subscriber = peer.socket("SUB", json!({"SUBSCRIBE": "a", "RECONNECT_IVL": 10})).await?;
        peer.connect(&subscriber, &endpoint).await?;
        peer.attend(&subscriber, we_hear(&publisher, &["\x01a"])).await?;
        ours::close(&publisher).await?;
        let publisher = ours::socket(SocketType::XPub, ours::options());
        ours::bind(&publisher, &endpoint).await?;
        peer.attend(&subscriber, we_hear(&publisher, &["\x01a"])).await?;
        we_publish(&publisher, &["b1", "a1"]).await?;
        they_hear(&mut peer, &subscriber, &["a1"]).await?;
    }
    Ok(())
}
