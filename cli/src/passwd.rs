//! `bowline passwd`: a line for a file of passwords. The password is no argument: every user of the machine could read
//! it there.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use bowline::PlainCredentials;
use bowline::auth::PasswordFile;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;

use crate::args::PasswdArgs;
use crate::failure::{Failure, plain_io};

pub(crate) fn run(args: &PasswdArgs) -> Result<(), Failure> {
    let password = if io::stdin().is_terminal() { asked_twice() } else { first_line() };
    let password = password.map_err(|error| Failure::of("the password", plain_io(&error)))?;
    if password.is_empty() {
        return Err(Failure::of("the password", "there is none"));
    }
    let credentials = PlainCredentials::new(&args.user, password).map_err(|cause| Failure::usage(&args.user, cause))?;
    let line = PasswordFile::line(&credentials).map_err(|error| Failure::usage(&args.user, plain_io(&error)))?;
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::stdout(&error))
}

/// Of standard input, without its end.
fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

fn asked_twice() -> io::Result<String> {
    let first = asked("Password: ")?;
    if asked("Again: ")? == first { Ok(first) } else { Err(io::Error::other("the two are not the same")) }
}

/// What is typed at the terminal, which does not show it.
fn asked(prompt: &str) -> io::Result<String> {
    eprint!("{prompt}");
    terminal::enable_raw_mode()?;
    let typed = typed();
    terminal::disable_raw_mode()?;
    eprintln!();
    typed
}

fn typed() -> io::Result<String> {
    let mut text = String::new();
    loop {
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Ok(text),
            KeyCode::Char('c' | 'd') if is_control => return Err(io::Error::other("given up")),
            KeyCode::Char(char) if !is_control => text.push(char),
            KeyCode::Backspace => drop(text.pop()),
            _ => {}
        }
    }
}
