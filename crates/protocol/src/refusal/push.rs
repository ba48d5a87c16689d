//! Every way to say no around notifications. An extension: the reference has none.

use super::Advice;
use super::advice::advice;

/// Why a browser is not told, or nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushRefusal {
    /// What has no device could not be ended with it.
    NoDevice,
    /// Whoever sees only its own requests need not be told of any.
    Denied,
    SubscriptionInvalid {
        problem: String,
    },
    /// A device names the place, so the gateway goes nowhere but to the public internet.
    EndpointPrivate {
        host: String,
    },
    EndpointUnknown {
        host: String,
    },
    NobodyToTell,
}

impl PushRefusal {
    /// The `code` of the wire error.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::EndpointUnknown { .. } => "UNAVAILABLE",
            Self::NoDevice
            | Self::Denied
            | Self::SubscriptionInvalid { .. }
            | Self::EndpointPrivate { .. }
            | Self::NobodyToTell => "INVALID_REQUEST",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::NoDevice => "push subscriptions belong to a device".to_owned(),
            Self::Denied => "push subscription denied".to_owned(),
            Self::SubscriptionInvalid { problem } => format!("invalid push subscription: {problem}"),
            Self::EndpointPrivate { host } => {
                format!("the push service {host} is not on the public internet (gateway.notify.allowPrivate)")
            }
            Self::EndpointUnknown { host } => format!("the push service {host} cannot be found"),
            Self::NobodyToTell => "nothing to send a test to".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> &'static str {
        match self {
            Self::NoDevice => "PUSH_NEEDS_DEVICE",
            Self::Denied => "PUSH_DENIED",
            Self::SubscriptionInvalid { .. } => "PUSH_SUBSCRIPTION_INVALID",
            Self::EndpointPrivate { .. } => "PUSH_ENDPOINT_PRIVATE",
            Self::EndpointUnknown { .. } => "PUSH_ENDPOINT_UNKNOWN",
            Self::NobodyToTell => "PUSH_NOBODY",
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::NoDevice => advice(
                "Only a device can be notified, and this program showed none.",
                "Open the page over HTTPS or on localhost, and pair it first.",
            ),
            Self::Denied => advice(
                "This device sees only its own requests, so it is not notified of others.",
                "Ask the owner to approve more for it.",
            ),
            Self::SubscriptionInvalid { .. } => advice(
                "The browser's subscription makes no sense to the gateway.",
                "Switch notifications off and on again in this browser.",
            ),
            Self::EndpointPrivate { .. } => advice(
                "The push service is in a private network, where the gateway sends nothing that a device asks for.",
                "If it is yours, set gateway.notify.allowPrivate to true.",
            ),
            Self::EndpointUnknown { .. } => advice(
                "The gateway cannot find the browser's push service.",
                "Check that the gateway's machine reaches the internet and its DNS works, then try again.",
            ),
            Self::NobodyToTell => advice(
                "There is nobody to send a test to.",
                "Switch notifications on in this browser, or set gateway.notify.url.",
            ),
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::NoDevice,
            Self::Denied,
            Self::SubscriptionInvalid { problem: "auth must be 16 bytes in base64url".to_owned() },
            Self::EndpointPrivate { host: "push.lan".to_owned() },
            Self::EndpointUnknown { host: "push.example".to_owned() },
            Self::NobodyToTell,
        ]
    }
}
