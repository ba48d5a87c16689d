//! What reaches the terminal: data on stdout, words on stderr, and never a control character that a
//! device chose.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use client::{CallError, ConnectError};
use protocol::plain::is_harmful;
use protocol::refusal::Advice;
use protocol::{Refusal, WireError};
use serde::Serialize;

pub use super::columns::table;
use super::progress;
pub use super::style::heading;
use super::style::{is_style, styled};
use crate::advised::Advised;
use crate::config::Profile;

/// Names longer than this are cut, in characters.
const MAX_SHOWN: usize = 48;

/// A failure lists no more than this many lines: enough to find the one that was meant.
const LONGEST_LIST: usize = 12;

/// What a failure ends with that knows nothing better.
const LAST_RESORT: &str = "on the gateway's machine, `openclaw gateway status` tells how it is and where its log is";

/// Prints one line, or several, of data.
pub fn data(text: &str) {
    progress::clear();
    write_all(anstream::stdout().lock(), &styled(&neutral(text)));
}

/// Prints exactly this to a program that reads it; a person's terminal is protected from it.
pub fn value(text: &str) {
    if std::io::stdout().is_terminal() { data(text) } else { write_all(std::io::stdout().lock(), text) }
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
    write_all(std::io::stdout().lock(), &format!("\u{1b}[H\u{1b}[2J{}", neutral(text)));
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
    write_all(anstream::stderr().lock(), &styled(&neutral(text)));
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

/// Why a command did not do its job: one sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    sentence: String,
    /// Lines that the sentence speaks of.
    list: Vec<String>,
    hint: Option<String>,
    /// What the command ends with.
    code: u8,
}

impl Failure {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), list: Vec::new(), hint: None, code: 1 }
    }

    /// A command that makes no sense as it was typed, which nothing was done for.
    pub fn misused(sentence: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(sentence) }
    }

    #[must_use]
    pub fn list(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.list.extend(lines);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the gateway's no means, with its own words in brackets for whoever looks them up.
    pub fn refused(error: &WireError) -> Self {
        match Refusal::advice_for(error) {
            Some(Advice { sentence, next_step }) => {
                Self::new(format!("{sentence} ({})", long(&error.message))).hint(next_step)
            }
            None => Self::new(format!("The gateway refused: {}", long(&error.message))),
        }
    }

    /// With the commands in its hint as they have to be typed for this profile.
    #[must_use]
    pub fn for_profile(mut self, profile: Option<&Profile>) -> Self {
        if let Some(profile) = profile {
            let hint = self.hint.get_or_insert_with(|| LAST_RESORT.to_owned());
            *hint = hint.replace("`openclaw ", &format!("`openclaw --profile {profile} "));
        }
        self
    }

    /// As people read it.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.sentence)];
        lines.extend(self.list.iter().take(LONGEST_LIST).map(|line| format!("  {line}")));
        if self.list.len() > LONGEST_LIST {
            lines.push(format!("  … and {} more", self.list.len() - LONGEST_LIST));
        }
        lines.extend(self.hint.iter().map(|hint| format!("\nhint: {hint}")));
        lines
    }

    /// Tells it and ends with 1, or with 2 for misuse.
    pub fn report(&self) -> ExitCode {
        let mut failure = self.clone();
        failure.hint.get_or_insert_with(|| LAST_RESORT.to_owned());
        say(&failure.lines().join("\n"));
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let failure = Self::new(sentence(&format!("{error:#}")));
        match error.downcast_ref::<Advised>() {
            Some(advised) => failure.hint(&advised.hint),
            None => failure,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => Self::refused(&error),
            CallError::TimedOut => {
                Self::new("The gateway did not answer in time.").hint("allow more with --timeout SECONDS")
            }
            CallError::Closed(_) | CallError::Broken(_) | CallError::Protocol(_) => {
                Self::new(sentence(&error.to_string()))
            }
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused { error, .. } => Self::refused(&error),
            ConnectError::TimedOut => {
                Self::new("The gateway did not answer in time.").hint("allow more with --timeout SECONDS")
            }
            ConnectError::Rejected { ref body, status, .. } => match rejected(status, body) {
                Some(Advice { sentence, next_step }) => Self::new(sentence).hint(next_step),
                None => Self::new(sentence(&error.to_string()))
                    .hint("check the address and its path, and the proxy in between if there is one"),
            },
            ConnectError::Unreachable { ref source, .. } => {
                // What rustls says of a certificate it does not accept.
                let is_certificate = source.kind() == std::io::ErrorKind::InvalidData;
                Self::new(sentence(&error.to_string())).hint(if is_certificate {
                    "let this machine trust the certificate's authority, for one command with SSL_CERT_FILE=FILE"
                } else {
                    "check the address, and on the gateway's machine `openclaw gateway status`"
                })
            }
            ConnectError::Closed { .. } | ConnectError::Protocol(_) => Self::new(sentence(&error.to_string())),
        }
    }
}

/// What an HTTP answer in place of a socket means, if it is the gateway's.
fn rejected(status: u16, body: &str) -> Option<Advice> {
    let ours = [Refusal::ProxyUnattributable, Refusal::TooManyUnauthenticated, Refusal::GatewayStopping];
    ours.iter()
        .find(|refusal| refusal.http_status() == status && body.contains(&refusal.message()))
        .map(Refusal::advice)
}

/// A technical remark as a sentence. A file's name or a setting's stays as it is at the beginning, too.
pub fn sentence(remark: &str) -> String {
    let remark = long(remark);
    let is_word = remark.split(' ').next().is_some_and(|first| first.chars().all(|c| c.is_alphabetic() || c == ','));
    let mut letters = remark.chars();
    let first = letters.next().map(|letter| if is_word { letter.to_uppercase().to_string() } else { letter.into() });
    let stop = if remark.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

/// Text that a device or a stranger chose, safe to show on a line: no control characters, no tricks with
/// the direction of writing, not too long.
pub fn shown(text: &str) -> String {
    let mut shown = one_line(text);
    if let Some((end, _)) = shown.char_indices().nth(MAX_SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// As [`shown`], for text that may be long.
pub fn long(text: &str) -> String {
    one_line(text).chars().take(1024).collect()
}

fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if is_harmful(c) || is_style(c) || c == '\n' { '\u{fffd}' } else { c }).collect()
}

/// The last gate before the terminal. Line breaks are ours by now.
pub fn neutral(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// A value as JSON text that no terminal obeys.
fn json_text(value: &impl Serialize) -> String {
    without_orders(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// A value as one line of JSON that no terminal obeys.
pub fn compact_json(value: &impl Serialize) -> String {
    without_orders(&serde_json::to_string(value).unwrap_or_default())
}

fn without_orders(json: &str) -> String {
    let mut escaped = String::new();
    for c in json.chars() {
        if is_harmful(c) {
            let units =
                c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
            escaped.push_str(&units);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// How long ago something was, both on the gateway's clock.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) / 1000 {
        0..=4 => "just now".to_owned(),
        seconds => format!("{} ago", duration(seconds)),
    }
}

/// How soon something will be.
pub fn ahead(now_ms: u64, then_ms: u64) -> String {
    match then_ms.saturating_sub(now_ms) / 1000 {
        0 => "now".to_owned(),
        seconds => format!("in {}", duration(seconds)),
    }
}

/// A length of time in its largest unit, rounded down.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        86_400..=172_799 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `1 device`, `2 devices`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_becomes_a_sentence_and_a_name_stays_itself() {
        for (remark, expected) in [
            ("the file is gone", "The file is gone."),
            ("no, it is not.", "No, it is not."),
            ("backup-1.tar is there already", "backup-1.tar is there already."),
            ("gateway.port is taken", "gateway.port is taken."),
        ] {
            assert_eq!(sentence(remark), expected);
        }
    }

    #[test]
    fn what_the_gateway_said_is_told_whole() {
        let said = "gateway is only bound to loopback. Set gateway.bind=lan, or name an address with gateway.publicUrl";
        let error = WireError { message: said.to_owned(), ..Refusal::ProxyUnattributable.wire_error().unwrap() };
        assert!(Failure::refused(&error).sentence.contains(said), "{:?}", Failure::refused(&error));
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(shown("\u{1b}[2J\u{1b}]0;owned\u{7}phone"), "\u{fffd}[2J\u{fffd}]0;owned\u{fffd}phone");
        assert_eq!(shown("a\r\nb\tc"), "a\u{fffd}\u{fffd}b\u{fffd}c");
        assert_eq!(shown("\u{9b}31mred"), "\u{fffd}31mred");
        assert_eq!(shown("gnp\u{202e}exe.\u{200b}"), "gnp\u{fffd}exe.\u{fffd}");
        assert_eq!(shown("  Łucja's 📱 "), "Łucja's 📱");
        assert_eq!(shown(&"x".repeat(60)), format!("{}…", "x".repeat(48)));
        assert_eq!(shown(&heading("bold")), "\u{fffd}bold\u{fffd}");
        assert_eq!(neutral("one\n\u{1b}[31mtwo"), "one\n\u{fffd}[31mtwo");
    }

    #[test]
    fn json_keeps_the_value_and_escapes_what_terminals_obey() {
        let escaped = json_text(&"\u{1b}\u{9b}\u{202e}\u{e0041}");
        assert_eq!(escaped, r#""\u001b\u009b\u202e\udb40\udc41""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "\u{1b}\u{9b}\u{202e}\u{e0041}");
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let minute = 60_000;
        for (then, expected) in [
            (100 * minute, "just now"),
            (100 * minute - 42_000, "42 s ago"),
            (98 * minute, "2 min ago"),
            (40 * minute, "1 h ago"),
        ] {
            assert_eq!(ago(100 * minute, then), expected);
        }
        assert_eq!(ago(3 * 86_400_000, 0), "3 days ago");
        assert_eq!(ago(0, 5 * minute), "just now");
        assert_eq!(ahead(0, 4 * minute + 59_000), "in 4 min");
        assert_eq!(ahead(9, 3), "now");
        assert_eq!(duration(90_000), "1 day");
    }

    #[test]
    fn a_refusal_becomes_a_sentence_and_a_hint() {
        let error = Refusal::RequestUnknown.wire_error().unwrap();
        let failure = Failure::refused(&error);
        assert!(failure.sentence.ends_with("(unknown requestId)"), "{failure:?}");
        assert!(failure.hint.unwrap().contains("devices list"));
        let strange = WireError {
            code: "X".to_owned(),
            message: "\u{1b}[2Jodd".to_owned(),
            details: None,
            retryable: None,
            retry_after_ms: None,
        };
        assert_eq!(Failure::refused(&strange).sentence, "The gateway refused: \u{fffd}[2Jodd");
    }

    #[test]
    fn an_http_answer_of_the_gateway_is_explained() {
        let body = Refusal::ProxyUnattributable.message();
        let advice = rejected(403, &format!("{{\"error\":{{\"message\":\"{body}\"}}}}")).unwrap();
        assert!(advice.next_step.contains("trustedProxies"));
        assert_eq!(rejected(404, "Not found"), None);
    }
}
