//! Frames of WebSocket around each border of their lengths: a header of two bytes up to 125, of four up to 65,535, and of
//! ten beyond. A byte of flags comes before a body, so its borders are one less.

use bowline::SocketType::{self, Dealer, Pull, Push};
use bowline::curve::{CurveClient, CurveServer};
use bowline::{Mechanism, Options};
use bowline_interop::shapes::Shape;
use bowline_interop::{Outcome, ours};
use serde_json::{Value, json};

use crate::{our_guest, our_host, peer, their_guest, their_host};

fn lengths() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = [0, 1, 123, 124, 125, 126, 127, 65_533, 65_534, 65_535, 65_536, 1 << 20]
        .into_iter()
        .map(|size| Shape::of(&[size]))
        .collect();
    shapes.push(Shape::of(&[125, 0, 65_535, 1, 1 << 20, 126]));
    // A frame that begins where a read ends, for whatever length reads have.
    shapes.extend((0..200).map(|n| Shape::of(&[60 + n])));
    shapes
}

/// Options for us and for them: in clear, and sealed with either as the server.
fn ways() -> Vec<(Options, Value)> {
    let (server, client) = (ours::keys(1), ours::keys(2));
    let we_serve = Mechanism::CurveServer(CurveServer::new(server.clone()).only([client.public()]));
    let they_serve = Mechanism::CurveClient(CurveClient::new(server.public(), client.clone()));
    vec![
        (ours::options(), json!({})),
        (ours::options().mechanism(we_serve), ours::their_curve_client(&server, &client)),
        (ours::options().mechanism(they_serve), ours::their_curve_server(&server)),
    ]
}

#[tokio::test]
async fn they_get_every_length_that_we_send() -> Outcome {
    let (mut peer, lengths) = (peer().await?, lengths());
    for (options, theirs) in ways() {
        let (push, endpoint) = our_host(Push, options.clone()).await?;
        let pull = their_guest(&mut peer, "PULL", theirs.clone(), &endpoint).await?;
        send(&push, &lengths).await?;
        peer.expect(&pull, &lengths, 0).await?;
        let (pull, endpoint) = their_host(&mut peer, "PULL", theirs).await?;
        let (push, _) = our_guest(Push, options, &endpoint)?;
        send(&push, &lengths).await?;
        peer.expect(&pull, &lengths, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn we_get_every_length_that_they_send() -> Outcome {
    let (mut peer, lengths) = (peer().await?, lengths());
    for (options, theirs) in ways() {
        let (pull, endpoint) = our_host(Pull, options.clone()).await?;
        let push = their_guest(&mut peer, "PUSH", theirs.clone(), &endpoint).await?;
        peer.send(&push, &lengths).await?;
        expect(&pull, &lengths).await?;
        let (push, endpoint) = their_host(&mut peer, "PUSH", theirs).await?;
        let (pull, _) = our_guest(Pull, options, &endpoint)?;
        peer.send(&push, &lengths).await?;
        expect(&pull, &lengths).await?;
    }
    Ok(())
}

#[tokio::test]
async fn both_sides_send_at_once() -> Outcome {
    let (mut peer, lengths) = (peer().await?, lengths());
    let (dealer, endpoint) = our_host(Dealer, ours::options()).await?;
    let theirs = their_guest(&mut peer, SocketType::Dealer.as_str(), json!({}), &endpoint).await?;
    for _ in 0..5 {
        // Neither waits for the other: what comes is read while much is still to be written.
        let (sent, told) = tokio::join!(send(&dealer, &lengths), peer.send(&theirs, &lengths));
        sent.and(told)?;
        let (heard, expected) = tokio::join!(peer.expect(&theirs, &lengths, 0), expect(&dealer, &lengths));
        heard.and(expected)?;
    }
    Ok(())
}

async fn send(socket: &bowline::AnySocket, shapes: &[Shape]) -> Outcome {
    for shape in shapes {
        ours::send(socket, shape.message()).await?;
    }
    Ok(())
}

async fn expect(socket: &bowline::AnySocket, shapes: &[Shape]) -> Outcome {
    for shape in shapes {
        ours::expect(socket, shape, 0).await?;
    }
    Ok(())
}
