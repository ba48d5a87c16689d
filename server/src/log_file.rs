//! The log file: JSON lines as `openclaw logs` of OpenClaw reads them, written behind, bounded in size.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate, compression::Compression};
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer};

use crate::clock::{Clock, rfc3339};
use crate::system::hostname;

/// When a new file is begun, in bytes, and how many old ones stay: 25 MB at most.
const MAX_BYTES: usize = 5_000_000;
const KEPT: usize = 4;

/// How many lines may wait for the disk; beyond that they are lost rather than hold up the gateway.
const MAX_WAITING: usize = 8192;

/// Writes every event as a line.
#[derive(Debug)]
pub struct LogFile {
    writer: NonBlocking,
    hostname: String,
    clock: Clock,
}

/// Opens the file, for its owner alone, and starts the thread that writes to it. The guard flushes.
pub fn open(path: &Path) -> io::Result<(LogFile, WorkerGuard)> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).create(true).append(true).mode(0o600);
    // The library keeps quiet about a file that it cannot open.
    options.open(path)?.set_permissions(Permissions::from_mode(0o600))?;
    let file = rotating(path, MAX_BYTES, options);
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(MAX_WAITING).lossy(true).finish(file);
    Ok((LogFile { writer, hostname: hostname(), clock: Clock::default() }, guard))
}

fn rotating(path: &Path, max_bytes: usize, options: OpenOptions) -> FileRotate<AppendCount> {
    let limit = ContentLimit::BytesSurpassed(max_bytes);
    FileRotate::new(path, AppendCount::new(KEPT), limit, Compression::None, Some(options))
}

impl<S: Subscriber> Layer<S> for LogFile {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let line = line(&self.hostname, self.clock.now_ms(), *metadata.level(), metadata.target(), &text.finish());
        if let Ok(mut line) = line {
            line.push(b'\n');
            // A log that cannot be written has nowhere to complain.
            let _ = self.writer.clone().write_all(&line);
        }
    }
}

/// The message, and behind it the fields as `key=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => self.message.write_str(value),
            name => write!(self.fields, " {name}={value}"),
        };
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl Text {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

/// The shape that official clients read (wire.md §7.5, `logs.tail`).
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "0")]
    subsystem: &'a str,
    #[serde(rename = "1")]
    text: &'a str,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
    time: &'a str,
    hostname: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    runtime: &'a str,
    runtime_version: &'a str,
    hostname: &'a str,
    date: &'a str,
    log_level_id: u8,
    log_level_name: &'a str,
    name: &'a str,
    parent_names: [&'a str; 1],
}

fn line(hostname: &str, at_ms: u64, level: Level, target: &str, text: &str) -> serde_json::Result<Vec<u8>> {
    let subsystem = target.strip_prefix("server::").unwrap_or(target).replace("::", "/");
    let subsystem = format!(r#"{{"subsystem":"{subsystem}"}}"#);
    let date = rfc3339(at_ms);
    let (log_level_id, log_level_name) = rank(level);
    serde_json::to_vec(&Line {
        subsystem: &subsystem,
        text,
        meta: Meta {
            runtime: "rust",
            runtime_version: crate::VERSION,
            hostname,
            date: &date,
            log_level_id,
            log_level_name,
            name: &subsystem,
            parent_names: ["openclaw"],
        },
        time: &date,
        hostname,
        message: text,
    })
}

fn rank(level: Level) -> (u8, &'static str) {
    match level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (2, "DEBUG"),
        Level::INFO => (3, "INFO"),
        Level::WARN => (4, "WARN"),
        Level::ERROR => (5, "ERROR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn an_event_becomes_a_line_that_official_clients_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("openclaw.log");
        let (layer, guard) = open(&path).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(conn.id = "c1", peer = ?["a"], "Refused: \"no\"\n{}", 7);
        });
        drop(guard);
        let text = std::fs::read_to_string(&path).unwrap();
        let line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        let message = "Refused: \"no\"\n7 conn.id=c1 peer=[\"a\"]";
        let subsystem = r#"{"subsystem":"log_file/tests"}"#;
        let date = line["time"].as_str().unwrap();
        assert!(date.len() == 24 && date.ends_with('Z'), "{date}");
        let expected = json!({
            "0": subsystem, "1": message, "message": message, "time": date, "hostname": hostname(),
            "_meta": {
                "runtime": "rust", "runtimeVersion": crate::VERSION, "hostname": hostname(), "date": date,
                "logLevelId": 4, "logLevelName": "WARN", "name": subsystem, "parentNames": ["openclaw"],
            },
        });
        assert_eq!(line, expected);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn the_log_takes_only_so_much_room_and_no_line_is_split() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openclaw.log");
        let mut options = OpenOptions::new();
        options.read(true).create(true).append(true).mode(0o600);
        let mut file = rotating(&path, 100, options);
        let line = [b"x".repeat(29), b"\n".to_vec()].concat();
        for _ in 0..100 {
            file.write_all(&line).unwrap();
        }
        let parts: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|part| part.unwrap()).collect();
        assert_eq!(parts.len(), KEPT + 1);
        for part in parts {
            let text = std::fs::read(part.path()).unwrap();
            assert!(text.len() <= 100 + line.len() && text.len() % line.len() == 0, "{}", text.len());
            assert_eq!(part.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
