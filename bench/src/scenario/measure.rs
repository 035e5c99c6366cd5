//! The thread that measures: sleeps while the sides work, and reads the gauge before and after.

use std::thread;
use std::time::{Duration, Instant};

use super::{Gauge, hostile};
use crate::Result;
use crate::case::{Placement, Scenario, Work};
use crate::metric::{Metric, Sample};
use crate::stats::percentile;
use crate::usage::{MachineLoad, Usage};
use crate::worker::FarSide;

/// Stages of a run with many sockets.
pub(super) const CONNECT: u32 = 1;
pub(super) const SEND: u32 = 2;
/// Stages of a run that asks and answers.
pub(super) const RECORD: u32 = 1;
pub(super) const OVER: u32 = 2;

/// Measures what the sides do, which have been started.
pub(crate) fn measure(work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    match work.case.scenario {
        Scenario::PushPull | Scenario::CurvePushPull | Scenario::CurveHandshakes => {
            gauge.wait_until(|gauge| gauge.count() > 0)?;
            rate(work, gauge, far)
        }
        Scenario::PubSub => {
            gauge.wait_until(|gauge| gauge.least() > 0)?;
            far.begin_stage(1)?;
            rate(work, gauge, far)
        }
        Scenario::ReqRep | Scenario::DealerRouter | Scenario::RpcCalls => {
            gauge.wait_until(|gauge| gauge.count() > 0)?;
            round_trips(work, gauge, far)
        }
        Scenario::RpcStream => {
            gauge.wait_until(|gauge| gauge.count() > 0)?;
            let mut sample = rate(work, gauge, far)?;
            let chunks = sample.values.get(&Metric::Rate).copied().unwrap_or_default();
            sample.values.insert(Metric::Bytes, chunks * work.case.size as f64);
            Ok(sample)
        }
        Scenario::RpcBeside | Scenario::RpcStalled => reckoned(gauge, far),
        // Others change no count.
        Scenario::RpcCost => Ok(Sample { values: gauge.wait_for_values()?, foreign: 0.0 }),
        Scenario::ManyPeers => {
            let mut connected = connect(work, gauge, far)?;
            far.begin_stage(SEND)?;
            let sending = rate(work, gauge, far)?;
            connected.values.extend(sending.values);
            connected.foreign = connected.foreign.max(sending.foreign);
            Ok(connected)
        }
        Scenario::Hostile => {
            gauge.wait_until(|gauge| gauge.count() > 0)?;
            beside_an_attack(work, gauge, far)
        }
        Scenario::IdleMemory => {
            let mut sample = connect(work, gauge, far)?;
            sample.values.retain(|metric, _| *metric == Metric::Each);
            Ok(sample)
        }
    }
}

/// One moment of a run.
struct Reading {
    at: Instant,
    count: u64,
    usage: Usage,
    load: MachineLoad,
}

impl Reading {
    /// At the beginning of what is measured: the count is read last, so nothing is counted that was before.
    fn before(gauge: &Gauge, far: &mut FarSide) -> Result<Self> {
        let (usage, load) = (far.usage_of_both()?, MachineLoad::read()?);
        Ok(Self { at: Instant::now(), count: gauge.count(), usage, load })
    }

    /// At its end: the count is read first.
    fn after(gauge: &Gauge, far: &mut FarSide) -> Result<Self> {
        let (at, count) = (Instant::now(), gauge.count());
        Ok(Self { at, count, load: MachineLoad::read()?, usage: far.usage_of_both()? })
    }

    fn to(&self, end: &Self) -> Result<Sample> {
        let count = end.count - self.count;
        if count == 0 {
            return Err("nothing arrived while it was measured".into());
        }
        let cpu = end.usage.cpu - self.usage.cpu;
        Ok(Sample {
            values: [
                (Metric::Rate, count as f64 / (end.at - self.at).as_secs_f64()),
                (Metric::Cpu, cpu * 1e6 / count as f64),
                (Metric::Resident, end.usage.resident),
            ]
            .into(),
            foreign: end.load.foreign_since(self.load, cpu),
        })
    }
}

fn rate(work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    pass(work.warm_up, work, gauge, far)?;
    let before = Reading::before(gauge, far)?;
    pass(work.window, work, gauge, far)?;
    let after = Reading::after(gauge, far)?;
    gauge.check()?;
    before.to(&after)
}

/// Sleeps; tells a publisher that would drop meanwhile how far everybody is.
fn pass(time: Duration, work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<()> {
    if work.case.scenario != Scenario::PubSub || !work.peer.drops_for_slow_subscribers() {
        thread::sleep(time);
        return Ok(());
    }
    let begun = Instant::now();
    while begun.elapsed() < time {
        far.acknowledge(gauge.least())?;
        thread::sleep(ACKNOWLEDGE.min(time.saturating_sub(begun.elapsed())));
    }
    Ok(())
}

/// Often enough for a publisher never to run dry, seldom enough to cost nothing.
const ACKNOWLEDGE: Duration = Duration::from_millis(2);

fn round_trips(work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    thread::sleep(work.warm_up);
    let before = Reading::before(gauge, far)?;
    gauge.begin_stage(RECORD);
    thread::sleep(work.window);
    gauge.begin_stage(OVER);
    let after = Reading::after(gauge, far)?;
    let mut latencies = gauge.wait_for_latencies()?;
    let mut sample = before.to(&after)?;
    for (metric, share) in [(Metric::P50, 0.5), (Metric::P99, 0.99)] {
        if let Some(nanoseconds) = percentile(&mut latencies, share) {
            sample.values.insert(metric, f64::from(nanoseconds) / 1e3);
        }
    }
    Ok(sample)
}

/// The rate of an honest pair at its pace, alone and beside an attack.
fn beside_an_attack(work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    thread::sleep(work.warm_up);
    far.begin_stage(hostile::LIMIT)?;
    thread::sleep(work.window);
    far.begin_stage(hostile::PACED)?;
    let alone = rate(work, gauge, far)?;
    far.begin_stage(hostile::ATTACKED)?;
    gauge.begin_stage(hostile::ATTACKED);
    thread::sleep(SETTLE);
    let (begun, before) = (Instant::now(), gauge.strikes() + far.strikes()?);
    let mut beside = rate(work, gauge, far)?;
    let after = gauge.strikes() + far.strikes()?;
    if after == 0 {
        return Err("nobody attacked".into());
    }
    let rates = (alone.values.get(&Metric::Rate), beside.values.get(&Metric::Rate));
    let (Some(alone), Some(kept)) = rates else { return Err("no rate was measured".into()) };
    let attacks = (after - before) as f64 / begun.elapsed().as_secs_f64();
    beside.values.extend([(Metric::Kept, kept / alone), (Metric::Attacks, attacks)]);
    Ok(beside)
}

/// What a side measures itself; only others are watched.
fn reckoned(gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    let (load, before) = (MachineLoad::read()?, far.usage_of_both()?);
    let values = gauge.wait_for_values()?;
    let (later, after) = (MachineLoad::read()?, far.usage_of_both()?);
    Ok(Sample { values, foreign: later.foreign_since(load, after.cpu - before.cpu) })
}

/// Until every socket is there and, where it is connected, has been heard of; and what that cost.
fn connect(work: &Work, gauge: &Gauge, far: &mut FarSide) -> Result<Sample> {
    // The runtimes and contexts are there before memory is read, and a connection, with which parts of the program come into
    // memory that are no connection's own.
    thread::sleep(Duration::from_millis(50));
    let first = u64::from(work.case.placement != Placement::OneRuntime);
    gauge.wait_until(|gauge| gauge.count() >= first)?;
    let (load, before) = (MachineLoad::read()?, far.usage_of_both()?);
    let begun = Instant::now();
    if work.case.placement == Placement::OneRuntime {
        gauge.begin_stage(CONNECT);
    } else {
        far.begin_stage(CONNECT)?;
    }
    gauge.wait_until(|gauge| gauge.count() >= first + work.case.count as u64)?;
    let connected = begun.elapsed();
    thread::sleep(SETTLE);
    let (after, later) = (far.usage_of_both()?, MachineLoad::read()?);
    Ok(Sample {
        values: [
            (Metric::Connected, connected.as_secs_f64()),
            (Metric::Each, (after.resident - before.resident) / work.case.count as f64),
        ]
        .into(),
        foreign: later.foreign_since(load, after.cpu - before.cpu),
    })
}

/// Until buffers that are only needed for a handshake are given back, and until an attack has come up to its speed.
const SETTLE: Duration = Duration::from_millis(400);
