//! `bowline call` and `bowline services`, with a service of ours.

use bowline::curve::{self, CurveServer};
use bowline::{Mechanism, Options, PlainCredentials};
use bowline_interop::{Outcome, Program, ensure, sums};

use crate::ANY;

#[tokio::test]
async fn call_prints_a_result_and_each_item_as_a_line_of_json() -> Outcome {
    let (server, place) = sums::serve(ANY).await?;
    for (words, lines) in [("Sums.add [1,2]", &["3"][..]), ("Sums.count 3", &["1", "2", "3"])] {
        let mut call = Program::start(&format!("call {place} {words}")).await?;
        for line in lines {
            call.prints(line).await?;
        }
        call.done().await?;
    }
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn call_reads_items_from_standard_input() -> Outcome {
    let (server, place) = sums::serve(ANY).await?;
    let mut call = Program::start(&format!("call {place} Sums.total")).await?;
    call.type_in("1\n2\n\n39\n").await?;
    call.end_input();
    call.prints("42").await?;
    call.done().await?;
    let mut call = Program::start(&format!("call {place} Sums.total")).await?;
    call.type_in("1\ntwo\n").await?;
    let said = call.failed(1).await?;
    ensure(said.contains("line 2 of standard input: not JSON"), || said)?;
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn call_says_what_is_wrong_in_a_line_and_by_its_exit_code() -> Outcome {
    let (server, place) = sums::serve(ANY).await?;
    let there = place.to_string();
    for (words, code, part) in [
        (format!("call {there} Sums.divide [1,0]"), 1, "Sums.divide: failed: null"),
        (format!("call {there} Sums.subtract [1,2]"), 1, "Sums has no method subtract; it has add, divide,"),
        (format!("call {there} Sum.add [1,2]"), 1, "no service Sum; it has"),
        (format!("call {there} Sums.add [1"), 2, "not JSON"),
        (format!("call {there} add"), 2, "not SERVICE.METHOD"),
        (format!("call {there} Sums.ponder --deadline 0.05"), 3, "the deadline has passed"),
        ("call tcp://127.0.0.1:1 Sums.add [1,2]".into(), 1, "connection refused"),
        ("services tcp://127.0.0.1:1".into(), 1, "connection refused"),
    ] {
        let said = Program::start(&words).await?.failed(code).await?;
        ensure(said.contains(part), || format!("`{words}` said {said:?}"))?;
    }
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn services_lists_what_can_be_called() -> Outcome {
    let (server, place) = sums::serve(ANY).await?;
    let mut services = Program::start(&format!("services {place}")).await?;
    for line in
        ["Sums", "  Arithmetic, which both sides can check.", "  add(one: i64, other: i64) -> i64  (idempotent)"]
    {
        services.prints(line).await?;
    }
    let mut services = Program::start(&format!("services {place} --all --json")).await?;
    let own = services.json().await?;
    ensure(own["name"] == "Sums" && own["methods"][2]["kind"] == "server-stream", || own.to_string())?;
    for name in ["bowline.health", "bowline.reflection"] {
        let builtin = services.json().await?;
        ensure(builtin["name"] == name, || builtin.to_string())?;
    }
    services.done().await?;
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn call_reaches_a_server_that_demands_a_key_or_a_password() -> Outcome {
    let [ours, theirs] = [(); 2].map(|()| curve::generate());
    let (server, client) = (ours.map_err(|error| error.to_string())?, theirs.map_err(|error| error.to_string())?);
    let key = server.public();
    let demands = Mechanism::CurveServer(CurveServer::new(server).only([client.public()]));
    let (server, place) = sums::serve_with(ANY, Options::new().mechanism(demands)).await?;
    let words = format!("call {place} Sums.add [1,2] --curve-server-key {key}");
    let secret = client.secret().to_z85();
    let mut call = Program::start_with(&words, &[("BOWLINE_CURVE_SECRET", &secret)]).await?;
    call.prints("3").await?;
    call.done().await?;
    let said = Program::start(&words).await?.failed(1).await?;
    ensure(said.contains("refused"), || said)?;
    server.close().await;

    let ann = PlainCredentials::new("ann", "secret").map_err(|error| error.to_string())?;
    let (server, place) = sums::serve_with(ANY, Options::new().mechanism(Mechanism::PlainServer(vec![ann]))).await?;
    let mut services = Program::start(&format!("services {place} --username ann --password secret")).await?;
    services.prints("Sums").await?;
    let said = Program::start(&format!("services {place} --username ann --password guess")).await?.failed(1).await?;
    ensure(said.contains("refused"), || said)?;
    server.close().await;
    Ok(())
}
