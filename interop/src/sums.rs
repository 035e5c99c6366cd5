//! A service with a method of every kind, for others to call.

use std::pin::Pin;
use std::task::{Context, Poll};

use bowline::rpc::{Incoming, Server, Stream};
use bowline::{Endpoint, Options};
use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Arithmetic, which both sides can check.
#[bowline::service]
pub trait Sums {
    /// The sum of two numbers.
    #[rpc(idempotent)]
    async fn add(&self, one: i64, other: i64) -> i64;

    /// How often `divisor` is in `number`.
    async fn divide(&self, number: i64, divisor: i64) -> Result<i64, Undefined>;

    /// All numbers from one up to `last`.
    async fn count(&self, last: u64) -> impl Stream<Item = u64>;

    /// The sum of all numbers that are sent.
    async fn total(&self, numbers: impl Stream<Item = i64>) -> i64;

    /// Does not answer.
    async fn ponder(&self) -> u64;
}

/// There is no such number.
#[derive(Debug, Serialize, Deserialize)]
pub struct Undefined;

struct Calculator;

impl Sums for Calculator {
    async fn add(&self, one: i64, other: i64) -> i64 {
        one.saturating_add(other)
    }

    async fn divide(&self, number: i64, divisor: i64) -> Result<i64, Undefined> {
        number.checked_div(divisor).ok_or(Undefined)
    }

    async fn count(&self, last: u64) -> impl Stream<Item = u64> {
        Numbers(1..=last)
    }

    async fn total(&self, mut numbers: Incoming<i64>) -> i64 {
        let mut total = 0_i64;
        while let Some(number) = numbers.next().await {
            total = total.saturating_add(number);
        }
        total
    }

    async fn ponder(&self) -> u64 {
        std::future::pending().await
    }
}

struct Numbers(std::ops::RangeInclusive<u64>);

impl Stream for Numbers {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<u64>> {
        Poll::Ready(self.0.next())
    }
}

/// Serves it at `place`.
///
/// # Errors
///
/// If that is not possible.
pub async fn serve(place: &str) -> Outcome<(Server, Endpoint)> {
    serve_with(place, Options::new()).await
}

/// The same with options of its own.
///
/// # Errors
///
/// If that is not possible.
pub async fn serve_with(place: &str, options: Options) -> Outcome<(Server, Endpoint)> {
    let builder = Server::builder().service(SumsServer::new(Calculator)).options(options);
    let server = builder.build().map_err(|error| error.to_string())?;
    let endpoint = server.bind(place).await.map_err(|error| error.to_string())?;
    Ok((server, endpoint))
}
