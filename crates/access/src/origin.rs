//! Which web pages may talk to the gateway (wire.md §5.5).

use std::net::IpAddr;

use protocol::Refusal;
use protocol::pairing::Network;

use crate::locality::network_of;

/// What a request says about the page it comes from.
#[derive(Debug, Clone, Copy)]
pub struct PageFacts<'a> {
    pub origin: Option<&'a str>,
    pub host: Option<&'a str>,
    pub is_direct_local: bool,
    /// Whether a proxy the owner trusts passed the Host on.
    pub is_behind_trusted_proxy: bool,
}

/// The settings that decide about pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    /// `gateway.controlUi.allowedOrigins`, as written.
    pub allowed: Vec<String>,
    /// `gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback`.
    pub allow_host_fallback: bool,
}

/// Lets a page in, or says why not. Call it for every connection that carries an Origin and for every
/// client that is a page.
pub fn check(page: PageFacts<'_>, policy: &OriginPolicy) -> Result<(), Refusal> {
    let origin = page.origin.and_then(parse).ok_or(Refusal::OriginInvalid)?;
    let same_host = page.host.is_some_and(|host| host.eq_ignore_ascii_case(&origin.host));
    let listed = policy.allowed.iter().any(|entry| entry == "*" || entry.trim().to_ascii_lowercase() == origin.whole);
    let host_is_near = || match hostname(&origin.host) {
        name if is_loopback_name(name) => page.is_direct_local,
        name => is_private_name(name),
    };
    let accepted = listed
        || (same_host && (policy.allow_host_fallback || page.is_behind_trusted_proxy || host_is_near()))
        || (page.is_direct_local && is_loopback_name(hostname(&origin.host)));
    if accepted { Ok(()) } else { Err(Refusal::OriginNotAllowed) }
}

struct Origin {
    /// `scheme://host[:port]`, lower-case.
    whole: String,
    /// `host[:port]`, lower-case.
    host: String,
}

/// A web origin: scheme, host, optional port, at most one slash behind it.
fn parse(text: &str) -> Option<Origin> {
    let whole = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, host) = whole.split_once("://")?;
    let scheme_is_fine = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let host_is_fine = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', '\\']);
    (scheme_is_fine && host_is_fine).then(|| Origin { host: host.to_owned(), whole: whole.clone() })
}

/// The host without its port and without the brackets of an IPv6 address.
pub fn hostname(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').filter(|(name, _)| !name.contains(':')).map_or(host, |(name, _)| name),
    }
}

pub fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// A name or address that only exists inside somebody's own network.
pub fn is_private_name(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(address) => matches!(network_of(address), Network::Lan | Network::Tailnet),
        Err(_) => [".local", ".ts.net"].iter().any(|suffix| name.to_ascii_lowercase().ends_with(suffix)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_proxy_vouches_for_the_host_it_passes_on() {
        let page = |origin, is_behind_trusted_proxy| PageFacts {
            origin: Some(origin),
            host: Some("gw.example.com"),
            is_direct_local: false,
            is_behind_trusted_proxy,
        };
        let policy = OriginPolicy::default();
        assert_eq!(check(page("https://gw.example.com", true), &policy), Ok(()));
        assert_eq!(check(page("https://evil.example", true), &policy), Err(Refusal::OriginNotAllowed));
        assert_eq!(check(page("https://gw.example.com", false), &policy), Err(Refusal::OriginNotAllowed));
    }

    #[test]
    fn takes_the_name_out_of_a_host() {
        assert_eq!(hostname("127.0.0.1:18789"), "127.0.0.1");
        assert_eq!(hostname("[::1]:18789"), "::1");
        assert_eq!(hostname("gw.local"), "gw.local");
    }

    #[test]
    fn a_rebound_name_is_not_loopback() {
        for name in ["127.0.0.1.nip.io", "localhost.evil.test", "evil.test", "localhost."] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }
}
