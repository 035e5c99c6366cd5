//! What two sockets say to each other, by their types.

use std::time::Duration;

use bowline::SocketType::{self, Dealer, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use bowline::{AnySocket, Message};
use bowline_interop::shapes::Shape;
use bowline_interop::{Outcome, Peer, Theirs, ensure, ours, within};
use serde_json::{Value, json};

use crate::cell::{OURS, THEIRS};

/// The two sockets, and the messages that go from each to the other as far as their types let them.
pub(crate) struct Stage<'a> {
    pub(crate) ours: &'a AnySocket,
    pub(crate) peer: &'a mut Peer,
    pub(crate) theirs: &'a Theirs,
    pub(crate) script: &'a [Shape],
}

/// Which way the messages go; ours is on the left.
pub(crate) fn arrow(ours: SocketType, theirs: SocketType) -> &'static str {
    match (ours, theirs) {
        (Push | Pub | XPub, _) => " ->",
        (Pull | Sub | XSub, _) => "<- ",
        _ => "<->",
    }
}

impl Stage<'_> {
    pub(crate) async fn play(&mut self, ours: SocketType, theirs: SocketType) -> Outcome {
        match (ours, theirs) {
            (Push, _) => self.they_receive(&[], 0).await,
            (Pull, _) => self.they_send(&[], &[]).await,
            (Pub | XPub, _) => {
                self.let_them_subscribe(ours, theirs).await?;
                self.they_receive(&[], 0).await
            }
            (Sub | XSub, _) => {
                self.subscribe_to_them(ours, theirs).await?;
                self.they_send(&[], &[]).await
            }
            (Req, _) => self.we_ask(&[]).await,
            // A DEALER lays the empty part in front of its requests by hand.
            (Dealer, Rep) => self.we_ask(&[b""]).await,
            (Rep, Req) => self.they_ask(0, &[]).await,
            (Rep, _) => self.they_ask(0, &[b""]).await,
            (Router, Req) => self.they_ask(2, &[]).await,
            _ => self.both_ways(ours, theirs).await,
        }
    }

    /// We speak first: their ROUTER can only answer who it has heard of.
    async fn both_ways(&mut self, ours: SocketType, theirs: SocketType) -> Outcome {
        let to_them: &[&[u8]] = if ours == Router { &[THEIRS] } else { &[] };
        let to_us: &[&[u8]] = if theirs == Router { &[OURS] } else { &[] };
        ours::peer(self.ours).await?;
        self.they_receive(to_them, to_us.len()).await?;
        self.they_send(to_us, to_them).await
    }

    /// All messages from us to them; their type lays `skip` parts of envelope in front.
    async fn they_receive(&mut self, envelope: &[&[u8]], skip: usize) -> Outcome {
        for shape in self.script {
            ours::send(self.ours, shape.enveloped(envelope)).await?;
        }
        self.peer.expect(self.theirs, self.script, skip).await
    }

    /// All messages from them to us; our type lays `received` in front.
    async fn they_send(&mut self, sent: &[&[u8]], received: &[&[u8]]) -> Outcome {
        self.peer.send_behind(self.theirs, sent, self.script).await?;
        for shape in self.script {
            let got = ours::recv(self.ours).await?;
            check(&got, received, shape)?;
        }
        Ok(())
    }

    /// We ask with each message, and they answer the same.
    async fn we_ask(&mut self, envelope: &[&[u8]]) -> Outcome {
        let echo = self.peer.on(self.theirs, "echo", json!({"count": self.script.len()}));
        let ask = async {
            for shape in self.script {
                ours::send(self.ours, shape.enveloped(envelope)).await?;
                check(&ours::recv(self.ours).await?, envelope, shape)?;
            }
            Ok(())
        };
        let (echoed, asked) = tokio::join!(echo, ask);
        asked.and(echoed.map(drop))
    }

    /// They ask with each message, and we answer the same.
    async fn they_ask(&mut self, skip: usize, envelope: &[&[u8]]) -> Outcome {
        let messages: Value = self.script.iter().map(Shape::json).collect();
        let envelope: Value = envelope.iter().map(|part| bowline_interop::shapes::hex(part)).collect();
        let arguments = json!({"messages": messages, "envelope": envelope});
        let ask = self.peer.on(self.theirs, "request", arguments);
        let answer = async {
            for shape in self.script {
                let request = ours::recv(self.ours).await?;
                shape.check(&request, skip).map_err(|problem| format!("their request: {problem}"))?;
                ours::send(self.ours, request).await?;
            }
            Ok(())
        };
        let (asked, answered) = tokio::join!(ask, answer);
        answered.and(asked.map(drop))
    }

    /// One request of theirs, and no reply.
    pub(crate) async fn they_ask_once(&mut self, skip: usize) -> Outcome {
        let request = &self.script[1];
        self.peer.send(self.theirs, std::slice::from_ref(request)).await?;
        ours::expect(self.ours, request, skip).await
    }

    async fn let_them_subscribe(&mut self, ours: SocketType, theirs: SocketType) -> Outcome {
        if theirs == XSub {
            self.peer.send_parts(self.theirs, &[b"\x01"]).await?;
        }
        if ours == XPub {
            return self.peer.attend(self.theirs, ours::expect_parts(self.ours, &[b"\x01"])).await;
        }
        self.peer.attend(self.theirs, ours::subscriber(self.ours)).await
    }

    async fn subscribe_to_them(&mut self, ours: SocketType, theirs: SocketType) -> Outcome {
        if ours == XSub {
            ours::send_parts(self.ours, &[b"\x01"]).await?;
        }
        if theirs == XPub {
            return self.peer.expect_parts(self.theirs, &[b"\x01"]).await;
        }
        self.hear_their_pub().await
    }

    /// A PUB can't tell when it is subscribed to: it repeats itself until we hear it.
    async fn hear_their_pub(&mut self) -> Outcome {
        let repeat = async {
            loop {
                self.peer.send_parts(self.theirs, &[b"do you hear me?"]).await?;
                let heard = tokio::time::timeout(Duration::from_millis(20), self.ours.recv()).await;
                if heard.is_ok() {
                    return Ok::<_, String>(());
                }
            }
        };
        within("the first message of their PUB", repeat).await?;
        self.peer.send_parts(self.theirs, &[b"now to the matter"]).await?;
        while ours::recv(self.ours).await?.parts()[0] != b"now to the matter" {}
        Ok(())
    }
}

fn check(got: &Message, envelope: &[&[u8]], shape: &Shape) -> Outcome {
    let starts_right = got.parts().iter().zip(envelope).all(|(got, wanted)| got[..] == **wanted);
    ensure(starts_right, || format!("we received {got:?} without the envelope {envelope:?}"))?;
    shape.check(got, envelope.len()).map_err(|problem| format!("our recv: {problem}"))
}
