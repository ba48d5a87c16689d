//! Shows a notification on this machine's desktop. What it says is data for the program that shows it,
//! never a part of a command.

use std::path::PathBuf;

use super::surroundings::Surroundings;

/// The longest title and text, in characters.
const LONGEST: usize = 1024;

/// A program that shows notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notifier {
    /// `notify-send` of the freedesktop systems. It reads markup in the text.
    NotifySend(PathBuf),
    /// `osascript` of macOS.
    OsaScript(PathBuf),
}

impl Notifier {
    /// The one that is installed here.
    pub fn find(surroundings: &Surroundings) -> Option<Self> {
        let found = |name| surroundings.which(name);
        found("notify-send").map(Self::NotifySend).or_else(|| found("osascript").map(Self::OsaScript))
    }

    pub fn program(&self) -> &PathBuf {
        match self {
            Self::NotifySend(program) | Self::OsaScript(program) => program,
        }
    }

    /// How it is called.
    pub fn argv(&self, title: &str, body: &str) -> Vec<String> {
        let (title, body) = (plain(title), plain(body));
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        match self {
            Self::NotifySend(_) => {
                [words(&["notify-send", "--app-name=OpenClaw", "--"]), vec![title, without_markup(&body)]].concat()
            }
            Self::OsaScript(_) => {
                let script = words(&[
                    "osascript",
                    "-e",
                    "on run argv",
                    "-e",
                    "display notification (item 2 of argv) with title (item 1 of argv)",
                    "-e",
                    "end run",
                    "--",
                ]);
                [script, vec![title, body]].concat()
            }
        }
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(LONGEST).collect()
}

fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_neither_an_option_nor_markup_nor_script() {
        let argv = Notifier::NotifySend("/usr/bin/notify-send".into()).argv("--help", "<b>a</b> & \u{1b}b");
        assert_eq!(argv, ["notify-send", "--app-name=OpenClaw", "--", "--help", "&lt;b&gt;a&lt;/b&gt; &amp; b"]);
        let argv = Notifier::OsaScript("/usr/bin/osascript".into()).argv("\" & quit", "x");
        assert_eq!(argv[argv.len() - 3..], ["--", "\" & quit", "x"]);
    }
}
