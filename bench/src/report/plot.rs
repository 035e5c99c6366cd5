//! Plots as SVG: throughput over size, and bars of round trips.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::table::label;
use crate::Result;
use crate::case::{Bytes, Placement, Scenario, Transport};
use crate::metric::Metric;
use crate::outcome::Outcome;
use crate::peers::Peer;

/// A plot that was drawn.
pub(super) struct Plot {
    pub(super) scenario: Scenario,
    pub(super) title: String,
    pub(super) file: String,
}

/// Colours that can be told apart by those who see few; bowline's is the darkest.
const COLOURS: [(&str, RGBColor); 6] = [
    ("bowline", RGBColor(0, 63, 136)),
    ("libzmq", RGBColor(213, 94, 0)),
    ("omq", RGBColor(0, 158, 115)),
    ("rzmq", RGBColor(204, 121, 167)),
    ("zmq.rs", RGBColor(230, 159, 0)),
    ("raw", RGBColor(150, 150, 150)),
];

/// Draws what the outcomes allow.
pub(super) fn all(outcomes: &[Outcome], folder: &Path) -> Result<Vec<Plot>> {
    let mut plots = Vec::new();
    for transport in [Transport::Tcp, Transport::Ipc, Transport::Inproc] {
        let of_transport =
            |outcome: &&Outcome| outcome.case.scenario == Scenario::PushPull && outcome.case.transport == transport;
        let outcomes: Vec<&Outcome> = outcomes.iter().filter(of_transport).collect();
        if outcomes.len() > 1 {
            let plot = Plot {
                scenario: Scenario::PushPull,
                title: format!("PUSH to PULL over {}: messages per second by size", transport.name()),
                file: format!("push-pull-{}.svg", transport.name()),
            };
            lines(&outcomes, &plot.title, &folder.join(&plot.file))?;
            plots.push(plot);
        }
    }
    for placement in [Placement::TwoProcesses, Placement::OneRuntime] {
        let of_placement =
            |outcome: &&Outcome| outcome.case.scenario == Scenario::ReqRep && outcome.case.placement == placement;
        let outcomes: Vec<&Outcome> = outcomes.iter().filter(of_placement).collect();
        if !outcomes.is_empty() {
            let plot = Plot {
                scenario: Scenario::ReqRep,
                title: format!("REQ to REP and back, {}: half take at most", placement.name()),
                file: format!("req-rep-{}.svg", placement.name().replace(' ', "-")),
            };
            bars(&outcomes, Metric::P50, &plot.title, &folder.join(&plot.file))?;
            plots.push(plot);
        }
    }
    Ok(plots)
}

/// The best set-up of a library in a case.
fn value(outcome: &Outcome, library: &str, metric: Metric) -> Option<f64> {
    outcome.best_of(metric, |peer: Peer| peer.library() == library)?.median(metric)
}

/// Both axes in powers.
fn lines(outcomes: &[&Outcome], title: &str, file: &Path) -> Result<()> {
    let series = COLOURS.map(|(library, colour)| {
        let point = |outcome: &&Outcome| Some((outcome.case.size as f64, value(outcome, library, Metric::Rate)?));
        (library, colour, outcomes.iter().filter_map(point).collect::<Vec<_>>())
    });
    let rates = || series.iter().flat_map(|(.., points)| points).map(|(_, rate)| *rate);
    let (least, most) = (rates().fold(f64::MAX, f64::min), rates().fold(1.0, f64::max));
    let sizes: Vec<f64> = outcomes.iter().map(|outcome| outcome.case.size as f64).collect();
    let (smallest, largest) = (sizes[0], sizes[sizes.len() - 1]);

    let area = SVGBackend::new(file, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .margin_right(32)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (smallest..largest).log_scale().base(4.0),
            (least / 1.5..most * 1.5).log_scale().base(10.0),
        )?;
    chart
        .configure_mesh()
        .x_labels(10)
        .light_line_style(WHITE)
        .x_label_formatter(&|size| Bytes(size.round() as usize).to_string())
        .y_label_formatter(&|rate| Metric::Rate.say(*rate))
        .draw()?;
    for (library, colour, points) in series {
        if points.is_empty() {
            continue;
        }
        let width = if library == "bowline" { 3 } else { 2 };
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(width)))?
            .label(library)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(width)));
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, width + 1, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerLeft).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}

/// A group of bars for each case, one for each library.
fn bars(outcomes: &[&Outcome], metric: Metric, title: &str, file: &Path) -> Result<()> {
    let bars = outcomes.iter().enumerate().flat_map(|(group, outcome)| {
        COLOURS.iter().enumerate().filter_map(move |(at, (library, colour))| {
            Some((group as f64 + (at as f64 + 1.0) / 8.0, value(outcome, library, metric)?, *library, *colour))
        })
    });
    let bars: Vec<_> = bars.collect();
    let most = bars.iter().map(|bar| bar.1).fold(1.0, f64::max);

    let area = SVGBackend::new(file, (760, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..outcomes.len() as f64, 0.0..most * 1.15)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .light_line_style(WHITE)
        .y_label_formatter(&|value| metric.say(*value))
        .draw()?;
    for (library, colour) in COLOURS {
        let own = bars.iter().filter(|bar| bar.2 == library);
        let shapes: Vec<_> = own
            .map(|(left, value, ..)| Rectangle::new([(*left, 0.0), (left + 0.115, *value)], colour.filled()))
            .collect();
        if !shapes.is_empty() {
            chart
                .draw_series(shapes)?
                .label(library)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
    }
    let below = ("sans-serif", 14).into_text_style(&area).pos(Pos::new(HPos::Center, VPos::Top));
    chart.draw_series(outcomes.iter().enumerate().map(|(group, outcome)| {
        EmptyElement::at((group as f64 + 0.5, 0.0)) + Text::new(label(&outcome.case), (0, 8), below.clone())
    }))?;
    chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}
