//! A bowline service, called by plain pyzmq: `interop/call.py` knows nothing of bowline but a few bytes of header.

use std::path::Path;
use std::process::Output;

use bowline_interop::{Outcome, Transport, ensure, python, sums, within};
use tokio::process::Command;

/// What the script prints for a call.
async fn call(endpoint: &str, method: &str, arguments: &str) -> Outcome<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("call.py");
    let mut command = Command::new(python()?);
    command.arg(script).args([endpoint, method, arguments]).kill_on_drop(true);
    within("the answer", command.output()).await
}

async fn answers(endpoint: &str, method: &str, arguments: &str, wanted: &str) -> Outcome {
    let output = call(endpoint, method, arguments).await?;
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure(output.status.success() && printed == wanted, || format!("{method}{arguments}: {printed:?}, {said:?}"))
}

#[tokio::test]
async fn plain_pyzmq_calls_a_service_and_hears_results_errors_and_items() -> Outcome {
    for transport in Transport::USUAL {
        let place = transport.fresh();
        let (server, endpoint) = sums::serve(&place).await?;
        let endpoint = endpoint.to_string();
        answers(&endpoint, "Sums/add", "[1, 2]", "3\n").await?;
        answers(&endpoint, "Sums/divide", "[7, 2]", "3\n").await?;
        answers(&endpoint, "Sums/divide", "[7, 0]", "failed: null\n").await?;
        answers(&endpoint, "Sums/count", "[3]", "1\n2\n3\n").await?;
        server.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn plain_pyzmq_gets_a_stream_that_is_longer_than_its_credit() -> Outcome {
    let (server, endpoint) = sums::serve("tcp://127.0.0.1:*").await?;
    let wanted: Vec<String> = (1..=5000).map(|number: u64| number.to_string()).collect();
    answers(&endpoint.to_string(), "Sums/count", "[5000]", &(wanted.join("\n") + "\n")).await?;
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn plain_pyzmq_is_told_why_a_call_is_not_answered() -> Outcome {
    let (server, endpoint) = sums::serve("tcp://127.0.0.1:*").await?;
    let endpoint = endpoint.to_string();
    for (method, arguments, reason) in [("Sums/subtract", "[1, 2]", "code 2"), ("Sums/add", "[\"one\", 2]", "code 4")] {
        let output = call(&endpoint, method, arguments).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure(!output.status.success() && said.contains(reason), || format!("{method}{arguments}: {said:?}"))?;
    }
    server.close().await;
    Ok(())
}

#[test]
fn the_page_shows_the_very_program() -> Outcome {
    let read = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let (page, script) = (read("../docs/any-binding.md"), read("call.py"));
    let (page, script) = page.and_then(|page| Ok((page, script?))).map_err(|error| error.to_string())?;
    ensure(page.contains(&format!("```python\n{script}```\n")), || "docs/any-binding.md has another call.py".into())?;
    ensure(script.lines().count() < 40, || "call.py has 40 lines or more".into())
}
