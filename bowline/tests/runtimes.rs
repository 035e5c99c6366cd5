//! Sockets and runtimes: several of them, threads, runtimes that go, and nothing that is left behind.

mod common;

use std::time::Duration;

use bowline::{Dealer, Endpoint, Monitor, Pub, Pull, Push, RecvError, Rep, Req, Sub};
use common::{At, LIMIT, Script, number, quick, text, usual};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a test that brings its own runtimes, and fails by its name when it hangs.
fn script(name: &'static str, test: impl FnOnce() + Send + 'static) {
    let (done, over) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match over.recv_timeout(LIMIT) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{name} hangs"),
        _ => thread.join().unwrap(),
    }
}

const ALL: [At; 4] = [At::Tcp, At::Ipc, At::Abstract, At::Inproc];

#[test]
fn sockets_talk_across_runtimes_and_threads_whoever_comes_first() {
    script("sockets_talk_across_runtimes_and_threads_whoever_comes_first", || {
        for at in ALL {
            for _ in 0..20 {
                let place = at.place();
                let server = std::thread::spawn({
                    let place = place.clone();
                    move || {
                        runtime().block_on(async {
                            let rep = Rep::with_options(usual());
                            rep.bind(&place).await.unwrap();
                            for _ in 0..50 {
                                let request = rep.recv().await.unwrap();
                                rep.send(request).await.unwrap();
                            }
                            rep.close().await;
                        });
                    }
                });
                runtime().block_on(async {
                    let req = Req::with_options(quick());
                    req.connect(&place).unwrap();
                    for n in 0..50 {
                        req.send(n.to_string()).await.unwrap();
                        assert_eq!(number(&req.recv().await.unwrap()), n, "{at:?}");
                    }
                    req.close().await;
                });
                server.join().unwrap();
            }
        }
    });
}

#[test]
fn one_socket_may_be_used_from_two_runtimes() {
    script("one_socket_may_be_used_from_two_runtimes", || {
        for at in ALL {
            let (here, there) =
                (runtime(), Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
            let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
            let place = at.place();
            there.block_on(pull.bind(&place)).unwrap();
            let sending = std::thread::spawn({
                let (push, place) = (push.clone(), place.clone());
                move || {
                    here.block_on(async {
                        push.connect(&place).unwrap();
                        for n in 0..1000 {
                            push.send(n.to_string()).await.unwrap();
                        }
                        push.close().await;
                    });
                }
            });
            // Neither of the runtimes that drive them.
            runtime().block_on(async {
                for n in 0..1000 {
                    assert_eq!(number(&pull.recv().await.unwrap()), n);
                }
                push.close().await;
                pull.close().await;
            });
            sending.join().unwrap();
        }
    });
}

#[test]
fn a_runtime_that_goes_takes_its_sockets_connections_with_it_and_their_peers_hear_of_it() {
    script("a_runtime_that_goes_takes_its_sockets_connections_with_it_and_their_peers_hear_of_it", || {
        for at in ALL {
            for binder_goes in [false, true] {
                let (here, there) = (runtime(), runtime());
                let (stays, goes) = (Dealer::with_options(quick()), Dealer::with_options(quick()));
                let mut monitor = stays.monitor();
                let (binder, binders, dialer, dialers) =
                    if binder_goes { (&goes, &there, &stays, &here) } else { (&stays, &here, &goes, &there) };
                let endpoint = binders.block_on(binder.bind(at.place())).unwrap();
                dialers.block_on(async { dialer.connect(&endpoint).unwrap() });
                meet(&there, &goes, &here, &stays);
                drop(there);
                here.block_on(async { monitor.loss().await });
                here.block_on(goes.close());
                here.block_on(stays.close());
            }
        }
    });
}

/// Lets both runtimes run until both sockets have their peer.
fn meet(one: &Runtime, a: &Dealer, other: &Runtime, b: &Dealer) {
    let mut met = (false, false);
    while met != (true, true) {
        let glance = |runtime: &Runtime, socket: &Dealer| {
            let waiting =
                async { tokio::time::timeout(Duration::from_millis(1), socket.wait_for_peer()).await.is_ok() };
            runtime.block_on(waiting)
        };
        met = (glance(one, a), glance(other, b));
    }
}

#[test]
fn a_socket_whose_runtime_is_gone_can_be_closed_dropped_and_watched() {
    script("a_socket_whose_runtime_is_gone_can_be_closed_dropped_and_watched", || {
        for at in ALL {
            let gone = runtime();
            let (bound, connected) = (Pull::with_options(usual()), Push::with_options(quick()));
            let endpoint = gone.block_on(bound.bind(at.place())).unwrap();
            gone.block_on(async {
                connected.connect(&endpoint).unwrap();
                connected.connect(at.place()).unwrap();
                connected.send("on its way").await.unwrap();
            });
            let monitors = [bound.monitor(), connected.monitor()];
            drop(gone);
            // Without any runtime around.
            connected.disconnect(&endpoint).unwrap();
            drop(connected);
            drop(bound.clone());
            let here = runtime();
            here.block_on(async {
                bound.unbind(&endpoint).await.unwrap();
                bound.close().await;
                assert_eq!(bound.recv().await, Err(RecvError::Closed));
                for mut monitor in monitors {
                    assert_eq!(monitor.rest().await.pop(), Some("stopped"));
                }
                // The endpoint is free.
                let next = Pull::with_options(usual());
                next.bind(&endpoint).await.unwrap();
                next.close().await;
            });
        }
    });
}

#[test]
fn a_runtime_that_goes_while_a_socket_is_closing_ends_it() {
    script("a_runtime_that_goes_while_a_socket_is_closing_ends_it", || {
        for at in ALL {
            let gone = runtime();
            let push = Push::with_options(quick().linger(None));
            let mut monitor = push.monitor();
            gone.block_on(async {
                push.connect(at.place()).unwrap();
                push.send("nobody will come").await.unwrap();
                let closing = tokio::time::timeout(Duration::from_millis(5), push.close());
                assert!(closing.await.is_err());
            });
            drop(gone);
            runtime().block_on(async {
                push.close().await;
                assert_eq!(monitor.rest().await.pop(), Some("stopped"));
            });
        }
    });
}

#[test]
fn verbs_that_need_no_runtime_work_without_one() {
    script("verbs_that_need_no_runtime_work_without_one", || {
        for at in ALL {
            let alive = runtime();
            let pull = Pull::with_options(usual());
            let push = Push::with_options(quick().linger(Some(Duration::from_secs(1))));
            assert!(push.connect(at.place()).is_err(), "there is no runtime here");
            let endpoint = alive.block_on(pull.bind(at.place())).unwrap();
            alive.block_on(async {
                push.connect(&endpoint).unwrap();
                push.wait_for_peer().await;
                pull.wait_for_peer().await;
            });
            push.try_send("hello").unwrap();
            assert_eq!(text(&alive.block_on(pull.recv()).unwrap()), ["hello"]);
            push.disconnect(&endpoint).unwrap();
            let mut monitor = push.monitor();
            push.stop();
            alive.block_on(async { monitor.rest().await });
            drop((push, pull));
        }
        // Sockets that never had an endpoint.
        let mut monitor = {
            let push = Push::with_options(usual());
            assert!(push.try_send("nobody").is_err());
            push.monitor()
        };
        let names = runtime().block_on(async { monitor.rest().await });
        assert_eq!(names, ["stopped"]);
    });
}

/// How many files this process has open.
fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Sockets of every kind that talk, and close one way or the other.
async fn live_and_die(at: At) -> Vec<Monitor> {
    let mut monitors = Vec::new();
    let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
    let (publisher, sub) = (Pub::with_options(usual()), Sub::with_options(quick()));
    monitors.extend([push.monitor(), pull.monitor(), publisher.monitor(), sub.monitor()]);
    let endpoint: Endpoint = pull.bind(at.any()).await.unwrap();
    push.connect(&endpoint).unwrap();
    push.connect(at.place()).unwrap();
    sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
    sub.subscribe("").unwrap();
    publisher.wait_for_subscriber().await;
    publisher.send("news").await.unwrap();
    sub.recv().await.unwrap();
    push.wait_for_peer().await;
    push.send("work").await.unwrap();
    push.disconnect(&endpoint).unwrap();
    pull.unbind(&endpoint).await.unwrap();
    pull.recv().await.unwrap();
    sub.close().await;
    push.stop();
    monitors
}

#[test]
fn every_file_and_task_is_given_back() {
    script("every_file_and_task_is_given_back", || {
        let runtime = runtime();
        let before = files();
        for _ in 0..10 {
            for at in ALL {
                runtime.block_on(async {
                    for mut monitor in live_and_die(at).await {
                        assert_eq!(monitor.rest().await.pop(), Some("stopped"));
                    }
                    common::settle().await;
                });
                assert_eq!(runtime.metrics().num_alive_tasks(), 0, "{at:?}");
            }
        }
        // Other tests of this program have files open too, so a leak shows as growth.
        assert!(files() < before + 100, "{before} files were open, now {}", files());
    });
}

#[test]
fn options_of_a_socket_can_be_read_anywhere() {
    let push = Push::with_options(usual().send_hwm(7));
    assert_eq!(push.options().send_hwm, 7);
}
