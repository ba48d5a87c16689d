//! What a check found.

use serde::Serialize;

use super::repair::Repair;

/// How bad it is. Notes explain; they do not make the doctor fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something is not as safe as it should be, or will not work for somebody.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong. Its JSON is what scripts read, so fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check it is from ([`super::CHECKS`], which also fills this in).
    pub id: &'static str,
    pub severity: Severity,
    /// One sentence.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// The exact command, or what `--fix` does.
    pub fix: String,
    /// Whether `--fix` does it.
    pub fixable: bool,
    #[serde(skip)]
    pub repair: Option<Repair>,
}

impl Finding {
    /// Something that does not work.
    pub fn error(what: impl Into<String>) -> Self {
        Self::new(Severity::Error, what.into())
    }

    pub fn warning(what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, what.into())
    }

    pub fn note(what: impl Into<String>) -> Self {
        Self::new(Severity::Note, what.into())
    }

    fn new(severity: Severity, what: String) -> Self {
        let (why, evidence, fix) = (String::new(), Vec::new(), String::new());
        Self { id: "", severity, what, why, evidence, fix, fixable: false, repair: None }
    }

    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    #[must_use]
    pub fn seen(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// What a person does about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// What `--fix` does about it.
    #[must_use]
    pub fn repaired_by(mut self, repair: impl Into<Repair>) -> Self {
        self.fixable = true;
        self.repair = Some(repair.into());
        self
    }
}
