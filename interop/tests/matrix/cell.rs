//! One cell: two sockets, made, joined, and put to work.

use std::fmt;
use std::time::Duration;

use bowline::curve::{CurveClient, CurveServer};
use bowline::{AnySocket, Mechanism, SocketType};
use bowline_interop::shapes::Shape;
use bowline_interop::{Outcome, Peer, Theirs, Transport, ours};
use serde_json::{Value, json};

use crate::flows;

/// The mechanism, and who takes the server's part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Null,
    PlainWeServe,
    PlainTheyServe,
    CurveWeServe,
    CurveTheyServe,
}

impl Security {
    /// PLAIN comes last: its passwords need an authenticator in their process, which would judge the keys of CURVE as well.
    pub(crate) const ALL: [Self; 5] =
        [Self::Null, Self::CurveWeServe, Self::CurveTheyServe, Self::PlainWeServe, Self::PlainTheyServe];

    /// Sealed connections beat as well: their PINGs and PONGs are sealed like all else.
    const fn seals(self) -> bool {
        matches!(self, Self::CurveWeServe | Self::CurveTheyServe)
    }
}

/// Names that the ROUTERs among the sockets know the others by.
pub(crate) const OURS: &[u8] = b"ours";
pub(crate) const THEIRS: &[u8] = b"theirs";

const BEAT: Duration = Duration::from_millis(20);
/// Much longer than the beat: a busy machine must not look like a dead peer.
const GIVE_UP: Duration = Duration::from_secs(10);

const USER: &str = "ann";
const PASSWORD: &str = "a long and winding password";

pub(crate) struct Cell {
    pub(crate) transport: Transport,
    pub(crate) security: Security,
    pub(crate) we_bind: bool,
    pub(crate) ours: SocketType,
    pub(crate) theirs: SocketType,
}

impl Cell {
    pub(crate) async fn run(&self, peer: &mut Peer, script: &[Shape]) -> Outcome {
        let socket = self.our_socket()?;
        let theirs = self.their_socket(peer).await?;
        let place = self.transport.fresh();
        self.join(&place, &socket, peer, &theirs).await?;
        let mut stage = flows::Stage { ours: &socket, peer, theirs: &theirs, script };
        if self.note().is_some() {
            stage.they_ask_once(if self.ours == SocketType::Router { 2 } else { 0 }).await?;
        } else {
            stage.play(self.ours, self.theirs).await?;
        }
        peer.close(&theirs).await?;
        ours::close(&socket).await
    }

    /// What the foreign library cannot do in this cell, with peers of its own neither.
    pub(crate) fn note(&self) -> Option<&'static str> {
        let loses_replies = self.theirs == SocketType::Req && self.security == Security::PlainTheyServe;
        loses_replies
            .then_some("request only: a REQ of libzmq's drops its connection at the reply if it is the PLAIN server")
    }

    fn our_socket(&self) -> Outcome<AnySocket> {
        let mut options = ours::options().mechanism(match self.security {
            Security::Null => Mechanism::Null,
            Security::PlainWeServe => ours::plain_server(USER, PASSWORD)?,
            Security::PlainTheyServe => ours::plain_client(USER, PASSWORD)?,
            Security::CurveWeServe => {
                Mechanism::CurveServer(CurveServer::new(ours::keys(1)).only([ours::keys(2).public()]))
            }
            Security::CurveTheyServe => Mechanism::CurveClient(CurveClient::new(ours::keys(2).public(), ours::keys(1))),
        });
        if self.security.seals() {
            options = options.heartbeat_interval(Some(BEAT)).heartbeat_timeout(Some(GIVE_UP));
        }
        if self.ours.has_identity() {
            options = options.identity("ours".parse().map_err(|error| format!("{error}"))?);
        }
        let socket = ours::socket(self.ours, options);
        if self.ours == SocketType::Sub {
            ours::subscribe(&socket, "")?;
        }
        Ok(socket)
    }

    async fn their_socket(&self, peer: &mut Peer) -> Outcome<Theirs> {
        let mut options = match self.security {
            Security::Null => json!({}),
            Security::PlainWeServe => json!({"PLAIN_USERNAME": USER, "PLAIN_PASSWORD": PASSWORD}),
            Security::PlainTheyServe => {
                peer.call("passwords", json!({"users": {USER: PASSWORD}})).await?;
                json!({"PLAIN_SERVER": 1})
            }
            Security::CurveWeServe => ours::their_curve_client(&ours::keys(1), &ours::keys(2)),
            Security::CurveTheyServe => ours::their_curve_server(&ours::keys(2)),
        };
        if self.security.seals() {
            options["HEARTBEAT_IVL"] = Value::from(20);
            options["HEARTBEAT_TIMEOUT"] = Value::from(10_000);
        }
        if self.theirs.has_identity() {
            options["ROUTING_ID"] = Value::from("theirs");
        }
        if self.theirs == SocketType::Sub {
            options["SUBSCRIBE"] = Value::from("");
        }
        peer.socket(self.theirs.as_str(), options).await
    }

    async fn join(&self, endpoint: &str, socket: &AnySocket, peer: &mut Peer, theirs: &Theirs) -> Outcome {
        if self.we_bind {
            let bound = ours::bind(socket, endpoint).await?;
            peer.connect(theirs, &bound).await
        } else {
            let bound = peer.bind(theirs, endpoint).await?;
            ours::connect(socket, &bound)?;
            peer.notice(theirs).await
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Null => "NULL",
            Security::PlainWeServe => "PLAIN, we serve",
            Security::PlainTheyServe => "PLAIN, they serve",
            Security::CurveWeServe => "CURVE, we serve",
            Security::CurveTheyServe => "CURVE, they serve",
        };
        let binds = if self.we_bind { "we bind" } else { "they bind" };
        let (ours, theirs) = (self.ours.as_str(), self.theirs.as_str());
        let arrow = flows::arrow(self.ours, self.theirs);
        write!(f, "{}  {security:<17}  {binds:<9}  {ours:<6} {arrow} {theirs:<6}", self.transport)
    }
}
