//! The lifecycles in every order: each model is explored until nothing new is found, and steps the real tables.
//!
//! The search is our own. `stateright`, the usual choice, brings a web server with it (its explorer), for what takes
//! 200 lines here; and it has no use for "every way ends there, after so many steps at the most", which is what most
//! of the promises about closing are.
//!
//! A property that does not hold is told with the shortest script that breaks it.

#[path = "model/connection.rs"]
mod connection;
#[path = "model/dialed.rs"]
mod dialed;
#[path = "model/explorer.rs"]
mod explorer;
#[path = "model/ledger.rs"]
mod ledger;
#[path = "model/mixer.rs"]
mod mixer;
#[path = "model/pipe.rs"]
mod pipe;
#[path = "model/seat.rs"]
mod seat;
#[path = "model/socket.rs"]
mod socket;
#[path = "model/witness.rs"]
mod witness;

use std::time::Duration;

use bowline_proto::{Options, Reconnect};
use ledger::{Failure, Ledger};
use socket::{Socket, Sockets};

#[test]
fn one_connection_keeps_its_promises_in_every_order_of_its_actors() -> Result<(), Failure> {
    let model = connection::Connection::new();
    let graph = explorer::explore(&model)?;
    let steps = graph.ends_in(&model.ledger, connection::ENDS, |_| true, connection::Attempt::is_over)?;
    let (size, held) = (graph.size(), model.ledger.summary()?);
    println!("one connection: {size}, every way ends within {steps} steps\n{held}");
    Ok(())
}

/// Explores one kind of socket, and adds what was looked at to `total`.
fn socket(name: &str, model: &Sockets, total: &Ledger) -> Result<(), Failure> {
    let graph = explorer::explore(model)?;
    let ledger = &model.ledger;
    graph.leads_to(ledger, socket::CLOSES, Socket::is_closing, socket::Action::is_friendly, Socket::is_over)?;
    graph.leads_to(ledger, socket::TIMELY, Socket::has_linger, socket::Action::is_ours, Socket::is_over)?;
    let steps = graph.ends_in(ledger, socket::STOPS, Socket::is_stopped, Socket::is_over)?;
    println!("{name}: {}, every way from stop ends within {steps} steps", graph.size());
    total.add(ledger);
    Ok(())
}

#[test]
fn a_socket_and_its_endpoints_keep_their_promises_in_every_order() -> Result<(), Failure> {
    let model = |options: Options, endpoints, accepts, one_at_a_time| Sockets {
        ledger: Sockets::ledger(),
        options: options.reconnect(Reconnect::Fixed(Duration::from_secs(1))),
        endpoints,
        accepts,
        one_at_a_time,
    };
    let total = Sockets::ledger();
    let twice = Options::new().max_attempts(Some(2));
    let some_linger = twice.clone().linger(Some(Duration::from_secs(1)));
    socket("a socket with one dialed endpoint, two attempts", &model(some_linger, 1, false, true), &total)?;
    socket("a socket with an accepted connection", &model(twice.clone(), 0, true, true), &total)?;
    socket("a socket with both", &model(Options::new(), 1, true, false), &total)?;
    socket("a socket with two dialed endpoints", &model(twice, 2, false, false), &total)?;
    println!("{}", total.summary()?);
    Ok(())
}
