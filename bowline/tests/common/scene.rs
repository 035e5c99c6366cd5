//! A socket with a peer that keeps to all rules, to try others on.

use bowline::{Endpoint, Monitor, Options, Pull, Push};

use super::{At, Script, number};

/// A PULL, and an honest peer that has been there from the beginning.
pub(crate) struct Scene {
    pub(crate) pull: Pull,
    pub(crate) monitor: Monitor,
    pub(crate) endpoint: Endpoint,
    pub(crate) honest: Push,
    pub(crate) sent: usize,
}

impl Scene {
    pub(crate) async fn set(options: Options) -> Self {
        let pull = Pull::with_options(options);
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let honest = Push::new();
        honest.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        Self { pull, monitor, endpoint, honest, sent: 0 }
    }

    /// The honest peer is served, by the connection that it had.
    pub(crate) async fn goes_on(&mut self) {
        self.honest.send(self.sent.to_string()).await.unwrap();
        assert_eq!(number(&self.pull.recv().await.unwrap()), self.sent);
        self.sent += 1;
    }

    /// The honest peer had one connection all the time.
    pub(crate) async fn ends(self) {
        let mut events = self.honest.monitor();
        self.honest.close().await;
        assert_eq!(
            events.rest().await,
            ["disconnected", "connect_stopped", "stopped"],
            "the honest peer was disturbed"
        );
    }
}
