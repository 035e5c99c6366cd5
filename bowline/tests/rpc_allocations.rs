//! How often a call allocates, in both sides together, once tables and buffers have grown: numbers, not times.
//!
//! Only this thread is counted, and all tasks run on it. What a connection allocates now and then, a read buffer for one,
//! may come to a tenth of an allocation a call.

mod common;

use std::time::Duration;

use bowline::rpc::{Blob, Client, Retries};
use common::At;
use common::desk::{self, DeskClient};

const CALLS: u64 = 1000;

/// What comes now and then.
const SELDOM: u64 = CALLS / 10;

/// What a thousand calls allocate, one after the other, when a thousand more have been made before.
fn allocations<F: Future<Output = ()>>(at: At, retries: Retries, call: impl Fn(DeskClient) -> F) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_server, client, _ear) = runtime.block_on(async {
        let (server, endpoint, ear) = desk::serve(at).await;
        let client = Client::builder().endpoint(endpoint).retries(retries).connect().unwrap();
        (server, desk::ready(client).await, ear)
    });
    let calls = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                call(client.clone()).await;
            }
        });
    };
    calls();
    allocation_counter::measure(calls).count_total
}

async fn add(client: DeskClient) {
    assert_eq!(client.add(1, 2).await.unwrap(), 3);
}

#[test]
fn a_call_allocates_once_and_that_is_the_future_of_its_handler() {
    for at in [At::Tcp, At::Ipc, At::Inproc] {
        let counted = allocations(at, Retries::default(), add);
        println!("{at:?}: {counted} allocations for {CALLS} calls");
        assert!(counted <= CALLS + SELDOM, "{at:?}: {counted} for {CALLS} calls");
    }
}

#[test]
fn a_deadline_costs_one_allocation_more() {
    for at in [At::Tcp, At::Ipc, At::Inproc] {
        let deadline = Duration::from_secs(60);
        let call = async |client: DeskClient| assert_eq!(client.add(1, 2).deadline(deadline).await.unwrap(), 3);
        let counted = allocations(at, Retries::default(), call);
        println!("{at:?}: {counted} allocations for {CALLS} calls with a deadline");
        assert!(counted <= 2 * CALLS + SELDOM, "{at:?}: {counted} for {CALLS} calls");
    }
}

#[test]
fn what_a_call_keeps_to_be_made_again_costs_no_allocation() {
    // In process nothing comes now and then, so the numbers are the same to the last one.
    let long = Blob::from(vec![7; 10_000]);
    let size = async |client: DeskClient| assert_eq!(client.size(long.clone()).await.unwrap(), long.len());
    let [kept, not_kept] = [Retries::default(), Retries::NONE];
    assert_eq!(allocations(At::Inproc, kept, add), allocations(At::Inproc, not_kept, add));
    assert_eq!(allocations(At::Inproc, kept, size), allocations(At::Inproc, not_kept, size));
}
