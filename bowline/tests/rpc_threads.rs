//! Calls on several threads at once.

mod common;

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
}
