//! Every way to say no where a passkey is asked for. An extension: the reference has no passkeys.

use serde_json::{Value, json};

use super::Advice;
use super::advice::advice;
use crate::method::Purpose;

/// Why something waits for a passkey, or a passkey was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepUpRefusal {
    /// The page asks for a proof for this and comes back.
    Required {
        purpose: Purpose,
    },
    /// `gateway.stepUp` is `always`, and there is none to show.
    NoPasskey,
    /// Only pages can show one.
    NotAPage,
    /// The page's address is none that a passkey can be for: an address in numbers, or without HTTPS.
    AddressUnfit,
    /// The passkeys are for pages of other host names.
    OtherAddress {
        hosts: Vec<String>,
    },
    /// The challenge was answered already, is too old, or was another connection's.
    ChallengeStale,
    Invalid {
        problem: &'static str,
    },
    /// Its counter went back, which a copy of it would do.
    CounterWentBack {
        name: String,
    },
    PasskeyUnknown,
    PasskeyKnown,
    TooMany,
    /// The browser showed none. The gateway never says that; pages do, to themselves.
    NotShown,
}

impl StepUpRefusal {
    pub(super) fn message(&self) -> String {
        match self {
            Self::Required { purpose } => format!("passkey required: {}", purpose.word()),
            Self::NoPasskey => "passkey required, and none is registered".to_owned(),
            Self::NotAPage => "passkey required, which only the Control UI can show".to_owned(),
            Self::AddressUnfit => "this page's address cannot have passkeys".to_owned(),
            Self::OtherAddress { hosts } => format!("passkey required, which works only at: {}", hosts.join(", ")),
            Self::ChallengeStale => "passkey challenge unknown or expired".to_owned(),
            Self::Invalid { problem } => format!("invalid passkey answer: {problem}"),
            Self::CounterWentBack { name } => format!("the counter of the passkey {name} went back"),
            Self::PasskeyUnknown => "unknown passkey".to_owned(),
            Self::PasskeyKnown => "passkey already registered".to_owned(),
            Self::TooMany => "too many passkeys".to_owned(),
            Self::NotShown => "no passkey was shown".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> &'static str {
        match self {
            Self::Required { .. } => "STEP_UP_REQUIRED",
            Self::NoPasskey => "STEP_UP_NO_PASSKEY",
            Self::NotAPage => "STEP_UP_NOT_A_PAGE",
            Self::AddressUnfit => "STEP_UP_ADDRESS_UNFIT",
            Self::OtherAddress { .. } => "STEP_UP_OTHER_ADDRESS",
            Self::ChallengeStale => "STEP_UP_STALE",
            Self::Invalid { .. } => "PASSKEY_INVALID",
            Self::CounterWentBack { .. } => "PASSKEY_COUNTER",
            Self::PasskeyUnknown => "PASSKEY_UNKNOWN",
            Self::PasskeyKnown => "PASSKEY_KNOWN",
            Self::TooMany => "PASSKEYS_TOO_MANY",
            Self::NotShown => "PASSKEY_NOT_SHOWN",
        }
    }

    pub(super) fn more_details(&self) -> Value {
        match self {
            Self::Required { purpose } => json!({"purpose": purpose}),
            Self::OtherAddress { hosts } => json!({"hosts": hosts}),
            Self::NoPasskey
            | Self::NotAPage
            | Self::AddressUnfit
            | Self::ChallengeStale
            | Self::Invalid { .. }
            | Self::CounterWentBack { .. }
            | Self::PasskeyUnknown
            | Self::PasskeyKnown
            | Self::TooMany
            | Self::NotShown => Value::Null,
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Required { .. } | Self::NotAPage => advice(
                "This takes one of the owner's passkeys.",
                "Do it on the owner's page, or with `openclaw` on the gateway's machine.",
            ),
            Self::NoPasskey => advice(
                "This takes a passkey (gateway.stepUp is `always`), and none is registered.",
                "Add one under Settings, or do this with `openclaw` on the gateway's machine.",
            ),
            Self::AddressUnfit => advice(
                "A page at this address cannot have passkeys: they need HTTPS and a host name, or localhost.",
                "Open it over Tailscale, or at an https:// name; `openclaw` on the gateway's machine needs none.",
            ),
            Self::OtherAddress { .. } => advice(
                "This takes a passkey, and yours are for another address of this page.",
                "Open the page where you added them, as `openclaw passkeys list` names it on the gateway's machine; `openclaw` there needs none.",
            ),
            Self::ChallengeStale => {
                advice("The passkey's answer came too late, or was used already.", "Try again within two minutes.")
            }
            Self::Invalid { .. } => advice(
                "The passkey's answer is not what was asked for.",
                "Try again with a PIN, a fingerprint or a face; or use another passkey.",
            ),
            Self::CounterWentBack { .. } => advice(
                "This passkey counts backwards, as a copy of it would.",
                "Remove it under Settings with another one, or with `openclaw passkeys remove` on the gateway's machine.",
            ),
            Self::PasskeyUnknown => advice("There is no such passkey.", "Run `openclaw passkeys list`."),
            Self::PasskeyKnown => advice("This passkey is registered already.", "Use it as it is."),
            Self::TooMany => advice("There are too many passkeys.", "Remove one that you do not use."),
            Self::NotShown => advice(
                "No passkey was shown, so nothing was done.",
                "Try again; if yours is lost, use `openclaw` on the gateway's machine.",
            ),
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Required { purpose: Purpose::Secret },
            Self::NoPasskey,
            Self::NotAPage,
            Self::AddressUnfit,
            Self::OtherAddress { hosts: vec!["gateway.example.com".to_owned()] },
            Self::ChallengeStale,
            Self::Invalid { problem: "the user was not verified" },
            Self::CounterWentBack { name: "Phone".to_owned() },
            Self::PasskeyUnknown,
            Self::PasskeyKnown,
            Self::TooMany,
            Self::NotShown,
        ]
    }
}
