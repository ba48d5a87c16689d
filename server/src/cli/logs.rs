//! `openclaw logs`: the end of the log, and what comes after it. Asks the gateway; while none runs on this
//! machine, reads its file.

use std::process::ExitCode;
use std::time::Duration;

use client::Connection;
use protocol::Method;
use protocol::operations::{Tail, TailParams};
use protocol::role::READ;
use serde_json::{Value, json};

use super::Outcome;
use super::args::LogsArgs;
use super::output::{Failure, compact_json, long, reaches, say, sentence};
use super::target::{OpenError, Target};
use crate::config::Environment;
use crate::gateway::methods::logs;

/// The most that is read at once, in bytes.
const MAX_BYTES: u64 = 1_000_000;

pub async fn run(args: &LogsArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let mut source = Source::open(&target).await?;
    let mut params = TailParams { cursor: None, limit: Some(args.limit), max_bytes: Some(MAX_BYTES) };
    let mut looks = tokio::time::interval(Duration::from_millis(args.interval));
    loop {
        looks.tick().await;
        let tail = source.read(&target, params).await?;
        if tail.reset || tail.skipped_bytes.is_some() {
            say("note: some lines are left out; the log was rotated, or grew faster than it was read");
        }
        let lines: Vec<String> = tail.lines.iter().map(|line| show(line, args.format.json)).collect();
        let is_read = lines.is_empty() || reaches(&lines.join("\n"));
        if !args.follow {
            if tail.lines.is_empty() {
                say(&match source {
                    Source::Gateway(_) => format!("The log {} is empty.", long(&tail.file)),
                    // Its name was just said.
                    Source::File => "It is empty.".to_owned(),
                });
            }
            return Ok(ExitCode::SUCCESS);
        }
        // Whoever read along, as `head` does, has gone.
        if !is_read {
            return Ok(ExitCode::SUCCESS);
        }
        params = TailParams { cursor: Some(tail.cursor), limit: Some(5000), max_bytes: Some(MAX_BYTES) };
    }
}

/// Where the log is read from.
enum Source {
    Gateway(Box<Connection>),
    File,
}

impl Source {
    async fn open(target: &Target) -> Result<Self, Failure> {
        match target.open(&[READ]).await {
            Ok(connection) => Ok(Self::Gateway(Box::new(connection))),
            Err(OpenError::NotRunning) => {
                let path = target.paths().log_file.display();
                say(&format!("note: the gateway is not running; this is from {path}"));
                Ok(Self::File)
            }
            Err(OpenError::Failed(failure)) => Err(failure),
        }
    }

    /// Reads on. When the gateway on this machine goes, its file goes on.
    async fn read(&mut self, target: &Target, params: TailParams) -> Result<Tail, Failure> {
        if let Self::Gateway(connection) = self {
            match connection.ask(Method::LogsTail, params).await {
                Err(client::CallError::Closed(_) | client::CallError::Broken(_)) if !target.is_a_device() => {
                    say("note: the gateway has ended; this goes on with its file");
                    *self = Self::File;
                }
                answer => return Ok(answer?),
            }
        }
        let path = target.paths().log_file.clone();
        logs::tail_file(&path, params).map_err(|error| {
            Failure::new(sentence(&format!("{} cannot be read: {error}", path.display())))
                .hint("check who owns it, and run this as that user")
        })
    }
}

/// A line of the log, for a person or a script.
fn show(line: &str, as_json: bool) -> String {
    let entry = Entry::read(line);
    if as_json {
        return compact_json(&json!({
            "type": "log", "time": entry.time, "level": entry.level, "subsystem": entry.subsystem,
            "message": entry.message, "raw": line,
        }));
    }
    let fields = [entry.time.as_deref(), entry.level.as_deref(), entry.subsystem.as_deref(), Some(&entry.message)];
    fields.into_iter().flatten().map(visible).collect::<Vec<_>>().join("  ")
}

/// On one line, with what commands a terminal written out.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// What a line says. A line that is not of this shape is all message.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    time: Option<String>,
    level: Option<String>,
    subsystem: Option<String>,
    message: String,
}

impl Entry {
    fn read(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let subsystem = text("/0").and_then(|name| {
            let parsed: Value = serde_json::from_str(&name).ok()?;
            parsed.get("subsystem").and_then(Value::as_str).map(str::to_owned)
        });
        Self {
            time: text("/time"),
            level: text("/_meta/logLevelName").map(|level| level.to_lowercase()),
            subsystem,
            message: text("/message").or_else(|| text("/1")).unwrap_or_else(|| line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_its_time_and_nothing_of_it_commands_the_terminal() {
        let line = json!({
            "0": r#"{"subsystem":"gateway/admit"}"#, "1": "x", "message": "Paired \u{1b}[2J`a`\nb",
            "time": "2026-01-01T00:00:00.000Z", "_meta": {"logLevelName": "INFO"},
        });
        assert_eq!(
            show(&line.to_string(), false),
            r"2026-01-01T00:00:00.000Z  info  gateway/admit  Paired \u{1b}[2J`a`\u{a}b"
        );
        let told: Value = serde_json::from_str(&show(&line.to_string(), true)).unwrap();
        assert_eq!(
            (&told["type"], &told["level"], &told["raw"]),
            (&json!("log"), &json!("info"), &json!(line.to_string()))
        );
    }

    #[test]
    fn a_line_of_another_shape_is_shown_as_it_is() {
        assert_eq!(show("panicked at \u{9b}x", false), r"panicked at \u{9b}x");
        assert_eq!(show("[1,2]", false), "[1,2]");
    }
}
