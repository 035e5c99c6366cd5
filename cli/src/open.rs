//! Opening a socket at the endpoints that were asked for.

use std::sync::Arc;

use bowline::{AnySocket, Endpoint, Options};

use crate::args::ConnectionArgs;
use crate::failure::Failure;
use crate::tls;
use crate::watch::Watch;

/// A socket with its endpoints, watched from its first moment on.
pub(crate) struct Opened {
    pub(crate) socket: AnySocket,
    pub(crate) watch: Arc<Watch>,
    /// The endpoints as the user wrote them, for messages about all of them.
    pub(crate) place: String,
}

/// The endpoints of a command line, all checked before anything is opened.
pub(crate) struct Endpoints {
    bind: Vec<Endpoint>,
    connect: Vec<Endpoint>,
}

impl Endpoints {
    pub(crate) fn of(args: &ConnectionArgs) -> Result<Self, Failure> {
        let bind = args.bind.iter().map(|text| endpoint(text)).collect::<Result<Vec<_>, _>>()?;
        let connect = args.connect.iter().map(|text| endpoint(text)).collect::<Result<Vec<_>, _>>()?;
        for endpoint in &connect {
            endpoint.check_connectable().map_err(|error| Failure::Usage(error.to_string()))?;
        }
        Ok(Self { bind, connect })
    }

    /// Adds to `options` what these endpoints need.
    pub(crate) fn dress(&self, options: Options, args: &ConnectionArgs) -> Result<Options, Failure> {
        tls::options(options, &args.tls, [&self.bind, &self.connect])
    }

    /// Subscribes, binds and connects `socket`. `subscribe` is for socket types that have subscriptions; nothing in it means everything.
    pub(crate) async fn open(
        self,
        socket: AnySocket,
        subscribe: Option<&[String]>,
        verbosity: u8,
        patient: bool,
    ) -> Result<Opened, Failure> {
        let watch = Watch::start(&socket, verbosity, self.bind.len() + self.connect.len(), patient);
        if let Some(topics) = subscribe {
            let all = [String::new()];
            for topic in if topics.is_empty() { &all } else { topics } {
                socket.subscribe(topic).map_err(|cause| Failure::of(topic, cause))?;
            }
        }
        let mut place = Vec::new();
        for endpoint in &self.bind {
            let bound = socket.bind(endpoint).await.map_err(|error| Failure::Error(error.to_string()))?;
            if verbosity >= 1 {
                crate::note!("bound to {bound}");
            }
            place.push(bound.to_string());
        }
        for endpoint in &self.connect {
            socket.connect(endpoint).map_err(|error| Failure::Error(error.to_string()))?;
            if verbosity >= 1 {
                crate::note!("connecting to {endpoint}");
            }
            place.push(endpoint.to_string());
        }
        Ok(Opened { socket, watch, place: place.join(", ") })
    }
}

/// An endpoint that another program can be at.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, Failure> {
    let endpoint = text.parse().map_err(|error: bowline::EndpointError| Failure::Usage(error.to_string()))?;
    match endpoint {
        // Nobody else is in this process, so nobody would ever come.
        Endpoint::Inproc(_) => Err(Failure::usage(endpoint, "reaches only sockets of one program; take ipc or tcp")),
        endpoint => Ok(endpoint),
    }
}
