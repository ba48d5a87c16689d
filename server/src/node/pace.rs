//! How soon a node comes back after it was turned away or lost its connection. It never gives up: the
//! person who can help may be asleep.

use std::time::Duration;

use client::{CallError, ConnectError};
use protocol::WireError;
use serde_json::Value;

/// What only a person can change is looked at again this often.
const SLOWLY: Duration = Duration::from_mins(1);

/// A person has said no: often enough to recover by itself, rarely enough not to nag.
const RARELY: Duration = Duration::from_mins(10);

/// How soon to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At once, then with growing pauses of up to half a minute. The code is the one of the close.
    Soon(u16),
    /// As the gateway asked, in milliseconds.
    NotBefore(u64),
    Slowly,
    Rarely,
}

impl Pace {
    pub fn after_refusal(error: &ConnectError) -> Self {
        match error {
            ConnectError::Refused { error, .. } => Self::after_error(error),
            // What rustls says of a certificate it does not accept.
            ConnectError::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                Self::Slowly
            }
            ConnectError::Unreachable { .. }
            | ConnectError::TimedOut
            | ConnectError::Rejected { status: 408 | 429 | 500..=599, .. } => Self::Soon(1006),
            ConnectError::Closed { close } => Self::Soon(close.as_ref().map_or(1006, |close| close.code)),
            ConnectError::Rejected { .. } | ConnectError::Protocol(_) => Self::Slowly,
        }
    }

    fn after_error(error: &WireError) -> Self {
        match (detail_code(error), error.retry_after_ms) {
            (Some("PAIRING_REJECTED" | "DEVICE_BLOCKED" | "ADDRESS_BLOCKED"), _) => Self::Rarely,
            (_, Some(wait_ms)) => Self::NotBefore(wait_ms),
            // The next attempt goes without the code or token that was refused.
            (
                Some(
                    "PAIRING_EXPIRED"
                    | "PAIRING_SUPERSEDED"
                    | "PAIRING_REQUIRED"
                    | "AUTH_BOOTSTRAP_TOKEN_INVALID"
                    | "AUTH_DEVICE_TOKEN_MISMATCH",
                ),
                None,
            ) => Self::Soon(1008),
            (_, None) if error.retryable == Some(true) => Self::Soon(1013),
            (_, None) => Self::Slowly,
        }
    }

    /// After a connection that was good. `removed` says that somebody took this node's approval away.
    pub fn after_loss(error: &CallError, removed: bool) -> Self {
        match error {
            _ if removed => Self::Rarely,
            CallError::Closed(Some(close)) => Self::Soon(close.code),
            CallError::Closed(None) | CallError::Broken(_) | CallError::TimedOut | CallError::Refused(_) => {
                Self::Soon(1006)
            }
            CallError::Protocol(_) => Self::Slowly,
        }
    }

    /// The pause, after so many failures in a row. `chance` (0 to 1) spreads it.
    pub fn delay(self, failures: u32, chance: f64) -> Duration {
        let spread = |full: Duration| full.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0);
        let soon = |code| Duration::from_millis(app::backoff::delay_ms(failures, code, chance));
        match self {
            Self::Soon(code) => soon(code),
            Self::NotBefore(wait_ms) => Duration::from_millis(wait_ms).min(RARELY).max(soon(1013)),
            Self::Slowly => spread(SLOWLY),
            Self::Rarely => spread(RARELY),
        }
    }
}

/// Whether a close says that somebody removed this device, or that its time was up.
pub fn says_removed(error: &CallError) -> bool {
    let ends = ["device removed", "device approval ended"];
    matches!(error, CallError::Closed(Some(close)) if close.code == 4001 && ends.contains(&close.reason.as_str()))
}

/// What a refusal is about.
pub fn detail_code(error: &WireError) -> Option<&str> {
    error.details.as_ref()?.get("code").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use protocol::Close;
    use serde_json::json;

    use super::*;

    fn refused(code: &str, retry_after_ms: Option<u64>) -> ConnectError {
        let error = WireError {
            code: "NOT_PAIRED".to_owned(),
            message: "no".to_owned(),
            details: Some(json!({"code": code})),
            retryable: None,
            retry_after_ms,
        };
        ConnectError::Refused { error: Box::new(error), close: None }
    }

    #[test]
    fn what_a_person_has_to_change_is_tried_slowly_but_forever() {
        for (error, expected) in [
            (refused("PAIRING_REQUIRED", None), Pace::Soon(1008)),
            (refused("PAIRING_EXPIRED", None), Pace::Soon(1008)),
            (refused("PAIRING_REJECTED", None), Pace::Rarely),
            (refused("DEVICE_BLOCKED", None), Pace::Rarely),
            (refused("ADDRESS_BLOCKED", None), Pace::Rarely),
            (refused("AUTH_TOKEN_MISMATCH", None), Pace::Slowly),
            (refused("AUTH_TOKEN_MISSING", None), Pace::Slowly),
            (refused("PROTOCOL_MISMATCH", None), Pace::Slowly),
            (refused("AUTH_RATE_LIMITED", Some(45_000)), Pace::NotBefore(45_000)),
            (ConnectError::TimedOut, Pace::Soon(1006)),
            (ConnectError::Rejected { at: String::new(), status: 503, body: String::new() }, Pace::Soon(1006)),
            (ConnectError::Rejected { at: String::new(), status: 404, body: String::new() }, Pace::Slowly),
        ] {
            assert_eq!(Pace::after_refusal(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn pauses_grow_are_spread_and_never_shorter_than_asked() {
        let seconds = |pace: Pace, failures, chance| pace.delay(failures, chance).as_secs();
        assert_eq!([0, 1, 2, 5, 99].map(|failures| seconds(Pace::Soon(1006), failures, 0.5)), [1, 2, 4, 30, 30]);
        assert!(Pace::Soon(1006).delay(3, 0.0) < Pace::Soon(1006).delay(3, 1.0));
        assert_eq!(seconds(Pace::NotBefore(45_000), 0, 0.5), 45);
        assert_eq!(seconds(Pace::NotBefore(0), 0, 0.5), 1);
        assert_eq!(seconds(Pace::NotBefore(u64::MAX), 0, 0.5), 600);
        assert_eq!((seconds(Pace::Slowly, 7, 0.5), seconds(Pace::Rarely, 7, 0.5)), (60, 600));
    }

    #[test]
    fn a_removed_node_does_not_hurry_back() {
        let close = |reason: &str| CallError::Closed(Some(Close { code: 4001, reason: reason.to_owned() }));
        assert!(says_removed(&close("device removed")));
        assert!(says_removed(&close("device approval ended")));
        assert!(!says_removed(&close("device token rotated")));
        assert_eq!(Pace::after_loss(&close("device removed"), true), Pace::Rarely);
        assert_eq!(Pace::after_loss(&close("device token rotated"), false), Pace::Soon(4001));
    }
}
