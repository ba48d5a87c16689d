//! The life of the connection as a pure state machine: what happened goes in, the screen to show and what to do
//! next come out. Time and chance are arguments, so every path is a test.
//!
//! Invariant: the page dials again by itself only after losing a gateway, never after a refusal. A refusal has a
//! reason, and repeating the same request would not change it.

mod notice;
mod screen;

use protocol::event::PairPending;
use protocol::refusal::SecretKind;
use protocol::{BootstrapProfile, Challenge, Secret, WireError};
use serde_json::Value;

use crate::backoff;
use crate::hello::Hello;

pub use notice::UNKNOWN_REFUSAL;
pub use screen::{RefusedNotice, Screen, SecretProblem, SecretPrompt, WayOut, Welcome};

use notice::{SPENT_LINK, detail, notice, way_out};

/// The close reasons after which this browser does not come back by itself: somebody threw it out, or the time for
/// which it was let in was up.
const REMOVED: &str = "device removed";
const ENDED: &str = "device approval ended";

/// What this browser shows the gateway beside its key. Kept in memory only, and only until it has served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    Nothing,
    /// The one-time code of a link, and what it gives.
    Link(Secret, BootstrapProfile),
    Typed(Secret),
}

/// What can happen to the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Challenged(Challenge),
    Pending(Box<PairPending>),
    Welcomed(Box<Hello>),
    Refused(WireError),
    Closed {
        code: u16,
        reason: String,
    },
    NoKey(KeyProblem),
    SecretTyped(Secret),
    /// Somebody pressed the button that starts over, with what there is.
    AskedAgain,
    AskedWithoutLink,
    /// The network came back, or the page was looked at again.
    Woken,
    RetryDue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyProblem {
    InsecureContext,
    Unsupported(String),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Opens a new socket after a while, in place of any other.
    Dial { after_ms: u64 },
    /// Answers the challenge on the open socket, asking for what the profile gives.
    Prove(Challenge, Credential, BootstrapProfile),
    /// Keeps what this browser asks for, so that it asks for the same when it comes back.
    Remember(BootstrapProfile),
    /// Fetches everything the console shows.
    Load,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    screen: Screen,
    credential: Credential,
    /// Attempts since a gateway answered last.
    failures: u32,
    /// The line is lost, and the last good screen stays for the first attempt to get it back.
    is_resuming: bool,
    has_waited: bool,
    /// What this browser asks for without a link; `None` before it was ever let in.
    remembered: Option<BootstrapProfile>,
    /// A link that is used only if the gateway does not know this browser: it must not change what a device that is
    /// paired already may do. The owner's own links are used at once.
    spare: Option<Credential>,
}

impl Session {
    /// `link` is the one-time code this page was opened with, `remembered` what [`Effect::Remember`] kept.
    pub fn new(link: Option<(Secret, BootstrapProfile)>, remembered: Option<BootstrapProfile>) -> Self {
        let link = link.map(|(code, profile)| Credential::Link(code, profile));
        let is_owners = matches!(link, Some(Credential::Link(_, BootstrapProfile::Owner)));
        let (link, spare) = if is_owners || remembered.is_none() { (link, None) } else { (None, link) };
        Self {
            screen: Screen::Connecting,
            credential: link.unwrap_or(Credential::Nothing),
            remembered,
            spare,
            failures: 0,
            is_resuming: false,
            has_waited: false,
        }
    }

    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    pub fn welcome(&self) -> Option<&Welcome> {
        match &self.screen {
            Screen::Connected(welcome) => Some(welcome),
            Screen::Connecting
            | Screen::Secret(_)
            | Screen::Waiting(_)
            | Screen::Refused(_)
            | Screen::Insecure
            | Screen::Unsupported(_)
            | Screen::Away { .. }
            | Screen::Removed { .. } => None,
        }
    }

    pub fn is_resuming(&self) -> bool {
        self.is_resuming
    }

    /// The state in one word, for the page's `data-state`.
    pub fn state(&self) -> &'static str {
        match self.screen {
            Screen::Waiting(_) | Screen::Connected(_) if self.is_resuming => "away",
            Screen::Connecting => "connecting",
            Screen::Secret(_) => "secret",
            Screen::Waiting(_) => "waiting",
            Screen::Connected(_) => "connected",
            Screen::Refused(_) => "refused",
            Screen::Insecure => "insecure",
            Screen::Unsupported(_) => "unsupported",
            Screen::Away { .. } => "away",
            Screen::Removed { .. } => "removed",
        }
    }

    /// Takes one thing that happened. `now_ms` is this browser's clock, `chance` lies between 0 and 1.
    pub fn step(&mut self, input: Input, now_ms: u64, chance: f64) -> Vec<Effect> {
        match input {
            Input::Challenged(challenge) => vec![Effect::Prove(challenge, self.credential.clone(), self.asks_for())],
            Input::Pending(_) | Input::Refused(_) if self.spare.is_some() => {
                self.credential = self.spare.take().unwrap_or(Credential::Nothing);
                self.start_over()
            }
            Input::Pending(pending) => {
                self.answered();
                self.has_waited = true;
                self.screen = Screen::Waiting(*pending);
                Vec::new()
            }
            Input::Welcomed(hello) => {
                self.answered();
                let by_owner_link = matches!(self.credential, Credential::Link(_, BootstrapProfile::Owner));
                let link_unused = self.spare.take().is_some();
                let profile = self.asks_for();
                self.remembered = Some(profile);
                self.credential = Credential::Nothing;
                let has_waited = std::mem::take(&mut self.has_waited);
                self.screen = Screen::Connected(Box::new(Welcome {
                    hello: *hello,
                    at_ms: now_ms,
                    by_owner_link,
                    link_unused,
                    has_waited,
                }));
                vec![Effect::Remember(profile), Effect::Load]
            }
            Input::Refused(error) => {
                self.answered();
                self.has_waited = false;
                self.screen = self.refused(&error, now_ms);
                Vec::new()
            }
            Input::Closed { code, reason } => self.closed(code, &reason, now_ms, chance),
            Input::NoKey(KeyProblem::InsecureContext) => {
                self.screen = Screen::Insecure;
                Vec::new()
            }
            Input::NoKey(KeyProblem::Unsupported(words)) => {
                self.screen = Screen::Unsupported(words);
                Vec::new()
            }
            Input::SecretTyped(secret) => {
                self.credential = Credential::Typed(secret);
                if let Screen::Secret(prompt) = &mut self.screen {
                    prompt.is_checking = true;
                    prompt.problem = None;
                }
                vec![Effect::Dial { after_ms: 0 }]
            }
            Input::AskedWithoutLink => {
                self.credential = Credential::Nothing;
                self.start_over()
            }
            Input::AskedAgain => self.start_over(),
            Input::Woken | Input::RetryDue => self.retry_now(),
        }
    }

    /// What to ask for: what the link gives, or the same as the last time, or all.
    fn asks_for(&self) -> BootstrapProfile {
        match self.credential {
            Credential::Link(_, profile) => profile,
            Credential::Nothing | Credential::Typed(_) => self.remembered.unwrap_or(BootstrapProfile::Owner),
        }
    }

    fn answered(&mut self) {
        self.failures = 0;
        self.is_resuming = false;
    }

    fn start_over(&mut self) -> Vec<Effect> {
        self.answered();
        self.screen = Screen::Connecting;
        vec![Effect::Dial { after_ms: 0 }]
    }

    fn retry_now(&mut self) -> Vec<Effect> {
        match &mut self.screen {
            Screen::Away { retry_at_ms: waiting @ Some(_) } => {
                *waiting = None;
                vec![Effect::Dial { after_ms: 0 }]
            }
            Screen::Waiting(_) | Screen::Connected(_) if self.is_resuming => vec![Effect::Dial { after_ms: 0 }],
            Screen::Connecting
            | Screen::Secret(_)
            | Screen::Waiting(_)
            | Screen::Connected(_)
            | Screen::Refused(_)
            | Screen::Insecure
            | Screen::Unsupported(_)
            | Screen::Away { retry_at_ms: None }
            | Screen::Removed { .. } => Vec::new(),
        }
    }

    fn closed(&mut self, code: u16, reason: &str, now_ms: u64, chance: f64) -> Vec<Effect> {
        match &mut self.screen {
            // A refusal closes the socket too, and its screen says more than "away".
            Screen::Refused(_) | Screen::Insecure | Screen::Unsupported(_) | Screen::Removed { .. } => {
                return Vec::new();
            }
            Screen::Secret(prompt) if !prompt.is_checking => return Vec::new(),
            Screen::Connected(_) if code == 4001 && [REMOVED, ENDED].contains(&reason) => {
                self.is_resuming = false;
                self.screen = Screen::Removed { is_over: reason == ENDED };
                return Vec::new();
            }
            Screen::Connecting
            | Screen::Secret(_)
            | Screen::Waiting(_)
            | Screen::Connected(_)
            | Screen::Away { .. } => {}
        }
        let after_ms = backoff::delay_ms(self.failures, code, chance);
        self.failures += 1;
        let had_the_line = matches!(self.screen, Screen::Waiting(_) | Screen::Connected(_)) && !self.is_resuming;
        if had_the_line {
            self.is_resuming = true;
        } else {
            self.is_resuming = false;
            self.screen = Screen::Away { retry_at_ms: Some(now_ms + after_ms) };
        }
        vec![Effect::Dial { after_ms }]
    }

    fn refused(&self, error: &WireError, now_ms: u64) -> Screen {
        let was_typed = matches!(self.credential, Credential::Typed(_));
        let ask = |kind, problem| Screen::Secret(SecretPrompt { kind, problem, is_checking: false });
        match detail(error, "code").and_then(Value::as_str).unwrap_or_default() {
            "AUTH_TOKEN_MISSING" => ask(SecretKind::Token, None),
            "AUTH_PASSWORD_MISSING" => ask(SecretKind::Password, None),
            "AUTH_TOKEN_MISMATCH" => ask(SecretKind::Token, was_typed.then_some(SecretProblem::Wrong)),
            "AUTH_PASSWORD_MISMATCH" => ask(SecretKind::Password, was_typed.then_some(SecretProblem::Wrong)),
            "AUTH_RATE_LIMITED" => {
                let kind = match &self.screen {
                    Screen::Secret(prompt) => prompt.kind,
                    Screen::Connecting
                    | Screen::Waiting(_)
                    | Screen::Connected(_)
                    | Screen::Refused(_)
                    | Screen::Insecure
                    | Screen::Unsupported(_)
                    | Screen::Away { .. }
                    | Screen::Removed { .. } => SecretKind::Token,
                };
                let until_ms = now_ms + error.retry_after_ms.unwrap_or_default();
                ask(kind, Some(SecretProblem::TooMany { until_ms }))
            }
            code => {
                let mut notice = notice(error, way_out(code, error));
                let is_link =
                    matches!(self.credential, Credential::Link(_, profile) if profile != BootstrapProfile::Owner);
                if is_link && notice.way_out == WayOut::WithoutLink {
                    SPENT_LINK.clone_into(&mut notice.next_step);
                }
                Screen::Refused(Box::new(notice))
            }
        }
    }
}

#[cfg(test)]
mod tests;
