//! A call that finds a connection which takes no more of them, and which is still to be chosen.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::task::Wake;

use bowline_proto::{ConnectionId, PeerInfo, SocketType};

use super::*;
use crate::driver::attendant::Attendant;
use crate::rpc::{Call, Client, Kind, Method, Never};

static METHOD: Method = Method::new("Test", "method", Kind::Unary);

/// No poll takes this long.
const LIMIT: Duration = Duration::from_secs(90);

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A poll in a thread of its own: one that looks again and again would never come back.
fn poll(mut call: Call<(), Never>, waker: &Waker) -> Call<(), Never> {
    let waker = waker.clone();
    let (done, polled) = mpsc::channel();
    std::thread::spawn(move || {
        let is_pending = Pin::new(&mut call).poll(&mut Context::from_waker(&waker)).is_pending();
        done.send((call, is_pending)).ok();
    });
    let (call, is_pending) = polled.recv_timeout(LIMIT).expect("the call looks again and again");
    assert!(is_pending);
    call
}

#[tokio::test]
async fn a_call_is_woken_once_for_each_change_and_does_not_look_in_between() {
    let client = Client::builder().connect().unwrap();
    let hub = client.hub();
    let joins = |id| {
        let peer = Arc::new(PeerInfo::of_type(SocketType::Router));
        drop(Arc::clone(hub).joined(ConnectionId(id), &peer));
        hub.pick().unwrap().expect("it has joined")
    };
    let counter = Arc::<Counter>::default();
    let waker = Waker::from(Arc::clone(&counter));
    let mut woken = 0;
    let mut is_woken = || {
        let before = std::mem::replace(&mut woken, counter.0.load(Ordering::Relaxed));
        woken - before
    };

    // The connection has ended, and the hub does not know yet.
    let gone = joins(1);
    gone.look(|state| state.streams().going_away = true);
    let call = poll(client.unary(&METHOD, &()), &waker);
    assert_eq!(is_woken(), 0);
    hub.retire(&gone);
    assert_eq!(is_woken(), 1);
    let call = poll(call, &waker);
    assert_eq!(is_woken(), 0);

    let stays = joins(2);
    assert_eq!(is_woken(), 1);
    let call = poll(call, &waker);
    assert_eq!((stays.calls(), is_woken()), (1, 0));
    drop(call);
    assert_eq!((gone.calls(), stays.calls()), (0, 0));
}
