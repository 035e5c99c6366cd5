//! The lifecycles in every order: each model steps the real tables, and is explored until nothing new is found; two
//! whole links as deep as is asked for.
//!
//! The search is our own. `stateright`, the usual choice, brings a web server with it (its explorer), for what takes
//! 200 lines here; and it does not say "every way ends there, after so many steps at the most", as most of the promises
//! about closing do.
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
#[path = "model/links.rs"]
mod links;
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

use bowline_proto::link::LinkConfig;
use bowline_proto::{Mechanism, Options, PlainCredentials, Reconnect, SocketType};
use ledger::{Failure, Ledger};
use links::Links;
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
    socket("one dialed endpoint that may be tried twice", &model(some_linger, 1, false, true), &total)?;
    socket("an accepted connection", &model(Options::new(), 0, true, true), &total)?;
    socket("one of each", &model(Options::new(), 1, true, true), &total)?;
    socket("two dialed endpoints that may be tried twice", &model(twice, 2, false, false), &total)?;
    socket("two dialed endpoints and an accepted connection", &model(Options::new(), 2, true, false), &total)?;
    println!("sockets, all of these together:\n{}", total.summary()?);
    Ok(())
}

/// Explores two links, and adds what was looked at to `total`.
fn links(name: &str, model: &Links, total: &Ledger) -> Result<(), Failure> {
    println!("{name}: {}, as deep as was asked for", explorer::explore(model)?.size());
    total.add(&model.ledger);
    Ok(())
}

#[test]
fn two_links_keep_their_promises_in_every_order_of_what_passes_between_them() -> Result<(), Failure> {
    let total = Links::ledger();
    let plain = Options::new;
    let second = Duration::from_secs(1);
    let beating = || Options::new().heartbeat_interval(Some(second)).heartbeat_timeout(Some(2 * second));
    let ann = |password| PlainCredentials::new("ann", password).expect("it is short");
    let client = |password| Options::new().mechanism(Mechanism::PlainClient(ann(password)));
    let server = || Options::new().mechanism(Mechanism::PlainServer(vec![ann("secret")]));
    let model = |dialer: &Options, listener: &Options| Links {
        ledger: Links::ledger(),
        dialer: LinkConfig::new(dialer.clone(), SocketType::Dealer),
        listener: LinkConfig::new(listener.clone(), SocketType::Dealer),
        refuses: false,
        is_ready: false,
        depth: 11,
    };
    let refusing = Links { refuses: true, ..model(&plain(), &plain()) };
    let ready = Links { is_ready: true, depth: 8, ..model(&beating(), &plain()) };
    links("two links that shake hands", &model(&plain(), &plain()), &total)?;
    links("two links, one of which asks for signs of life, from ready on", &ready, &total)?;
    links("two links, one of which is refused by the other's socket", &refusing, &total)?;
    links("two links that know the password", &model(&client("secret"), &server()), &total)?;
    links("two links, one of which has the wrong password", &model(&client("wrong"), &server()), &total)?;
    println!("links, all of these together:\n{}", total.summary()?);
    Ok(())
}
