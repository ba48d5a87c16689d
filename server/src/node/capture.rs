//! What a program says, up to a limit. The rest is read and counted, so that the program does not stand
//! still.

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of each of a program's two outputs is kept, in bytes (the reference keeps as much).
pub const OUTPUT_LIMIT: usize = 200_000;

/// One output.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Captured {
    kept: Vec<u8>,
    /// How many bytes came after those that were kept.
    pub cut: u64,
}

impl Captured {
    /// As text, with a last line that tells how much is missing.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        if self.cut == 0 { text.into_owned() } else { format!("{text}\n… ({} more bytes were cut)", self.cut) }
    }

    /// Reads until the other side has nothing more to say. What was read stays if the future is dropped.
    pub async fn fill(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 8192];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    let room = OUTPUT_LIMIT - self.kept.len();
                    let kept = length.min(room);
                    self.kept.extend_from_slice(&buffer[..kept]);
                    self.cut += u64::try_from(length - kept).unwrap_or(u64::MAX);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_what_fits_and_counts_the_rest() {
        let mut short = Captured::default();
        short.fill(&b"h\xffllo"[..]).await;
        assert_eq!((short.text().as_str(), short.cut), ("h\u{fffd}llo", 0));
        let mut long = Captured::default();
        long.fill(&vec![b'x'; OUTPUT_LIMIT + 7][..]).await;
        assert_eq!(long.cut, 7);
        assert!(long.text().ends_with("xxx\n… (7 more bytes were cut)"));
    }
}
