//! Connections through a proxy that resets, cuts, stalls, delays them and takes them apart.

use std::time::Duration;

use bowline::{AnySocket, DisconnectReason, Monitor, MonitorKind, Options, ProtocolError, Reconnect, SocketType};
use bowline_interop::proxy::{Fate, Proxy};
use bowline_interop::trial::endure;
use bowline_interop::{Outcome, Transport, ensure, ours};
use tokio::task::JoinSet;

use crate::{end, event, fill, is, is_gone, nth, number, number_of, sized, unheard};

/// A PUSH that dials a PULL through a proxy.
struct Scene {
    push: AnySocket,
    pushed: Monitor,
    pull: AnySocket,
    pulled: Monitor,
    proxy: Proxy,
}

impl Scene {
    async fn set(options: Options, fates: impl IntoIterator<Item = Fate>) -> Outcome<Self> {
        let push = ours::socket(SocketType::Push, options.clone());
        let pull = ours::socket(SocketType::Pull, options);
        let (pushed, pulled) = (push.monitor(), pull.monitor());
        let proxy = Proxy::to(&ours::bind(&pull, &Transport::Tcp.fresh()).await?, fates).await?;
        ours::connect(&push, &proxy.endpoint())?;
        Ok(Self { push, pushed, pull, pulled, proxy })
    }

    async fn recv(&self) -> Outcome<usize> {
        number(&ours::recv(&self.pull).await?)
    }

    /// Sends one message after the other as fast as they go out.
    fn flow(&self) -> JoinSet<()> {
        let (mut flow, push) = (JoinSet::new(), self.push.clone());
        flow.spawn(async move {
            let mut n = 0;
            while push.send(nth(n)).await.is_ok() {
                n += 1;
            }
        });
        flow
    }

    async fn ends(self) -> Outcome {
        ours::close(&self.push).await?;
        ours::close(&self.pull).await
    }
}

/// What the dialing side of our handshake comes to: its greeting and its READY.
const HANDSHAKE: usize = 64 + 2 + 6 + (1 + 11 + 4 + 4);
/// What a message of the flow comes to, with the headers of its parts, if its number has two digits.
const MESSAGE: usize = (2 + 2) + (2 + 100);

/// For hundreds of connections, one after the other.
fn hasty() -> Options {
    ours::options().reconnect(Reconnect::Fixed(Duration::from_millis(1)))
}

#[test]
fn a_connection_that_is_cut_anywhere_in_its_handshake_is_made_again() -> Outcome {
    endure(1, || async {
        let mut scene = Scene::set(hasty(), (0..HANDSHAKE).map(Fate::Cut)).await?;
        for cut in 0..HANDSHAKE {
            let reason = end(&mut scene.pulled).await?;
            let typed = [DisconnectReason::PeerClosed, ProtocolError::Truncated.into()].contains(&reason);
            ensure(typed, || format!("cut after {cut} bytes, it ended because `{reason}`"))?;
        }
        ours::ready(&mut scene.pulled).await?;
        ours::send(&scene.push, nth(7)).await?;
        ensure(scene.recv().await? == 7, || "another message".into())?;
        scene.ends().await
    })
}

#[test]
fn a_connection_that_is_cut_anywhere_in_a_message_brings_only_whole_ones_in_their_order() -> Outcome {
    endure(1, || async {
        let cuts = HANDSHAKE + 20 * MESSAGE..HANDSHAKE + 22 * MESSAGE;
        let mut scene = Scene::set(hasty(), cuts.clone().map(Fate::Cut)).await?;
        let flow = scene.flow();
        let (mut last, mut peaceful) = (None, 0);
        for cut in cuts.clone() {
            let reason = loop {
                tokio::select! {
                    biased;
                    message = ours::recv(&scene.pull) => last = Some(later(last, number(&message?)?)?),
                    reason = end(&mut scene.pulled) => break reason?,
                }
            };
            peaceful += usize::from(reason == DisconnectReason::PeerClosed);
            let typed = [DisconnectReason::PeerClosed, ProtocolError::Truncated.into()].contains(&reason);
            ensure(typed, || format!("cut after {cut} bytes, it ended because `{reason}`"))?;
        }
        // Few cuts fall between two messages.
        ensure(peaceful < cuts.len() / 10, || format!("{peaceful} of {} cuts went unnoticed", cuts.len()))?;
        for _ in 0..100 {
            last = Some(later(last, scene.recv().await?)?);
        }
        drop(flow);
        scene.ends().await
    })
}

/// The number of a message, which must come after the last one.
fn later(last: Option<usize>, n: usize) -> Outcome<usize> {
    ensure(last.is_none_or(|last| last < n), || format!("message {n} came after {last:?}"))?;
    Ok(n)
}

#[test]
fn a_reset_is_told_to_both_sides_and_what_was_not_sent_goes_out_on_the_next_connection() -> Outcome {
    endure(10, || async {
        let mut scene = Scene::set(ours::options(), [Fate::Reset(HANDSHAKE + 1000 * MESSAGE + 17)]).await?;
        let flow = scene.flow();
        let mut seen = Vec::new();
        while seen.last().is_none_or(|&last| last < 10_000) {
            seen.push(scene.recv().await?);
        }
        let reset = DisconnectReason::Io(std::io::ErrorKind::ConnectionReset);
        is(reset, &end(&mut scene.pulled).await?)?;
        is_gone(&end(&mut scene.pushed).await?)?;
        let gaps: Vec<_> = seen.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
        // One gap at the most: what the system had taken, and the reset has lost.
        ensure(seen[0] == 0 && gaps.len() <= 1, || format!("from {}, with gaps at {gaps:?}", seen[0]))?;
        ensure(gaps.iter().all(|gap| gap[0] < gap[1]), || format!("back at {gaps:?}"))?;
        drop(flow);
        scene.ends().await
    })
}

#[test]
fn what_waits_when_a_connection_breaks_arrives_to_the_last_message() -> Outcome {
    endure(10, || async {
        // A batch that is larger than what the system takes of it keeps what comes behind it in the pipe.
        const BYTES: usize = 16 * 1024;
        let options = ours::options().send_hwm(50).send_buffer(Some(4096)).recv_buffer(Some(4096));
        let stalled_for_ever = Fate::Stall(HANDSHAKE + MESSAGE);
        let mut scene = Scene::set(options, [stalled_for_ever]).await?;
        ours::ready(&mut scene.pushed).await?;
        let sent = fill(&scene.push, |n| sized(n, BYTES)).await;
        let ready: Vec<_> = scene.push.peers();
        ensure(ready.len() == 1 && ready[0].unsent == 50, || format!("{ready:?} instead of 50 that wait"))?;
        // The way is blocked, so whatever has not left the pipe by now is on our side when it breaks.
        scene.push.disconnect_peer(ready[0].connection).map_err(|error| error.to_string())?;
        is(DisconnectReason::Dismissed, &end(&mut scene.pushed).await?)?;
        scene.proxy.release();
        ours::ready(&mut scene.pushed).await?;
        let mut seen = Vec::new();
        while !seen.contains(&(sent - 1)) {
            seen.push(number_of(&ours::recv(&scene.pull).await?, BYTES)?);
        }
        let kept = seen.iter().filter(|&&n| n + 50 >= sent).count();
        ensure(kept == 50, || format!("{kept} of the 50 that waited have arrived"))?;
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        ensure(seen.len() == all, || format!("{} messages came twice", all - seen.len()))?;
        scene.ends().await
    })
}

#[test]
fn a_connection_that_stalls_for_a_while_loses_nothing() -> Outcome {
    endure(10, || async {
        let options = ours::options().send_hwm(50).send_buffer(Some(4096)).recv_buffer(Some(4096));
        let mut scene = Scene::set(options, [Fate::Stall(HANDSHAKE + 10 * MESSAGE + 17)]).await?;
        ours::ready(&mut scene.pushed).await?;
        let sent = fill(&scene.push, nth).await;
        scene.proxy.stalled().await?;
        scene.proxy.release();
        for n in 0..sent {
            let got = scene.recv().await?;
            ensure(got == n, || format!("message {got} instead of {n}"))?;
        }
        let heard = unheard(&mut scene.pushed).await;
        ensure(heard.is_empty(), || format!("nothing was lost, but {heard:?}"))?;
        scene.ends().await
    })
}

#[test]
fn a_connection_that_stalls_for_ever_is_lost_by_heartbeats_on_both_sides() -> Outcome {
    endure(3, || async {
        let (beat, silence) = (Duration::from_millis(20), Duration::from_secs(1));
        let options = ours::options().heartbeat_interval(Some(beat)).heartbeat_timeout(Some(silence));
        let mut scene = Scene::set(options, [Fate::Stall(HANDSHAKE + 5)]).await?;
        let lost = |kind: &MonitorKind| match kind {
            MonitorKind::Disconnected(reason) => Some(reason.clone()),
            _ => None,
        };
        for monitor in [&mut scene.pushed, &mut scene.pulled] {
            is(DisconnectReason::HeartbeatTimeout, &ours::event(monitor, "the loss", lost).await?)?;
        }
        scene.proxy.release();
        ours::send(&scene.push, nth(7)).await?;
        ensure(scene.recv().await? == 7, || "another message".into())?;
        scene.ends().await
    })
}

#[test]
fn a_handshake_that_stalls_times_out_on_both_sides_and_is_tried_again() -> Outcome {
    endure(3, || async {
        let options = ours::options().handshake_timeout(Duration::from_secs(1));
        let mut scene = Scene::set(options, [Fate::Stall(60)]).await?;
        scene.proxy.stalled().await?;
        for monitor in [&mut scene.pushed, &mut scene.pulled] {
            is(DisconnectReason::HandshakeTimeout, &end(monitor).await?)?;
        }
        scene.proxy.release();
        ours::ready(&mut scene.pushed).await?;
        ours::send(&scene.push, nth(7)).await?;
        ensure(scene.recv().await? == 7, || "another message".into())?;
        scene.ends().await
    })
}

#[test]
fn a_connection_of_single_bytes_and_one_that_lags_carry_everything_in_order() -> Outcome {
    endure(3, || async {
        for fate in [Fate::Drip, Fate::Delay(Duration::from_millis(1))] {
            let mut scene = Scene::set(ours::options(), [fate]).await?;
            for n in 0..200 {
                ours::send(&scene.push, nth(n)).await?;
            }
            for n in 0..200 {
                let got = scene.recv().await?;
                ensure(got == n, || format!("message {got} instead of {n} with {fate:?}"))?;
            }
            event(&mut scene.pushed, "ready").await?;
            let heard = unheard(&mut scene.pushed).await;
            ensure(heard.is_empty(), || format!("nothing was lost with {fate:?}, but {heard:?}"))?;
            scene.ends().await?;
        }
        Ok(())
    })
}
