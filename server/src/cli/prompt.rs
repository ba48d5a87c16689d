//! Questions that are answered with a line of text.

use std::io::{BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::output::neutral;

/// Asks for a line. `None` when nobody answers any more.
pub fn line(question: &str) -> Option<String> {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{}", neutral(question)).and_then(|()| stderr.flush());
    let mut answer = String::new();
    let length = std::io::stdin().lock().read_line(&mut answer).ok()?;
    (length > 0).then(|| answer.trim_end_matches(['\r', '\n']).to_owned())
}

/// The same for a secret, which does not appear on the screen.
pub fn hidden(question: &str) -> Option<String> {
    let quiet = Quiet::begin();
    let answer = line(question);
    drop(quiet);
    let _ = writeln!(std::io::stderr().lock());
    answer
}

/// The terminal as it was, while it does not show what is typed.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
