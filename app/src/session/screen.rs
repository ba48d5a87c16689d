//! What the person sees of the connection.

use protocol::event::PairPending;
use protocol::refusal::SecretKind;

use crate::hello::Hello;

/// What the person sees.
#[derive(Debug, Clone, PartialEq)]
pub enum Screen {
    Connecting,
    Secret(SecretPrompt),
    Waiting(PairPending),
    Connected(Box<Welcome>),
    Refused(Box<RefusedNotice>),
    /// The browser gives a page no key here.
    Insecure,
    /// The browser cannot make or keep the key; its own words.
    Unsupported(String),
    /// No gateway answers. The time of the next attempt by this browser's clock; `None` while one is under way.
    Away {
        retry_at_ms: Option<u64>,
    },
    Removed {
        /// Nobody did it: its time was up.
        is_over: bool,
    },
}

/// The form for the gateway's token or password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPrompt {
    pub kind: SecretKind,
    pub problem: Option<SecretProblem>,
    /// A typed secret is on its way.
    pub is_checking: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretProblem {
    Wrong,
    /// Too many wrong ones; until then, by this browser's clock.
    TooMany {
        until_ms: u64,
    },
}

/// What the gateway said when it let this browser in.
#[derive(Debug, Clone, PartialEq)]
pub struct Welcome {
    pub hello: Hello,
    /// When it said so, by this browser's clock.
    pub at_ms: u64,
    /// An owner link was redeemed for it.
    pub by_owner_link: bool,
    /// It came with a link, but was paired already.
    pub link_unused: bool,
    /// This browser waited for a person first.
    pub has_waited: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RefusedNotice {
    pub sentence: String,
    pub next_step: String,
    /// The gateway's own words, for whoever reports it.
    pub technical: String,
    pub way_out: WayOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOut {
    TryAgain,
    Reload,
    WithoutLink,
}
