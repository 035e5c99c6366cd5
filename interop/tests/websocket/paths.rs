//! Endpoints with a path behind the port.

use bowline::DisconnectReason;
use bowline::SocketType::{Pull, Push};
use bowline::error::WsFault;
use bowline_interop::{Outcome, Transport, ensure, ours};
use serde_json::json;

use crate::{end, is, our_guest, peer, their_guest};

#[tokio::test]
async fn they_find_us_at_our_path_and_at_no_other() -> Outcome {
    let mut peer = peer().await?;
    let pull = ours::socket(Pull, ours::options());
    let mut monitor = pull.monitor();
    let endpoint = ours::bind(&pull, &format!("{}/zeromq", &*Transport::Ws.fresh())).await?;
    ensure(endpoint.ends_with("/zeromq"), || format!("we are bound at {endpoint}"))?;
    for other in ["", "/", "/other", "/zeromq/", "/ZEROMQ"] {
        let lost = their_guest(&mut peer, "PUSH", json!({}), &endpoint.replace("/zeromq", other)).await?;
        is(&WsFault::WrongPath.into(), &end(&mut monitor).await?)?;
        peer.close(&lost).await?;
    }
    let push = their_guest(&mut peer, "PUSH", json!({}), &endpoint).await?;
    peer.send_parts(&push, &[b"found"]).await?;
    ours::expect_parts(&pull, &[b"found"]).await
}

#[tokio::test]
async fn they_find_us_anywhere_where_we_have_no_path() -> Outcome {
    let mut peer = peer().await?;
    let pull = ours::socket(Pull, ours::options());
    let endpoint = ours::bind(&pull, &Transport::Ws.fresh()).await?;
    for path in ["", "/", "/zeromq"] {
        let push = their_guest(&mut peer, "PUSH", json!({}), &format!("{endpoint}{path}")).await?;
        peer.send_parts(&push, &[path.as_bytes()]).await?;
        ours::expect_parts(&pull, &[path.as_bytes()]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn we_find_them_at_their_path_and_at_any_other() -> Outcome {
    let mut peer = peer().await?;
    let pull = peer.socket("PULL", json!({})).await?;
    let endpoint = peer.bind(&pull, &format!("{}/zeromq", &*Transport::Ws.fresh())).await?;
    ensure(endpoint.ends_with("/zeromq"), || format!("they are bound at {endpoint}"))?;
    // RFC 45 has paths for the client only, and their server does not look at it.
    for path in ["/zeromq", "", "/other"] {
        let (push, _) = our_guest(Push, ours::options(), &endpoint.replace("/zeromq", path))?;
        ours::send(&push, path).await?;
        peer.expect_parts(&pull, &[path.as_bytes()]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn they_miss_us_at_a_path_of_two_parts() -> Outcome {
    let mut peer = peer().await?;
    let pull = ours::socket(Pull, ours::options());
    let mut monitor = pull.monitor();
    let endpoint = ours::bind(&pull, &format!("{}/deep/down", &*Transport::Ws.fresh())).await?;
    // They ask for the last part alone.
    let _push = their_guest(&mut peer, "PUSH", json!({}), &endpoint).await?;
    is(&DisconnectReason::Ws(WsFault::WrongPath), &end(&mut monitor).await?)
}
