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
    let [title, table, log, footer] = areas(frame.area(), stage.board().rows.len() as u16);
    let elapsed = stage.started.elapsed().as_secs_f64();
    let heading = format!(" bowline demo  {elapsed:.1} of {:.1} s   q ends it", stage.length.as_secs_f64());
    frame.render_widget(Line::from(heading).style(Style::new().add_modifier(Modifier::BOLD)), title);
    connections(frame, table, stage, rates);
    transitions(frame, log, stage);
    totals(frame, footer, stage);
}

/// Title, connections, transitions, totals. Where there is no room for all, the connections have it.
fn areas(all: Rect, rows: u16) -> [Rect; 4] {
    let table = (rows + 3).min(all.height.saturating_sub(1));
    let totals = all.height.saturating_sub(1 + table).min(4);
    let log = match all.height.saturating_sub(1 + table + totals) {
        // A frame with nothing in it.
        ..=2 => 0,
        room => room,
    };
    Layout::vertical([1, table, log, totals].map(Constraint::Length)).areas(all)
}

fn connections(frame: &mut Frame<'_>, area: Rect, stage: &Stage, rates: &Rates) {
    let board = stage.board();
    let now = stage.started.elapsed();
    let shown = Columns::that_fit(area.width);
    let rows = board.rows.iter().enumerate().map(|(index, row)| {
        let age = now.saturating_sub(row.since).as_secs_f64();
        let transport = row.endpoint.split("://").next().unwrap_or_default();
        shown.of([
            Cell::from(row.name.clone()),
            Cell::from(row.pair),
            Cell::from(if shown == Columns::All { row.endpoint.clone() } else { transport.to_owned() }),
            Cell::from(state(row)).style(Style::new().fg(color(row.state))),
            Cell::from(format!("{age:6.1} s")),
            Cell::from(format!("{:>8}", rates.of(index))),
            Cell::from(format!("{:>10}", row.reconnects())),
            Cell::from(row.last_reason.clone()),
        ])
    });
    let widths = [
        Constraint::Length(6),
        Constraint::Length(11),
        if shown == Columns::All { Constraint::Fill(3) } else { Constraint::Length(8) },
        Constraint::Length(11),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Fill(2),
    ];
    let endpoint = if shown == Columns::All { "endpoint" } else { "over" };
    let header = ["socket", "pair", endpoint, "state", "     for", "   msg/s", "reconnects", "last closed because"];
    let header = TableRow::new(shown.of(header.map(Cell::from))).style(Style::new().add_modifier(Modifier::DIM));
    let table = Table::new(rows.map(TableRow::new), shown.of(widths))
        .header(header)
        .block(Block::bordered().title(" connections "));
    frame.render_widget(table, area);
}

/// The state, with the attempt where there is not yet a connection.
fn state(row: &Row) -> String {
    match row.state {
        State::New if row.attempt > 0 => format!("attempt {}", row.attempt),
        state => state.name().to_owned(),
    }
}

/// What there is room for, without cutting a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    All,
    /// The transport instead of the endpoint, and no pair.
    Most,
    /// Name, transport, state and rate.
    Few,
}

impl Columns {
    const fn that_fit(width: u16) -> Self {
        match width {
            120.. => Self::All,
            78.. => Self::Most,
            _ => Self::Few,
        }
    }

    fn of<T>(self, columns: [T; 8]) -> Vec<T> {
        let shown = match self {
            Self::All => [true; 8],
            Self::Most => [true, false, true, true, true, true, true, true],
            Self::Few => [true, false, true, true, false, true, false, false],
        };
        columns.into_iter().zip(shown).filter_map(|(column, shown)| shown.then_some(column)).collect()
    }
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
    fn a_narrow_and_low_terminal_keeps_what_matters_most() {
        let stage = Stage::new(Duration::from_secs(3)).expect("a temporary folder");
        for name in ["PUSH 1", "PUSH 2", "REQ 1"] {
            stage.board().add(name, "PUSH > PULL", "tcp://127.0.0.1:4000".to_owned());
        }
        for (width, height) in [(80, 24), (78, 9), (40, 8), (40, 7)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
            terminal.draw(|frame| picture(frame, &stage, &Rates::default())).expect("memory");
            let shown = terminal.backend().to_string();
            for text in ["PUSH 1", "REQ 1", "tcp ", "new", "msg/s"] {
                assert!(shown.contains(text), "{text}\n{shown}");
            }
            assert_eq!(shown.contains("last closed because"), width > 40, "{shown}");
            assert_eq!(shown.contains("transitions "), height > 10, "{shown}");
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
