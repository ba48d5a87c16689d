//! Every way to say no about the settings and the log (wire.md §7.1, §7.5).

use serde_json::{Value, json};

use super::Advice;
use super::advice::advice;
use crate::settings::CutOff;

/// Why the settings were not changed, or something about them cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigRefusal {
    /// Somebody else has changed the file since the caller read it.
    BaseStale,
    /// The caller does not say which version of the file it has read.
    BaseRequired {
        /// The key paths that it wants to change.
        changed: Vec<String>,
    },
    /// The settings would make no sense. Nothing was written.
    Invalid { issues: Vec<ConfigIssue> },
    /// There is no setting of that name.
    PathUnknown,
    /// One caller changes too much at once.
    TooManyWrites { method: &'static str, limit: usize, retry_after_ms: u64 },
    /// Extension: the caller itself could not come back, and has not asked for a way back.
    CutsOff { why: CutOff },
    /// Extension: another change waits for its confirmation.
    TrialWaits,
    /// Extension: there is no such change to confirm or to take back.
    TrialUnknown,
    /// Extension: nothing starts this gateway again.
    RestartImpossible,
    /// Extension: no secret is asked for.
    NoSecret,
    /// The operating system does not give the file, or does not take it.
    FileUnavailable { file: ConfigFile },
}

/// A value that makes no sense, with the key path it stands under; the path of the whole file is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigIssue {
    pub path: String,
    pub message: String,
}

/// What the gateway could not read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigFile {
    Settings,
    Log,
    /// What the operating system tells of the machine.
    System,
}

impl ConfigFile {
    fn word(self) -> &'static str {
        match self {
            Self::Settings => "the settings file cannot be read or written; nothing was changed",
            Self::Log => "the log file cannot be read",
            Self::System => "the machine cannot be measured",
        }
    }
}

impl std::fmt::Display for ConfigIssue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

/// Why somebody could not come back, as half a sentence.
fn because(why: &CutOff) -> String {
    match why {
        CutOff::ProxyUntrusted { proxy } => format!("it comes through {proxy}, which would not be a trusted proxy"),
        CutOff::ClientUnnamed { address } => {
            format!("{address} would be taken for a trusted proxy, and names no client")
        }
        CutOff::PageNotAllowed { page } => format!("its page, {page}, would not be allowed"),
        CutOff::NotListening { address } => format!("it comes from {address}, where nobody would listen"),
        CutOff::PortMoves { port } => format!("the gateway would be at port {port}"),
    }
}

impl ConfigRefusal {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BaseStale
            | Self::BaseRequired { .. }
            | Self::Invalid { .. }
            | Self::PathUnknown
            | Self::CutsOff { .. }
            | Self::TrialWaits
            | Self::TrialUnknown
            | Self::RestartImpossible
            | Self::NoSecret => "INVALID_REQUEST",
            Self::TooManyWrites { .. } | Self::FileUnavailable { .. } => "UNAVAILABLE",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::BaseStale => "config changed since last load; re-run config.get and retry".to_owned(),
            Self::BaseRequired { changed } => {
                let what = if changed.is_empty() { "this file".to_owned() } else { changed.join(", ") };
                format!("config base hash required for {what}; re-run config.get and retry with baseHash")
            }
            Self::Invalid { issues } => {
                let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
                format!("invalid config: {}", issues.join("; "))
            }
            Self::PathUnknown => "config schema path not found".to_owned(),
            Self::TooManyWrites { method, retry_after_ms, .. } => {
                format!("rate limit exceeded for {method}; retry after {}s", retry_after_ms.div_ceil(1000))
            }
            Self::CutsOff { why } => format!("this change would cut off the caller: {}", because(why)),
            Self::TrialWaits => "another change of the settings waits for its confirmation".to_owned(),
            Self::TrialUnknown => "no such change of the settings waits for its confirmation".to_owned(),
            Self::RestartImpossible => "this gateway cannot start itself again".to_owned(),
            Self::NoSecret => "the gateway asks for no secret".to_owned(),
            Self::FileUnavailable { file } => file.word().to_owned(),
        }
    }

    pub(super) fn more_details(&self) -> Value {
        match self {
            Self::Invalid { issues } => {
                let issues: Vec<Value> =
                    issues.iter().map(|issue| json!({"path": issue.path, "message": issue.message})).collect();
                json!({"issues": issues})
            }
            Self::TooManyWrites { method, limit, .. } => {
                json!({"method": method, "limit": format!("{limit} per {}s", crate::WRITE_WINDOW_MS / 1000)})
            }
            Self::CutsOff { why } => json!({"reason": "cut-off", "cutOff": why}),
            Self::BaseStale
            | Self::BaseRequired { .. }
            | Self::PathUnknown
            | Self::TrialWaits
            | Self::TrialUnknown
            | Self::RestartImpossible
            | Self::NoSecret
            | Self::FileUnavailable { .. } => Value::Null,
        }
    }

    pub(super) fn retry(&self) -> (Option<bool>, Option<u64>) {
        match self {
            Self::TooManyWrites { retry_after_ms, .. } => (Some(true), Some(*retry_after_ms)),
            Self::BaseStale
            | Self::BaseRequired { .. }
            | Self::Invalid { .. }
            | Self::PathUnknown
            | Self::CutsOff { .. }
            | Self::TrialWaits
            | Self::TrialUnknown
            | Self::RestartImpossible
            | Self::NoSecret
            | Self::FileUnavailable { .. } => (None, None),
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::BaseStale => advice(
                "Somebody else has changed the settings in the meantime.",
                "Load them again, then repeat your change.",
            ),
            Self::BaseRequired { .. } => advice(
                "The change does not say which version of the settings it was made for.",
                "Load the settings again and send their hash with the change.",
            ),
            Self::Invalid { .. } => advice(
                "The settings would make no sense, so nothing was written.",
                "Correct the value that the message names; docs/configuration.md lists them all.",
            ),
            Self::PathUnknown => {
                advice("The gateway has no such setting.", "Look for its name in docs/configuration.md.")
            }
            Self::TooManyWrites { .. } => {
                advice("Too many changes came from this device within a minute.", "Wait a minute, then go on.")
            }
            Self::CutsOff { .. } => advice(
                "With this change you could not come back to this page the way you came.",
                "Change it with a way back (it is taken back after a minute unless you confirm it), or on the gateway's machine with `openclaw config set`.",
            ),
            Self::TrialWaits => advice(
                "Another change of the settings waits for its confirmation.",
                "Confirm it or take it back first.",
            ),
            Self::TrialUnknown => advice(
                "This change does not wait for a confirmation any more.",
                "Look at the settings again: it was confirmed, taken back, or overtaken by another change.",
            ),
            Self::RestartImpossible => advice(
                "The gateway cannot start itself again here.",
                "Restart it where it was started, for instance with `openclaw gateway restart`.",
            ),
            Self::NoSecret => advice(
                "The gateway asks for no token and no password.",
                "Set gateway.auth.mode to \"token\" or \"password\" first.",
            ),
            Self::FileUnavailable { .. } => advice(
                "The gateway has no access to one of its files.",
                "Check free space and permissions of the state directory; the log names the cause.",
            ),
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        let issue = ConfigIssue {
            path: "gateway.port".to_owned(),
            message: "expected a whole number from 1 to 65535".to_owned(),
        };
        vec![
            Self::BaseStale,
            Self::BaseRequired { changed: vec!["gateway.trustedProxies".to_owned()] },
            Self::Invalid { issues: vec![issue] },
            Self::PathUnknown,
            Self::TooManyWrites { method: "config.patch", limit: 30, retry_after_ms: 12_000 },
            Self::CutsOff { why: CutOff::ProxyUntrusted { proxy: "172.18.0.1".to_owned() } },
            Self::TrialWaits,
            Self::TrialUnknown,
            Self::RestartImpossible,
            Self::NoSecret,
            Self::FileUnavailable { file: ConfigFile::Settings },
            Self::FileUnavailable { file: ConfigFile::Log },
            Self::FileUnavailable { file: ConfigFile::System },
        ]
    }
}
