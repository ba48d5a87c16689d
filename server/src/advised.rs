//! Errors that know what to do next.

/// Why something did not work, and the next step. Goes through `anyhow` as an error or as a context; the
/// command line shows the hint on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Advised {
    sentence: String,
    pub hint: String,
}

impl Advised {
    pub fn new(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), hint: hint.into() }
    }
}
