//! `logs.tail`: the end of the log, or what came since the last time (wire.md §7.5).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use protocol::Refusal;
use protocol::operations::{Tail, TailParams};
use protocol::refusal::{ConfigFile, ConfigRefusal};

use crate::state::AppState;

/// What is returned if nobody says how much: lines, and bytes.
const DEFAULT_LINES: u64 = 500;
const DEFAULT_BYTES: u64 = 250_000;

/// Reads on a thread that serves nobody else.
pub async fn tail(state: &AppState, params: TailParams) -> Result<Tail, Refusal> {
    let path = state.paths.log_file.clone();
    let reading = tokio::task::spawn_blocking(move || tail_file(&path, params));
    let read = reading.await.map_err(io::Error::other).and_then(|read| read);
    read.map_err(|error| {
        tracing::error!(%error, "The log cannot be read");
        Refusal::Config(ConfigRefusal::FileUnavailable { file: ConfigFile::Log })
    })
}

/// Reads the file itself, as a command does while no gateway runs.
pub fn tail_file(path: &Path, params: TailParams) -> io::Result<Tail> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(mut file) => {
            let size = file.metadata()?.len();
            tail_of(&mut file, size, params).map(|tail| Tail { file: name, ..tail })
        }
        // Nothing was logged yet, or the log only goes to standard error.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Tail { file: name, reset: params.cursor.is_some_and(|cursor| cursor > 0), ..Tail::default() })
        }
        Err(error) => Err(error),
    }
}

/// The whole lines between the cursor and the end. A cursor that is behind the end, or inside a line, belongs
/// to a file that was rotated away; then the end is shown instead.
fn tail_of(file: &mut (impl Read + Seek), size: u64, params: TailParams) -> io::Result<Tail> {
    let max_bytes = params.max_bytes.unwrap_or(DEFAULT_BYTES);
    let limit = params.limit.unwrap_or(DEFAULT_LINES);
    let is_start_of_line =
        |file: &mut _, at: u64| -> io::Result<bool> { Ok(at == 0 || byte_at(file, at - 1)? == b'\n') };
    let cursor = match params.cursor {
        Some(cursor) if cursor <= size && is_start_of_line(file, cursor)? => Some(cursor),
        Some(_) | None => None,
    };
    let wanted = cursor.unwrap_or_default();
    let mut start = wanted.max(size.saturating_sub(max_bytes));
    let mut truncated = start > wanted;
    let starts_inside = truncated && !is_start_of_line(file, start)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    Read::take(&mut *file, size - start).read_to_end(&mut bytes)?;
    let mut window = bytes.as_slice();
    if starts_inside {
        let skipped = window.iter().position(|byte| *byte == b'\n').map_or(window.len(), |end| end + 1);
        window = &window[skipped..];
        start += skipped as u64;
    }
    // A line that is still being written is for the next time.
    let end = window.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut lines: Vec<&[u8]> = window[..end].split_inclusive(|byte| *byte == b'\n').collect();
    let next = start + end as u64;
    let surplus = lines.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    truncated |= surplus > 0;
    start += lines.drain(..surplus).map(|line| line.len() as u64).sum::<u64>();
    let lines = lines.into_iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
    Ok(Tail {
        file: String::new(),
        cursor: next,
        size,
        lines: lines.filter(|line| !line.is_empty()).collect(),
        truncated,
        reset: params.cursor.is_some() && cursor.is_none(),
        skipped_bytes: cursor.map(|cursor| start - cursor).filter(|skipped| *skipped > 0),
    })
}

fn byte_at(file: &mut (impl Read + Seek), at: u64) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], (cursor, limit, max_bytes): (Option<u64>, Option<u64>, Option<u64>), expected: &Tail) {
        let params = TailParams { cursor, limit, max_bytes };
        let tail = tail_of(&mut io::Cursor::new(text), text.len() as u64, params).unwrap();
        assert_eq!(&tail, expected);
    }

    fn tail(cursor: u64, size: u64, lines: &[&str]) -> Tail {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Tail { cursor, size, lines, ..Tail::default() }
    }

    const LOG: &[u8] = b"one\ntwo\nthree\n";

    #[test]
    fn without_a_cursor_the_end_is_shown() {
        check(LOG, (None, None, None), &tail(14, 14, &["one", "two", "three"]));
        check(LOG, (None, Some(2), None), &Tail { truncated: true, ..tail(14, 14, &["two", "three"]) });
        check(b"", (None, None, None), &tail(0, 0, &[]));
    }

    #[test]
    fn with_a_cursor_only_what_is_new_is_shown() {
        check(LOG, (Some(4), None, None), &tail(14, 14, &["two", "three"]));
        check(LOG, (Some(14), None, None), &tail(14, 14, &[]));
        check(LOG, (Some(0), None, None), &tail(14, 14, &["one", "two", "three"]));
        let skipped = Tail { truncated: true, skipped_bytes: Some(8), ..tail(14, 14, &["three"]) };
        check(LOG, (Some(0), Some(1), None), &skipped);
    }

    #[test]
    fn a_cursor_of_a_file_that_was_rotated_away_starts_anew() {
        let reset = Tail { reset: true, ..tail(14, 14, &["one", "two", "three"]) };
        check(LOG, (Some(15), None, None), &reset);
        check(LOG, (Some(5), None, None), &reset);
    }

    #[test]
    fn no_line_is_split() {
        check(LOG, (None, None, Some(8)), &Tail { truncated: true, ..tail(14, 14, &["three"]) });
        check(LOG, (None, None, Some(10)), &Tail { truncated: true, ..tail(14, 14, &["two", "three"]) });
        check(LOG, (None, None, Some(3)), &Tail { truncated: true, ..tail(14, 14, &[]) });
        check(
            LOG,
            (Some(4), None, Some(7)),
            &Tail { truncated: true, skipped_bytes: Some(4), ..tail(14, 14, &["three"]) },
        );
        check(b"one\ntw", (None, None, None), &tail(4, 6, &["one"]));
        check(b"one\ntw", (Some(4), None, None), &tail(4, 6, &[]));
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        check(b"a\xffb\r\n\n", (None, None, None), &tail(6, 6, &["a\u{fffd}b"]));
    }
}
