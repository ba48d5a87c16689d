//! Asks the person at the node's own terminal whether a program may run.

use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// The longest that a question waits. The caller's patience may end before.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The gateway.
    pub who: &'a str,
    pub program: &'a Path,
    pub argv: &'a [String],
    pub folder: &'a Path,
    pub may_remember: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// And never ask again for this program.
    Always,
    No,
    /// Nobody answered in time.
    Silence,
}

/// Whom to ask.
pub enum Asker {
    Nobody,
    Terminal(Terminal),
}

/// Somebody at a terminal.
pub struct Terminal {
    /// One question at a time.
    lines: Mutex<mpsc::Receiver<String>>,
    show: Box<dyn Fn(&str) + Send + Sync>,
}

impl Question<'_> {
    /// The question, complete: every argument in quotes on a line of its own, with everything in it that
    /// could mislead spelled out.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("\n{} asks to run a program on this machine:", self.who)];
        lines.push(format!("  program   {:?}", self.program.display().to_string()));
        for (number, argument) in self.argv.iter().enumerate() {
            lines.push(format!("  argv[{number}]   {argument:?}"));
        }
        lines.push(format!("  folder    {:?}", self.folder.display().to_string()));
        lines.push(if self.may_remember {
            "Let it run? [y]es, [N]o, or `always` to allow this program with any arguments from now on".to_owned()
        } else {
            "Let it run? [y]es or [N]o (it runs whatever it is given, so each time is asked)".to_owned()
        });
        lines.join("\n")
    }

    fn read(&self, line: &str) -> Answer {
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Answer::Yes,
            "always" if self.may_remember => Answer::Always,
            _ => Answer::No,
        }
    }
}

impl Terminal {
    /// The terminal this program runs in. `show` prints a text.
    pub fn here(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let (typed, lines) = mpsc::channel(16);
        std::thread::spawn(move || {
            std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| typed.blocking_send(line))
        });
        Self::new(lines, show)
    }

    pub fn new(lines: mpsc::Receiver<String>, show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { lines: Mutex::new(lines), show: Box::new(show) }
    }

    pub async fn ask(&self, question: &Question<'_>, patience: Duration) -> Answer {
        let asking = async {
            let mut lines = self.lines.lock().await;
            // What was typed before the question is no answer to it.
            while lines.try_recv().is_ok() {}
            (self.show)(&question.text());
            lines.recv().await.map_or(Answer::No, |line| question.read(&line))
        };
        let answer = timeout(patience, asking).await.unwrap_or(Answer::Silence);
        match answer {
            Answer::Silence => (self.show)("Nobody answered, so it does not run."),
            Answer::No => (self.show)("It does not run."),
            Answer::Yes | Answer::Always => {}
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(typed: &str, may_remember: bool) -> Answer {
        let (typing, lines) = mpsc::channel(4);
        typing.send("y".to_owned()).await.unwrap();
        let typed = typed.to_owned();
        // The answer is typed when the question is seen; the `y` above came before it.
        let show = move |text: &str| {
            if text.contains("Let it run?") {
                typing.try_send(typed.clone()).unwrap();
            }
        };
        let argv = ["ls".to_owned()];
        let question =
            Question { who: "x", program: Path::new("/bin/ls"), argv: &argv, folder: Path::new("/"), may_remember };
        Terminal::new(lines, show).ask(&question, PATIENCE).await
    }

    #[tokio::test]
    async fn only_a_clear_yes_to_this_question_is_one() {
        assert_eq!(answered("y", true).await, Answer::Yes);
        assert_eq!(answered(" Yes ", true).await, Answer::Yes);
        assert_eq!(answered("always", true).await, Answer::Always);
        assert_eq!(answered("always", false).await, Answer::No);
        for typed in ["", "n", "yy", "of course"] {
            assert_eq!(answered(typed, true).await, Answer::No, "{typed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_nobody_answers_ends_with_no() {
        let (_typing, lines) = mpsc::channel(1);
        let argv = ["ls".to_owned()];
        let question = Question {
            who: "x",
            program: Path::new("/bin/ls"),
            argv: &argv,
            folder: Path::new("/"),
            may_remember: true,
        };
        assert_eq!(Terminal::new(lines, |_| {}).ask(&question, PATIENCE).await, Answer::Silence);
    }

    #[test]
    fn the_question_is_complete_and_cannot_mislead() {
        let long = "x".repeat(10_000);
        let argv = ["ls".to_owned(), "a\nprogram   \"/bin/true\"\u{1b}[2J\u{202e}".to_owned(), long.clone()];
        let question = Question {
            who: "x",
            program: Path::new("/bin/ls"),
            argv: &argv,
            folder: Path::new("/"),
            may_remember: true,
        };
        let text = question.text();
        assert!(text.contains(&long) && text.contains(r"\n") && text.contains(r"\u{1b}") && text.contains(r"\u{202e}"));
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("program")).count(), 1);
    }
}
