//! The live table.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row as TableRow, Table};

use super::account::per_second;
use super::board::{Row, State};
use super::stage::Stage;
use crate::failure::{Failure, plain_io};

const FRAME: Duration = Duration::from_millis(100);
/// Rates are means over this many frames, so that they can be read.
const WINDOW: usize = 10;

/// Shows the demo until `show` is over, or until q, Esc or Ctrl-C.
pub(super) async fn run(stage: &Stage, show: impl Future<Output = ()>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of("terminal", plain_io(&error));
    // Restores the terminal after a panic, too.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let result = draw(stage, &mut terminal, show).await;
    ratatui::restore();
    result.map_err(failed)
}

async fn draw(
    stage: &Stage,
    terminal: &mut ratatui::DefaultTerminal,
    show: impl Future<Output = ()>,
) -> std::io::Result<()> {
    tokio::pin!(show);
    let mut frames = tokio::time::interval(FRAME);
    let mut rates = Rates::default();
    loop {
        tokio::select! {
            () = &mut show => return Ok(()),
            _ = frames.tick() => {
                rates.sample(stage);
                terminal.draw(|frame| picture(frame, stage, &rates))?;
                if asked_to_end()? {
                    return Ok(());
                }
            }
        }
    }
}

fn asked_to_end() -> std::io::Result<bool> {
    while event::poll(Duration::ZERO)? {
        if let Event::Key(key) = event::read()?
            && is_end(key)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_end(key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// Message counts of the last frames.
#[derive(Default)]
struct Rates {
    samples: VecDeque<(Instant, Vec<u64>)>,
}

impl Rates {
    fn sample(&mut self, stage: &Stage) {
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back((Instant::now(), stage.board().rows.iter().map(Row::count).collect()));
    }

    fn of(&self, row: usize) -> u64 {
        let (Some((from, first)), Some((to, last))) = (self.samples.front(), self.samples.back()) else { return 0 };
        let count = last.get(row).zip(first.get(row)).map_or(0, |(last, first)| last - first);
        per_second(count, *to - *from)
    }
}

fn picture(frame: &mut Frame<'_>, stage: &Stage, rates: &Rates) {
    let rows = stage.board().rows.len() as u16;
    let [title, table, log, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(rows + 3),
        Constraint::Min(3),
        Constraint::Length(4),
    ])
    .areas(frame.area());
    let elapsed = stage.started.elapsed().as_secs_f64();
    let heading = format!(" bowline demo  {elapsed:.1} of {:.1} s   q ends it", stage.length.as_secs_f64());
    frame.render_widget(Line::from(heading).style(Style::new().add_modifier(Modifier::BOLD)), title);
    connections(frame, table, stage, rates);
    transitions(frame, log, stage);
    totals(frame, footer, stage);
}

fn connections(frame: &mut Frame<'_>, area: Rect, stage: &Stage, rates: &Rates) {
    let board = stage.board();
    let now = stage.started.elapsed();
    let rows = board.rows.iter().enumerate().map(|(index, row)| {
        let age = now.saturating_sub(row.since).as_secs_f64();
        TableRow::new([
            Cell::from(row.name.clone()),
            Cell::from(row.pair),
            Cell::from(row.endpoint.clone()),
            Cell::from(row.state.name()).style(Style::new().fg(color(row.state))),
            Cell::from(format!("{age:6.1} s")),
            Cell::from(format!("{:>8}", rates.of(index))),
            Cell::from(format!("{:>6}", row.reconnects())),
            Cell::from(row.last_reason.clone()),
        ])
    });
    let widths = [
        Constraint::Length(7),
        Constraint::Length(11),
        Constraint::Fill(3),
        Constraint::Length(11),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Fill(2),
    ];
    let header = ["socket", "pair", "endpoint", "state", "for", "   msg/s", "reconnects", "last closed because"];
    let table = Table::new(rows, widths)
        .header(TableRow::new(header).style(Style::new().add_modifier(Modifier::DIM)))
        .block(Block::bordered().title(" connections "));
    frame.render_widget(table, area);
}

const fn color(state: State) -> Color {
    match state {
        State::New => Color::Blue,
        State::Handshaking => Color::Yellow,
        State::Ready => Color::Green,
        State::Closed => Color::Red,
    }
}

fn transitions(frame: &mut Frame<'_>, area: Rect, stage: &Stage) {
    let board = stage.board();
    let room = usize::from(area.height.saturating_sub(2));
    let skipped = board.log.len().saturating_sub(room);
    let lines = board.log.iter().skip(skipped).map(|entry| {
        Line::from(vec![
            Span::styled(format!("{:7.3} s  ", entry.time.as_secs_f64()), Style::new().add_modifier(Modifier::DIM)),
            Span::styled(format!("{:<7} ", entry.name), Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(entry.what.clone()),
        ])
    });
    let block = Block::bordered().title(" transitions ");
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn totals(frame: &mut Frame<'_>, area: Rect, stage: &Stage) {
    let (board, accounts) = (stage.board(), stage.accounts());
    let lines = vec![
        Line::from(format!(" PUSH/PULL  {}", accounts.pipeline.line())),
        Line::from(format!(" REQ/REP    {}", accounts.service.line())),
        Line::from(format!(" PUB/SUB    {}", accounts.ticker.line())),
        Line::from(format!(
            " {} restarts on purpose, {} reconnects, {} lifecycle transitions",
            board.restarts,
            board.reconnects(),
            board.transitions
        )),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn the_picture_shows_each_connection_with_its_state() {
        let stage = Stage::new(Duration::from_secs(3)).expect("a temporary folder");
        stage.board().add("PUSH 1", "PUSH > PULL", "tcp://127.0.0.1:4000".to_owned());
        stage.board().restart(Duration::ZERO, "REP", "killed on purpose");
        let mut terminal = Terminal::new(TestBackend::new(120, 20)).expect("memory");
        terminal.draw(|frame| picture(frame, &stage, &Rates::default())).expect("memory");
        let shown = terminal.backend().to_string();
        for text in ["PUSH 1", "tcp://127.0.0.1:4000", "new", "REP     killed on purpose", "1 restarts on purpose"] {
            assert!(shown.contains(text), "{text}\n{shown}");
        }
        stage.tidy();
    }

    #[test]
    fn a_tiny_terminal_is_no_reason_to_panic() {
        let stage = Stage::new(Duration::from_secs(3)).expect("a temporary folder");
        stage.board().add("PUSH 1", "PUSH > PULL", "tcp://127.0.0.1:4000".to_owned());
        let mut terminal = Terminal::new(TestBackend::new(3, 2)).expect("memory");
        terminal.draw(|frame| picture(frame, &stage, &Rates::default())).expect("memory");
    }
}
