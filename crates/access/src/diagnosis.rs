//! Why an attempt came to what it came to, and what to do about it, in words for the owner.
//!
//! It speaks about verdicts that others have reached: [`locality`](crate::locality), [`origin`](crate::origin) and
//! [`admission`](crate::admission). It never reaches one of its own.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use protocol::Refusal;
use protocol::doctor::{ExplainedStep, Fix, SettingFix, Tone};
use protocol::refusal::BlockRefusal;

use crate::locality::{Forwarded, Look, Passed, Unattributable};

/// The key paths that a fix may add to.
pub const TRUSTED_PROXIES: &str = "gateway.trustedProxies";
pub const ALLOWED_ORIGINS: &str = "gateway.controlUi.allowedOrigins";

/// What there is to say about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// One sentence.
    pub cause: String,
    pub fix: Option<Fix>,
}

/// What was known of an attempt when it was decided.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The resolved address of the client.
    pub client: IpAddr,
    /// The Origin and the Host header.
    pub page: Option<&'a str>,
    pub host: Option<&'a str>,
    pub device_id: Option<&'a str>,
    /// The port the gateway listens on.
    pub port: u16,
}

/// The network of a container's bridge that an address is in: Docker's pools, and that of Docker Desktop.
pub fn bridge_of(address: IpAddr) -> Option<Ipv4Net> {
    const DESKTOP: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 65, 0), 24);
    const POOLS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12);
    let IpAddr::V4(address) = address.to_canonical() else { return None };
    if DESKTOP.contains(&address) {
        return Some(DESKTOP);
    }
    let network = Ipv4Net::new(address, 16).ok()?.trunc();
    POOLS.contains(&address).then_some(network)
}

/// Nobody can say who the client is.
pub fn of_unattributable(why: Unattributable, peer: IpAddr, headers: &Forwarded) -> Diagnosis {
    let peer = peer.to_canonical();
    match why {
        Unattributable::UntrustedPeer => {
            let bridge = bridge_of(peer);
            let called = bridge.map(|_| ", in the range of Docker's bridges").unwrap_or_default();
            let cause = format!(
                "The request came through {peer}{called}, which is not a trusted proxy, and carried {}.",
                headers.evidence()
            );
            let entry = bridge.map_or_else(|| peer.to_string(), |network| network.to_string());
            let warning = bridge.map(|network| {
                format!(
                    "Docker lets connections from outside look as if they came from {network}. Trust it only if \
                     nobody reaches the gateway's published port but your proxy; others could claim any address."
                )
            });
            let words = format!("If that proxy is yours, trust `{entry}`. If not, somebody tries to look like you.");
            let setting = SettingFix { path: TRUSTED_PROXIES.to_owned(), add: entry, warning };
            Diagnosis { cause, fix: Some(Fix { words, command: None, setting: Some(setting) }) }
        }
        Unattributable::NoClientAddress => Diagnosis {
            cause: format!(
                "The request came through {peer}, which is a trusted proxy, and names no client outside the trusted \
                 networks."
            ),
            fix: Some(Fix {
                words: format!(
                    "Let the proxy set `X-Forwarded-For` to the client's address. If clients come from {peer} \
                     themselves, take it out of `{TRUSTED_PROXIES}`."
                ),
                ..Fix::default()
            }),
        },
    }
}

/// What the owner does about a request that waits.
pub fn decide_about(request_id: &str) -> Fix {
    Fix {
        words: "Compare what its screen shows with its card under Devices, then decide.".to_owned(),
        command: Some(format!("openclaw devices approve {request_id}")),
        setting: None,
    }
}

/// Why somebody was refused. What it says comes from the refusal itself; the circumstances make it exact.
pub fn of_refusal(refusal: &Refusal, around: &Circumstances<'_>) -> Diagnosis {
    let advice = refusal.advice();
    let general = || Fix { words: advice.next_step.to_owned(), ..Fix::default() };
    let told = |cause: String, fix: Fix| Diagnosis { cause, fix: Some(fix) };
    if let Refusal::PairingRequired(required) = refusal {
        told(format!("A person has to decide: {}.", required.reason.message()), decide_about(&required.request_id))
    } else if let Refusal::Block(BlockRefusal::Device { device_id }) = refusal {
        let id = device_id.as_str();
        let command = format!("openclaw devices unblock {}", id.get(..12).unwrap_or(id));
        told(advice.sentence.to_owned(), Fix { command: Some(command), ..general() })
    } else if let Refusal::RateLimited { retry_after_ms } = refusal {
        let minutes = retry_after_ms.div_ceil(60_000);
        let s = if minutes == 1 { "" } else { "s" };
        let cause = format!(
            "Too many wrong secrets came from {}, so it is locked out for {minutes} more minute{s}; devices that are \
             paired still get in.",
            around.client
        );
        told(cause, general())
    } else if matches!(refusal, Refusal::OriginNotAllowed) {
        of_origin(around, general())
    } else if matches!(refusal, Refusal::ControlUiDeviceRequired) {
        let fix = Fix {
            words: "Give the gateway an https address, or reach it as localhost through a tunnel.".to_owned(),
            command: Some(format!("tailscale serve {}", around.port)),
            setting: None,
        };
        told(advice.sentence.to_owned(), fix)
    } else {
        told(advice.sentence.to_owned(), general())
    }
}

/// A page that the gateway does not know. Only an owner who opened the gateway under that very name is offered to
/// allow it: a page from elsewhere is more likely an attack than a wish.
fn of_origin(around: &Circumstances<'_>, general: Fix) -> Diagnosis {
    let page = around.page.unwrap_or("nowhere");
    let host = around.host.unwrap_or("no name");
    let is_our_own =
        page.split_once("://").is_some_and(|(_, place)| place.trim_end_matches('/').eq_ignore_ascii_case(host));
    if !is_our_own {
        let cause = format!("A page of {page} tried to talk to the gateway, which it called {host}.");
        let words =
            format!("If that page is yours, add it to `{ALLOWED_ORIGINS}`. If not, this is what should happen.");
        return Diagnosis { cause, fix: Some(Fix { words, ..general }) };
    }
    let origin = page.trim_end_matches('/').to_ascii_lowercase();
    let setting = SettingFix {
        path: ALLOWED_ORIGINS.to_owned(),
        warning: Some(format!(
            "From then on, pages of {origin} may talk to this gateway from every browser. Allow it only if that is \
             the address under which you open the gateway."
        )),
        add: origin,
    };
    Diagnosis {
        cause: format!("The page was opened as {page}, an address that the gateway does not know as its own."),
        fix: Some(Fix {
            words: "Allow this address, if it is yours.".to_owned(),
            command: None,
            setting: Some(setting),
        }),
    }
}

/// One thing that the locality function looked at, in words.
pub fn step(look: &Look<'_>) -> ExplainedStep {
    let (tone, words) = match look {
        Look::ThisMachine { peer } => {
            (Tone::Good, format!("{peer} is this machine, and no header says that it speaks for anybody else."))
        }
        Look::TrustedPeer { peer } => {
            (Tone::Good, format!("{peer} is a trusted proxy, so what it says of the client counts."))
        }
        Look::UntrustedPeer { peer, headers } if headers.is_empty() => {
            (Tone::Plain, format!("{peer} is no trusted proxy, and passes nothing on: it is the client itself."))
        }
        Look::UntrustedPeer { peer, headers } => (
            Tone::Bad,
            format!("{peer} is no trusted proxy, but sends {}: nobody can say who the client is.", headers.evidence()),
        ),
        Look::Hop { text, passed } => {
            let text = text.trim();
            match passed {
                Passed::NoAddress => {
                    (Tone::Plain, format!("“{text}” in X-Forwarded-For is no address, and is passed over."))
                }
                Passed::Loopback => {
                    (Tone::Plain, format!("{text} in X-Forwarded-For is the proxy's own machine, and is passed over."))
                }
                Passed::Trusted => {
                    (Tone::Plain, format!("{text} in X-Forwarded-For is a trusted proxy too, and is passed over."))
                }
                Passed::Not => {
                    (Tone::Good, format!("{text} in X-Forwarded-For is the first that is none of ours: the client."))
                }
            }
        }
        Look::Hearsay { text } => {
            (Tone::Plain, format!("“{}” further left is hearsay: the client could have written it.", text.trim()))
        }
        Look::RealIp { text, is_taken: true } => (Tone::Good, format!("X-Real-IP says {text}: the client.")),
        Look::RealIp { text, is_taken: false } => {
            (Tone::Plain, format!("X-Real-IP says {text}, which does not count here."))
        }
        Look::NobodyNamed => (Tone::Bad, "The proxy names no client outside the trusted networks.".to_owned()),
    };
    ExplainedStep { words, tone }
}

#[cfg(test)]
mod tests {
    use protocol::DeviceId;
    use protocol::pairing::PairingReason;
    use protocol::refusal::PairingRequired;
    use protocol::{Role, Scopes};

    use super::*;

    fn around<'a>(page: Option<&'a str>, host: &'a str) -> Circumstances<'a> {
        Circumstances { client: [192, 0, 2, 9].into(), page, host: Some(host), device_id: None, port: 18789 }
    }

    #[test]
    fn a_bridge_is_trusted_as_a_network_and_with_a_warning() {
        let headers = Forwarded::collect([("x-forwarded-for", "203.0.113.9")]);
        let found = of_unattributable(Unattributable::UntrustedPeer, [172, 18, 0, 1].into(), &headers);
        assert_eq!(
            found.cause,
            "The request came through 172.18.0.1, in the range of Docker's bridges, which is not a trusted proxy, and \
             carried X-Forwarded-For."
        );
        let setting = found.fix.unwrap().setting.unwrap();
        assert_eq!((setting.path.as_str(), setting.add.as_str()), (TRUSTED_PROXIES, "172.18.0.0/16"));
        assert!(setting.warning.is_some());
        let found = of_unattributable(Unattributable::UntrustedPeer, [10, 0, 0, 2].into(), &headers);
        let setting = found.fix.unwrap().setting.unwrap();
        assert_eq!((setting.add.as_str(), setting.warning), ("10.0.0.2", None));
        let mapped = "::ffff:172.18.0.1".parse().unwrap();
        assert_eq!(bridge_of(mapped).map(|network| network.to_string()).as_deref(), Some("172.18.0.0/16"));
        assert_eq!(bridge_of([172, 32, 0, 1].into()), None);
    }

    #[test]
    fn only_a_page_that_was_opened_here_is_offered_to_be_allowed() {
        let setting =
            |page, host| of_refusal(&Refusal::OriginNotAllowed, &around(Some(page), host)).fix.unwrap().setting;
        assert_eq!(setting("https://evil.example", "gw.example.com"), None);
        let own = setting("https://GW.example.com/", "gw.example.com").unwrap();
        assert_eq!((own.path.as_str(), own.add.as_str()), (ALLOWED_ORIGINS, "https://gw.example.com"));
    }

    #[test]
    fn every_refusal_has_a_cause_and_a_fix() {
        for refusal in Refusal::examples() {
            let found = of_refusal(&refusal, &around(None, "gw"));
            let fix = found.fix.unwrap();
            assert!(found.cause.ends_with('.') && !fix.words.is_empty(), "{refusal:?}: {}", found.cause);
        }
    }

    #[test]
    fn who_waits_is_approved_by_name_and_who_is_locked_out_is_told_for_how_long() {
        let required = PairingRequired {
            reason: PairingReason::NotPaired,
            request_id: "r1".to_owned(),
            device_id: DeviceId::claimed("d"),
            role: Role::Operator,
            scopes: Scopes::default(),
            approved: None,
            wait_then_retry: false,
        };
        let found = of_refusal(&Refusal::PairingRequired(Box::new(required)), &around(None, "gw"));
        assert_eq!(found.fix.unwrap().command.as_deref(), Some("openclaw devices approve r1"));
        let found = of_refusal(&Refusal::RateLimited { retry_after_ms: 60_001 }, &around(None, "gw"));
        assert!(found.cause.contains("192.0.2.9, so it is locked out for 2 more minutes"), "{}", found.cause);
    }
}
