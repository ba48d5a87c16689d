//! Who was turned away lately, from the end of the log.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::doctor::facts::Refused;

/// How much of the log is read, in bytes: some thousand lines.
const TAIL: u64 = 512 * 1024;

/// How old a refusal may be to be worth a word: a day, in milliseconds.
const RECENT_MS: u64 = 24 * 60 * 60 * 1000;

pub fn recent(log: &Path, now_ms: u64) -> Vec<Refused> {
    let text = tail(log).unwrap_or_default();
    let since = now_ms.saturating_sub(RECENT_MS);
    text.lines().filter_map(refused).filter(|refused| refused.at_ms >= since).collect()
}

fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(log)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line that tells of a refusal: its fields stand behind the message.
fn refused(line: &str) -> Option<Refused> {
    let line: Value = serde_json::from_str(line).ok()?;
    let message = line.get("message")?.as_str().filter(|message| message.starts_with("Refused"))?;
    let field = |name: &str| message.split(' ').rev().find_map(|word| word.strip_prefix(name)).map(str::to_owned);
    let at = chrono::DateTime::parse_from_rfc3339(line.get("time")?.as_str()?).ok()?;
    Some(Refused {
        code: field("refusal.code=")?,
        address: field("peer.address=")?,
        at_ms: u64::try_from(at.timestamp_millis()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_recent_refusals_count_and_nothing_else_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let line = |time: &str, message: &str| format!("{{\"time\":\"{time}\",\"message\":\"{message}\"}}\n");
        let refusal = "Refused: no conn.id=c peer.address=172.17.0.1 peer.resolved=directly refusal.code=X";
        let text = line("2026-01-02T00:00:00.000Z", refusal)
            + &line("2026-01-01T00:00:00.000Z", refusal)
            + &line("2026-01-02T00:00:00.000Z", "Connected peer.address=1.2.3.4")
            + "not json\n";
        std::fs::write(&log, text).unwrap();
        let now_ms = 1_767_315_600_000;
        let expected = Refused { code: "X".to_owned(), address: "172.17.0.1".to_owned(), at_ms: now_ms - 3_600_000 };
        assert_eq!(recent(&log, now_ms), [expected]);
        assert_eq!(recent(Path::new("/nowhere"), now_ms), []);
    }
}
