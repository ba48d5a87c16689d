//! Every way to say no to somebody who wants a setup code (wire.md §10.2, §10.5).

use super::Advice;
use super::advice::advice;

/// Why no setup code was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupRefusal {
    /// Nobody said at which address others reach the gateway, and it cannot find out.
    NoReachableUrl { cause: UrlUnknown },
    /// An address that was given or stands in the settings is of no use.
    UrlUnusable { source: String, problem: String },
    /// Only machines join by URL.
    JoinNeedsNode,
    /// A join URL would carry its code in clear.
    JoinNeedsHttps,
    /// Too many codes were asked for.
    TooMany { retry_after_ms: u64 },
}

/// Why the gateway does not know an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlUnknown {
    OnlyLoopback,
    NoLanAddress,
    NoTailnetAddress,
}

impl SetupRefusal {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoReachableUrl { .. } | Self::UrlUnusable { .. } | Self::JoinNeedsNode | Self::JoinNeedsHttps => {
                "INVALID_REQUEST"
            }
            Self::TooMany { .. } => "UNAVAILABLE",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::NoReachableUrl { cause: UrlUnknown::OnlyLoopback } => {
                "Gateway is only bound to loopback. Set gateway.bind=lan, or configure plugins.entries.device-pair.config.publicUrl.".to_owned()
            }
            Self::NoReachableUrl { cause: UrlUnknown::NoLanAddress } => {
                "gateway.bind=lan set, but no private LAN IP was found.".to_owned()
            }
            Self::NoReachableUrl { cause: UrlUnknown::NoTailnetAddress } => {
                "gateway.bind=tailnet set, but no tailnet IP was found.".to_owned()
            }
            Self::UrlUnusable { source, problem } => format!("the address in {source} cannot be used: {problem}"),
            Self::JoinNeedsNode => "Join URLs require bootstrapProfile=node.".to_owned(),
            Self::JoinNeedsHttps => "Join URLs require https unless the gateway's address is loopback.".to_owned(),
            Self::TooMany { .. } => "too many setup codes were made; try again later".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> Option<&'static str> {
        match self {
            Self::NoReachableUrl { .. } => Some("SETUP_URL_UNKNOWN"),
            Self::UrlUnusable { .. } => Some("SETUP_URL_UNUSABLE"),
            Self::JoinNeedsNode => None,
            Self::JoinNeedsHttps => Some("JOIN_URL_NEEDS_HTTPS"),
            Self::TooMany { .. } => Some("TOO_MANY_SETUP_CODES"),
        }
    }

    pub(super) fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after_ms } => Some(*retry_after_ms),
            Self::NoReachableUrl { .. } | Self::UrlUnusable { .. } | Self::JoinNeedsNode | Self::JoinNeedsHttps => None,
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::NoReachableUrl { .. } => advice(
                "The gateway knows no address at which another device could reach it.",
                "Name one with `openclaw qr --public-url https://HOST` or in plugins.entries.device-pair.config.publicUrl, or open the gateway to the network with `openclaw gateway run --bind lan`.",
            ),
            Self::UrlUnusable { .. } => advice(
                "The address that devices should use is not one.",
                "Write it as https://HOST, wss://HOST or ws://HOST:PORT, without a query or a password.",
            ),
            Self::JoinNeedsNode => {
                advice("A join URL is for machines only.", "Ask for it with the bootstrap profile node.")
            }
            Self::JoinNeedsHttps => advice(
                "A join URL over plain HTTP would show its code to everybody on the way.",
                "Put the gateway behind HTTPS and name that address in plugins.entries.device-pair.config.publicUrl.",
            ),
            Self::TooMany { .. } => {
                advice("Too many one-time codes were asked for within a minute.", "Wait a minute and try again.")
            }
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::NoReachableUrl { cause: UrlUnknown::OnlyLoopback },
            Self::NoReachableUrl { cause: UrlUnknown::NoLanAddress },
            Self::NoReachableUrl { cause: UrlUnknown::NoTailnetAddress },
            Self::UrlUnusable {
                source: "publicUrl".to_owned(),
                problem: "it is no address; write wss://HOST or https://HOST".to_owned(),
            },
            Self::JoinNeedsNode,
            Self::JoinNeedsHttps,
            Self::TooMany { retry_after_ms: 42_000 },
        ]
    }
}
