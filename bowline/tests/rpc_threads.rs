//! Calls on several threads at once.

mod common;

use std::sync::atomic::Ordering;

use common::desk;

for_each_transport! {
    async fn calls_of_many_tasks_on_several_threads_are_all_answered(at: At) {
        // A runtime of its own: that of the test has one thread.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let calls = runtime.spawn(async move {
            let (_server, client, _ear) = desk::open(at).await;
            let tasks: Vec<_> = (0..64)
                .map(|n| {
                    let client = client.clone();
                    tokio::spawn(async move {
                        for m in 0..300 {
                            assert_eq!(client.add(n, m).await.unwrap(), n + m);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        calls.await.unwrap();
        runtime.shutdown_background();
    }

    /// Such items never wait for anything, so nobody can end what hands them on but itself.
    async fn a_handler_whose_items_are_always_there_ends_with_its_call(at: At) {
        const CALLS: usize = 100;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let calls = runtime.spawn(async move {
            let (_server, client, ear) = desk::open(at).await;
            let made = || ear.shared.made.load(Ordering::SeqCst);
            for _ in 0..CALLS {
                let mut items = client.endless(1);
                items.next().await.unwrap().unwrap();
            }
            // None is made any more, as soon as all have heard of it.
            let mut before = 0;
            while std::mem::replace(&mut before, made()) != before {
                for _ in 0..100 {
                    assert_eq!(client.add(1, 2).await.unwrap(), 3);
                }
            }
        });
        calls.await.unwrap();
        runtime.shutdown_background();
    }
}
