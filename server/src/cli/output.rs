//! What reaches the terminal: data on stdout, words on stderr, and never a control character that a
//! device chose.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

pub use super::amounts::{ago, ahead, count, duration};
pub use super::columns::table;
pub use super::failure::Failure;
use super::progress;
pub use super::style::heading;
use super::style::styled;
pub use super::text::{compact_json, long, neutral, sentence, shown};
use super::text::{json_text, without_orders};
use super::typed;

/// Prints one line, or several, of data.
pub fn data(text: &str) {
    as_it_is(&typed::in_words(text));
}

fn as_it_is(text: &str) {
    progress::clear();
    write_all(anstream::stdout().lock(), &styled(&neutral(text)));
}

/// Prints exactly this to a program that reads it; a person's terminal is protected from it.
pub fn value(text: &str) {
    if std::io::stdout().is_terminal() { as_it_is(text) } else { write_all(std::io::stdout().lock(), text) }
}

/// Writes what is not made of lines of ours.
pub fn write_bytes(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Prints lines of data as long as somebody reads them. False when nobody does any more.
pub fn reaches(lines: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", neutral(lines)).and_then(|()| stdout.flush()).is_ok()
}

/// Prints a drawing of ours, which may command the terminal.
pub fn drawing(text: &str) {
    write_all(std::io::stdout().lock(), text);
}

/// Prints a value for scripts.
pub fn json(value: &impl Serialize) {
    write_all(std::io::stdout().lock(), &json_text(value));
}

/// Prints a value for scripts that read line by line. Fails when nobody reads any more.
pub fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(&without_orders(&serde_json::to_string(value)?))
}

/// Prints one line of a list that goes on. Fails when nobody reads any more.
pub fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{}", neutral(text)).context("nobody reads this any more")
}

/// Replaces everything on the terminal's screen.
pub fn show_screen(text: &str) {
    write_all(std::io::stdout().lock(), &format!("\u{1b}[H\u{1b}[2J{}", neutral(&typed::in_words(text))));
}

/// What was done: for scripts as JSON, for people in words.
pub fn tell(as_json: bool, result: &impl Serialize, words: &str) -> ExitCode {
    if as_json {
        json(result);
    } else {
        data(words);
    }
    ExitCode::SUCCESS
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    progress::clear();
    write_all(anstream::stderr().lock(), &styled(&neutral(&typed::in_words(text))));
}

/// Asks the person at the terminal. Only a clear yes is one; a bare Enter never is.
pub fn confirm(question: &str) -> bool {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{} [y/N] ", neutral(question)).and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Whether somebody sits there who can read a question and answer it.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// A reader that went away, as `head` does, is no reason to complain.
fn write_all(mut to: impl Write, text: &str) {
    let _ = writeln!(to, "{text}");
}
