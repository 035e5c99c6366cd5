//! The lifecycles in every order: each model is explored until nothing new is found, and steps the real tables.
//!
//! The search is our own. `stateright`, the usual choice, brings a web server with it (its explorer), for what takes
//! 200 lines here; and it has no use for "every way ends there, after so many steps at the most", which is what most
//! of the promises about closing are.
//!
//! A property that does not hold is told with the shortest script that breaks it.

#[path = "model/connection.rs"]
mod connection;
#[path = "model/explorer.rs"]
mod explorer;
#[path = "model/ledger.rs"]
mod ledger;
#[path = "model/mixer.rs"]
mod mixer;
#[path = "model/witness.rs"]
mod witness;

use ledger::Failure;

#[test]
fn one_connection_keeps_its_promises_in_every_order_of_its_actors() -> Result<(), Failure> {
    let model = connection::Connection::new();
    let graph = explorer::explore(&model)?;
    let steps = graph.ends_in(&model.ledger, connection::ENDS, |_| true, connection::Attempt::is_over)?;
    let (size, held) = (graph.size(), model.ledger.summary()?);
    println!("one connection: {size}, every way ends within {steps} steps\n{held}");
    Ok(())
}
