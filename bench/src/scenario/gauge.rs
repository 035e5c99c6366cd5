//! What the sides of a run tell the thread that measures, and it them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::metric::Metric;
use crate::worker::PATIENCE;

/// Shared by the sides of a run that are in this process.
///
/// A side that counts writes a number of its own, so counting costs it a store; nobody reads it but twice in a run.
pub(crate) struct Gauge {
    counters: Vec<Counter>,
    stage: AtomicU32,
    /// How much of what was published has arrived everywhere.
    arrived: AtomicU64,
    strikes: AtomicU64,
    news: Mutex<News>,
    heard: Condvar,
}

#[derive(Default)]
struct News {
    bound: bool,
    failure: Option<String>,
    latencies: Option<Vec<u32>>,
    values: Option<BTreeMap<Metric, f64>>,
}

/// On a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Only one thread sets a counter.
    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// Any task may, where many share a counter.
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Gauge {
    /// With so many counters.
    pub(crate) fn new(counters: usize) -> Self {
        Self {
            counters: (0..counters.max(1)).map(|_| Counter::default()).collect(),
            stage: AtomicU32::new(0),
            arrived: AtomicU64::new(0),
            strikes: AtomicU64::new(0),
            news: Mutex::default(),
            heard: Condvar::new(),
        }
    }

    pub(crate) fn counter(&self, index: usize) -> &Counter {
        &self.counters[index]
    }

    /// The sum of all counters.
    pub(crate) fn count(&self) -> u64 {
        self.counters.iter().map(|counter| counter.0.load(Ordering::Relaxed)).sum()
    }

    /// The least of all counters: whether everybody has begun.
    pub(crate) fn least(&self) -> u64 {
        self.counters.iter().map(|counter| counter.0.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    pub(crate) fn stage(&self) -> u32 {
        self.stage.load(Ordering::Relaxed)
    }

    /// Stages are numbered from 1; what each means is up to the scenario.
    pub(crate) fn begin_stage(&self, stage: u32) {
        self.stage.store(stage, Ordering::Relaxed);
    }

    /// What a publisher that would rather drop may be ahead of.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    pub(crate) fn acknowledge(&self, arrived: u64) {
        self.arrived.store(arrived, Ordering::Relaxed);
    }

    /// How often a hostile peer in this process has done what it does.
    pub(crate) fn strikes(&self) -> u64 {
        self.strikes.load(Ordering::Relaxed)
    }

    pub(crate) fn strike(&self, times: u64) {
        self.strikes.fetch_add(times, Ordering::Relaxed);
    }

    pub(crate) fn bound(&self) {
        self.tell(|news| news.bound = true);
    }

    /// A side has ended; it never does so of its own accord while it is measured.
    pub(crate) fn report(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.tell(|news| news.failure = Some(error.to_string()));
        }
    }

    /// The round trips of the window, in nanoseconds each.
    pub(crate) fn deliver(&self, latencies: Vec<u32>) {
        self.tell(|news| news.latencies = Some(latencies));
    }

    /// What a side has measured itself.
    pub(crate) fn deliver_values(&self, values: BTreeMap<Metric, f64>) {
        self.tell(|news| news.values = Some(values));
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).bound
    }

    pub(crate) fn wait_until_bound(&self) -> Result<()> {
        self.wait(|news| news.bound.then_some(()))
    }

    pub(crate) fn wait_for_latencies(&self) -> Result<Vec<u32>> {
        self.wait(|news| news.latencies.take())
    }

    pub(crate) fn wait_for_values(&self) -> Result<BTreeMap<Metric, f64>> {
        self.wait(|news| news.values.take())
    }

    /// Sleeps until `is_so`, looking every half millisecond.
    pub(crate) fn wait_until(&self, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self) {
            self.check()?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("only {} messages arrived in {} s", self.count(), PATIENCE.as_secs()).into());
            }
            thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// Fails if a side has.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.news.lock().unwrap_or_else(PoisonError::into_inner).failure {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    fn tell(&self, news: impl FnOnce(&mut News)) {
        news(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.heard.notify_all();
    }

    fn wait<T>(&self, mut hear: impl FnMut(&mut News) -> Option<T>) -> Result<T> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        loop {
            if let Some(failure) = &news.failure {
                return Err(failure.clone().into());
            }
            if let Some(heard) = hear(&mut news) {
                return Ok(heard);
            }
            if begun.elapsed() > PATIENCE {
                return Err("a side of the run said nothing".into());
            }
            news = self.heard.wait_timeout(news, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
