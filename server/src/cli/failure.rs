//! Why a command did not do its job, and what to do next.

use std::process::ExitCode;

use client::{CallError, ConnectError};
use protocol::refusal::Advice;
use protocol::{Refusal, WireError};

use super::output::say;
use super::text::{long, sentence};
use crate::advised::Advised;

/// A failure lists no more than this many lines: enough to find the one that was meant.
const LONGEST_LIST: usize = 12;

/// What a failure ends with that knows nothing better.
const LAST_RESORT: &str = "on the gateway's machine, `openclaw gateway status` tells how it is and where its log is";

/// Why a command did not do its job: one sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    sentence: String,
    /// Lines that the sentence speaks of.
    list: Vec<String>,
    hint: Option<String>,
    /// What the command ends with.
    code: u8,
}

impl Failure {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), list: Vec::new(), hint: None, code: 1 }
    }

    /// A command that makes no sense as it was typed, which nothing was done for.
    pub fn misused(sentence: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(sentence) }
    }

    #[must_use]
    pub fn list(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.list.extend(lines);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the gateway's no means, with its own words in brackets for whoever looks them up.
    pub fn refused(error: &WireError) -> Self {
        match Refusal::advice_for(error) {
            Some(Advice { sentence, next_step }) => {
                Self::new(format!("{sentence} ({})", long(&error.message))).hint(next_step)
            }
            None => Self::new(format!("The gateway refused: {}", long(&error.message))),
        }
    }

    /// As people read it.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.sentence)];
        lines.extend(self.list.iter().take(LONGEST_LIST).map(|line| format!("  {line}")));
        if self.list.len() > LONGEST_LIST {
            lines.push(format!("  … and {} more", self.list.len() - LONGEST_LIST));
        }
        lines.extend(self.hint.iter().map(|hint| format!("\nhint: {hint}")));
        lines
    }

    /// Tells it and ends with 1, or with 2 for misuse.
    pub fn report(&self) -> ExitCode {
        let mut failure = self.clone();
        failure.hint.get_or_insert_with(|| LAST_RESORT.to_owned());
        say(&failure.lines().join("\n"));
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let failure = Self::new(sentence(&format!("{error:#}")));
        match error.downcast_ref::<Advised>() {
            Some(advised) => failure.hint(&advised.hint),
            None => failure,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => Self::refused(&error),
            CallError::TimedOut => {
                Self::new("The gateway did not answer in time.").hint("allow more with --timeout SECONDS")
            }
            CallError::Closed(_) | CallError::Broken(_) | CallError::Protocol(_) => {
                Self::new(sentence(&error.to_string()))
            }
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused { error, .. } => Self::refused(&error),
            ConnectError::TimedOut => {
                Self::new("The gateway did not answer in time.").hint("allow more with --timeout SECONDS")
            }
            ConnectError::Rejected { ref body, status, .. } => match rejected(status, body) {
                Some(Advice { sentence, next_step }) => Self::new(sentence).hint(next_step),
                None => Self::new(sentence(&error.to_string()))
                    .hint("check the address and its path, and the proxy in between if there is one"),
            },
            ConnectError::Unreachable { ref source, .. } => {
                // What rustls says of a certificate it does not accept.
                let is_certificate = source.kind() == std::io::ErrorKind::InvalidData;
                Self::new(sentence(&error.to_string())).hint(if is_certificate {
                    "let this machine trust the certificate's authority, for one command with SSL_CERT_FILE=FILE"
                } else {
                    "check the address, and on the gateway's machine `openclaw gateway status`"
                })
            }
            ConnectError::Closed { .. } | ConnectError::Protocol(_) => Self::new(sentence(&error.to_string())),
        }
    }
}

/// What an HTTP answer in place of a socket means, if it is the gateway's.
fn rejected(status: u16, body: &str) -> Option<Advice> {
    let ours = [Refusal::ProxyUnattributable, Refusal::TooManyUnauthenticated, Refusal::GatewayStopping];
    ours.iter()
        .find(|refusal| refusal.http_status() == status && body.contains(&refusal.message()))
        .map(Refusal::advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gateway_said_is_told_whole() {
        let said = "gateway is only bound to loopback. Set gateway.bind=lan, or name an address with gateway.publicUrl";
        let error = WireError { message: said.to_owned(), ..Refusal::ProxyUnattributable.wire_error().unwrap() };
        assert!(Failure::refused(&error).sentence.contains(said), "{:?}", Failure::refused(&error));
    }

    #[test]
    fn a_refusal_becomes_a_sentence_and_a_hint() {
        let error = Refusal::RequestUnknown.wire_error().unwrap();
        let failure = Failure::refused(&error);
        assert!(failure.sentence.ends_with("(unknown requestId)"), "{failure:?}");
        assert!(failure.hint.unwrap().contains("devices list"));
        let strange = WireError {
            code: "X".to_owned(),
            message: "\u{1b}[2Jodd".to_owned(),
            details: None,
            retryable: None,
            retry_after_ms: None,
        };
        assert_eq!(Failure::refused(&strange).sentence, "The gateway refused: \u{fffd}[2Jodd");
    }

    #[test]
    fn an_http_answer_of_the_gateway_is_explained() {
        let body = Refusal::ProxyUnattributable.message();
        let advice = rejected(403, &format!("{{\"error\":{{\"message\":\"{body}\"}}}}")).unwrap();
        assert!(advice.next_step.contains("trustedProxies"));
        assert_eq!(rejected(404, "Not found"), None);
    }
}
