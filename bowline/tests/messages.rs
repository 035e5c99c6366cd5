//! Messages of every shape, and many tasks at one socket: each arrives whole, once, and in order.

mod common;

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;

use bowline::{Dealer, Message, Pair, Pull, Push, RecvError, Router, Sub};
use bytes::Bytes;
use common::{At, number, parts, quick, text, usual, within};
use futures_core::Stream;
use futures_sink::Sink;

for_each_transport! {
    async fn messages_of_every_shape_arrive_as_they_were(at: At) {
        let (a, b) = (Pair::with_options(usual()), Pair::with_options(usual()));
        b.connect(a.bind(at.any()).await.unwrap()).unwrap();
        let sizes = [0, 1, 2, 45, 46, 47, 254, 255, 256, 257, 4095, 4096, 4097, 65_535, 65_536, 1 << 20];
        for size in sizes {
            let body: Vec<u8> = (0..size).map(|n: usize| (n % 251) as u8).collect();
            a.send(body.clone()).await.unwrap();
            let message = b.recv().await.unwrap();
            assert_eq!(message.parts().len(), 1);
            assert!(message.parts()[0] == body, "{size} bytes");
        }
        for many in [2, 3, 10, 1000] {
            let message: Message = (0..many).map(|n| vec![n as u8; n % 300]).collect();
            b.send(message.clone()).await.unwrap();
            assert_eq!(a.recv().await.unwrap(), message);
        }
        let empty = parts(["", "", ""]);
        a.send(empty.clone()).await.unwrap();
        assert_eq!(b.recv().await.unwrap(), empty);
    }

    async fn ten_megabytes_go_through_in_both_directions_at_once(at: At) {
        let (a, b) = (Dealer::with_options(usual()), Dealer::with_options(usual()));
        b.connect(a.bind(at.any()).await.unwrap()).unwrap();
        let body = Bytes::from((0..10 << 20).map(|n: u32| (n % 253) as u8).collect::<Vec<_>>());
        let talk = async |socket: &Dealer| {
            for n in 0..3 {
                let message: Message = [Bytes::from(n.to_string()), body.clone(), Bytes::new()].into_iter().collect();
                socket.send(message).await.unwrap();
            }
            for n in 0..3 {
                let message = socket.recv().await.unwrap();
                assert_eq!(number(&message), n);
                assert!(message.parts()[1] == body && message.parts()[2].is_empty());
            }
        };
        tokio::join!(talk(&a), talk(&b));
    }

    async fn a_socket_is_a_stream_and_a_sink(at: At) {
        let (push, pull) = (Push::with_options(quick().send_hwm(2)), Pull::with_options(usual()));
        let (mut sink, mut stream) = (push.sink(), pull.stream());
        let place = push.connect(at.place()).unwrap();
        let sending = tokio::spawn(async move {
            for n in 0..100 {
                poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await.unwrap();
                Pin::new(&mut sink).start_send(n.to_string().into()).unwrap();
            }
            poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)).await.unwrap();
            push.close().await;
        });
        pull.bind(&place).await.unwrap();
        for n in 0..100 {
            let message = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await.unwrap().unwrap();
            assert_eq!(number(&message), n);
        }
        sending.await.unwrap();
        pull.close().await;
        assert!(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await.is_none());
    }
}

const TASKS: usize = 8;
const EACH: usize = 500;

/// Receives at one socket from many tasks until all is there, and says what came.
async fn gather(pull: &Pull) -> Vec<Message> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let pull = pull.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    match pull.recv().await {
                        Ok(message) if text(&message)[0] == "enough" => break seen,
                        Ok(message) => seen.push(message),
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await.unwrap());
    }
    all
}

/// Many threads, many tasks at each end of one connection.
async fn crowd(at: At) {
    let pull = Pull::with_options(quick().recv_hwm(10));
    let push = Push::with_options(quick().send_hwm(10));
    push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
    let senders: Vec<_> = (0..TASKS)
        .map(|task| {
            let push = push.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    push.send(parts([&task.to_string(), &n.to_string()])).await.unwrap();
                }
            })
        })
        .collect();
    let finish = async {
        for sender in senders {
            sender.await.unwrap();
        }
        for _ in 0..TASKS {
            push.send("enough").await.unwrap();
        }
    };
    let (seen, ()) = tokio::join!(gather(&pull), finish);
    let mut counts = HashMap::new();
    for message in &seen {
        *counts.entry(text(message)).or_insert(0) += 1;
    }
    assert_eq!((seen.len(), counts.len()), (TASKS * EACH, TASKS * EACH), "each once");
    assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
}

/// One router serves many dealers, each of which asks from several tasks and threads.
async fn service(at: At) {
    let router = Router::with_options(usual());
    let endpoint = router.bind(at.any()).await.unwrap();
    let servers: Vec<_> = (0..3)
        .map(|_| {
            let router = router.clone();
            tokio::spawn(async move {
                while let Ok(request) = router.recv().await {
                    router.send(request).await.unwrap();
                }
            })
        })
        .collect();
    let clients: Vec<_> = (0..TASKS)
        .map(|client| {
            let dealer = Dealer::with_options(usual());
            dealer.connect(&endpoint).unwrap();
            tokio::spawn(async move {
                let asking = async {
                    for n in 0..EACH {
                        dealer.send(parts([&client.to_string(), &n.to_string()])).await.unwrap();
                    }
                };
                let hearing = async {
                    let mut seen = Vec::new();
                    for _ in 0..EACH {
                        let reply = text(&dealer.recv().await.unwrap());
                        assert_eq!(reply[0], client.to_string());
                        seen.push(reply[1].parse::<usize>().unwrap());
                    }
                    seen.sort_unstable();
                    assert!(seen.into_iter().eq(0..EACH));
                };
                tokio::join!(asking, hearing);
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    router.close().await;
    for server in servers {
        server.await.unwrap();
    }
}

/// Subscribers come and go on many threads while a publisher publishes.
async fn coming_and_going(at: At) {
    let publisher = bowline::Pub::with_options(usual());
    let endpoint = publisher.bind(at.any()).await.unwrap();
    let publishing = tokio::spawn(async move {
        for n in 0_u64.. {
            if publisher.send(n.to_string()).await.is_err() {
                break;
            }
        }
    });
    let subscribers: Vec<_> = (0..TASKS)
        .map(|_| {
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let sub = Sub::with_options(quick());
                    sub.connect(&endpoint).unwrap();
                    sub.subscribe("").unwrap();
                    let mut last = None;
                    for _ in 0..100 {
                        let n = number(&sub.recv().await.unwrap());
                        assert!(last < Some(n));
                        last = Some(n);
                    }
                    sub.close().await;
                }
            })
        })
        .collect();
    for subscriber in subscribers {
        subscriber.await.unwrap();
    }
    publishing.abort();
}

// A page has one thread.
#[cfg(not(target_family = "wasm"))]
macro_rules! on_many_threads {
    ($($script:ident as $name:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            for at in [At::Tcp, At::Ipc, At::Inproc] {
                within(concat!(stringify!($name)), $script(at)).await;
            }
        }
    )*};
}

// A page has one thread.
#[cfg(not(target_family = "wasm"))]
on_many_threads! {
    crowd as many_tasks_share_a_socket_and_each_message_arrives_once;
    service as many_tasks_ask_a_router_that_many_tasks_serve;
    coming_and_going as subscribers_come_and_go_while_the_publisher_goes_on;
}

/// Whoever restarts, restarts often: what was not under way arrives, in order, and nothing twice.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_that_restarts_again_and_again_gets_the_stream_in_order() {
    for at in [At::Tcp, At::Ipc, At::Inproc] {
        within("a_pull_that_restarts_again_and_again_gets_the_stream_in_order", async {
            let push = Push::with_options(quick().send_hwm(10));
            let place = push.connect(at.place()).unwrap();
            let sending = tokio::spawn(async move {
                for n in 0.. {
                    if push.send(n.to_string()).await.is_err() {
                        break;
                    }
                }
            });
            let mut last = None;
            for _ in 0..20 {
                let pull = Pull::with_options(quick().recv_hwm(10));
                pull.bind(&place).await.unwrap();
                for _ in 0..50 {
                    let n = number(&pull.recv().await.unwrap());
                    assert!(last < Some(n), "{n} after {last:?}");
                    last = Some(n);
                }
                pull.close().await;
            }
            sending.abort();
        })
        .await;
    }
}
