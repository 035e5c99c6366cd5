//! From arguments to the options of a socket.

use bowline::{Mechanism, Options, Origins, PlainCredentials, Reconnect, SocketType};

use crate::args::{ConnectionArgs, Linger, ReconnectInterval};
use crate::auth;
use crate::curve;
use crate::failure::Failure;

/// The options that `args` ask for, and those that suit a command line better than the library's defaults.
pub(crate) fn options(args: &ConnectionArgs, socket_type: SocketType) -> Result<Options, Failure> {
    let mut options = Options::new().mechanism(mechanism(args)?).linger(match args.linger {
        Linger::Forever => None,
        Linger::For(time) => Some(time),
    });
    if let Some(identity) = &args.identity {
        options = options.identity(identity.clone());
    }
    if let Some(hwm) = args.hwm {
        options = options.send_hwm(hwm).recv_hwm(hwm);
    }
    options.authenticator = auth::judge(&args.auth)?;
    options = options.busy_poll(args.busy_poll.unwrap_or_default());
    let largest = args.recv_maxsz.or(options.max_message_size);
    options = options.max_message_size(largest).limits(args.peer_limits.limits());
    options = options.origins(origins(&args.ws_origin));
    options = options.heartbeat_interval(args.heartbeat_ivl);
    if let Some(ReconnectInterval { first, most }) = args.reconnect_ivl {
        options = options.reconnect(match most {
            Some(max) => Reconnect::Exponential { min: first, max },
            None => Reconnect::Fixed(first),
        });
    }
    // More than a u32 holds is for ever, too.
    options = options.max_attempts(args.max_attempts.map(|n| u32::try_from(n.get()).unwrap_or(u32::MAX)));
    if socket_type == SocketType::Router {
        // A user who mistypes an identity wants to hear of it.
        options = options.router_mandatory(true);
    }
    Ok(options)
}

fn origins(given: &[String]) -> Origins {
    if given.iter().any(|origin| origin == "*") { Origins::Any } else { Origins::only(given) }
}

fn mechanism(args: &ConnectionArgs) -> Result<Mechanism, Failure> {
    if let (Some(username), Some(password)) = (&args.username, &args.password) {
        return Ok(Mechanism::PlainClient(login(username, password)?));
    }
    if let Some(mechanism) = curve::mechanism(&args.curve)? {
        return Ok(mechanism);
    }
    if args.plain_server.is_empty() && args.auth.plain_passwords.is_none() {
        return Ok(Mechanism::Null);
    }
    let logins = args.plain_server.iter().map(|one| login(&one.username, &one.password));
    Ok(Mechanism::PlainServer(logins.collect::<Result<_, _>>()?))
}

/// The credentials of PLAIN.
pub(crate) fn login(username: &str, password: &str) -> Result<PlainCredentials, Failure> {
    PlainCredentials::new(username, password).map_err(|cause| Failure::usage(username, cause))
}
