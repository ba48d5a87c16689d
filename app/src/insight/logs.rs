//! Lines of the log, as the Logs page shows them.

use std::collections::VecDeque;

use serde_json::Value;

use crate::outside::parse_json;
use crate::reading::{flag, number, text};

/// How many lines the page keeps.
pub const MAX_LINES: usize = 2000;

/// How loud a line is, the loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// What is not known is as quiet as it gets.
    pub fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Debug)
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Names it on this page.
    pub number: u64,
    pub level: Level,
    /// As the gateway wrote it: RFC 3339.
    pub time: String,
    pub part: String,
    pub message: String,
}

/// What was read so far, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    pub file: String,
    pub cursor: Option<u64>,
    /// Whether lines are missing between what is shown.
    pub has_gap: bool,
    lines: VecDeque<Line>,
    last: u64,
}

impl Tail {
    /// Takes in an answer of `logs.tail`.
    pub fn add(&mut self, answer: &Value) {
        self.file = text(answer, "file").unwrap_or_default();
        self.has_gap |= self.cursor.is_some() && (flag(answer, "reset") || number(answer, "skippedBytes").is_some());
        self.cursor = number(answer, "cursor");
        let lines = answer.get("lines").and_then(Value::as_array);
        for line in lines.into_iter().flatten().filter_map(Value::as_str) {
            self.last += 1;
            self.lines.push_back(read(self.last, line));
        }
        let surplus = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..surplus);
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn find(&self, number: u64) -> Option<&Line> {
        let first = self.lines.front()?.number;
        self.lines.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The numbers of the lines that are at least this loud and have this text, the newest first.
    pub fn matching(&self, level: Level, search: &str) -> Vec<u64> {
        let search = search.trim().to_lowercase();
        let fits = |line: &&Line| {
            line.level <= level
                && (search.is_empty()
                    || line.message.to_lowercase().contains(&search)
                    || line.part.to_lowercase().contains(&search))
        };
        self.lines.iter().rev().filter(fits).map(|line| line.number).collect()
    }
}

/// A line that is no JSON, such as that of another program, is shown as it is.
fn read(number: u64, line: &str) -> Line {
    let value: Value = parse_json(line).unwrap_or_default();
    let meta = value.get("_meta");
    let level = meta.and_then(|meta| meta.get("logLevelName")).and_then(Value::as_str).unwrap_or("info");
    let part = text(&value, "0").and_then(|part| parse_json(&part));
    Line {
        number,
        level: Level::parse(level),
        time: text(&value, "time").unwrap_or_default(),
        part: part.and_then(|part| text(&part, "subsystem")).unwrap_or_default(),
        message: text(&value, "message").unwrap_or_else(|| line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(level: &str, message: &str) -> String {
        json!({
            "0": "{\"subsystem\":\"gateway/handshake\"}", "_meta": {"logLevelName": level},
            "time": "2026-11-21T20:00:00.000Z", "message": message,
        })
        .to_string()
    }

    #[test]
    fn lines_are_read_and_found_again() {
        let mut tail = Tail::default();
        let lines = [line("INFO", "Connected"), line("WARN", "Refused a request"), "plain words".to_owned()];
        tail.add(&json!({"file": "/log", "cursor": 9, "lines": lines}));
        assert_eq!((tail.cursor, tail.has_gap), (Some(9), false));
        assert_eq!(tail.matching(Level::Debug, ""), [3, 2, 1]);
        assert_eq!(tail.matching(Level::Warn, ""), [2]);
        assert_eq!(tail.matching(Level::Debug, " REFUSED "), [2]);
        assert_eq!(tail.matching(Level::Debug, "handshake"), [2, 1]);
        let found = tail.find(2).unwrap();
        assert_eq!((found.level, found.part.as_str()), (Level::Warn, "gateway/handshake"));
        assert_eq!(tail.find(3).unwrap().message, "plain words");
        assert_eq!(tail.find(4), None);
    }

    #[test]
    fn only_so_many_are_kept_and_a_gap_is_told() {
        let mut tail = Tail::default();
        let lines: Vec<String> = (0..MAX_LINES + 5).map(|number| line("INFO", &number.to_string())).collect();
        tail.add(&json!({"cursor": 1, "lines": lines, "reset": false}));
        assert_eq!(tail.matching(Level::Debug, "").len(), MAX_LINES);
        assert_eq!((tail.find(5), tail.find(6).unwrap().message.as_str()), (None, "5"));
        tail.add(&json!({"cursor": 2, "lines": [], "reset": true}));
        assert!(tail.has_gap);
    }
}
