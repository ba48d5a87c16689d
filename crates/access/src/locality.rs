//! How far away a client is, and how we know (wire.md §5.1–5.3).
//!
//! **Invariant:** forwarding headers count only when the direct peer is a proxy the owner listed; a
//! header from anyone else never makes a client more local. There is no second function that answers
//! this question.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use protocol::pairing::{Network, Origin};

/// What forwarding headers a request carried. Only their presence and three values matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// All `X-Forwarded-For` values, in order, joined with commas.
    pub for_chain: Option<String>,
    pub real_ip: Option<String>,
    /// The scheme that the client used towards the proxy.
    pub proto: Option<String>,
    has_proxy_evidence: bool,
    has_tailscale_evidence: bool,
}

const TAILSCALE_HEADERS: [&str; 5] = [
    "tailscale-funnel-request",
    "tailscale-headers-info",
    "tailscale-user-login",
    "tailscale-user-name",
    "tailscale-user-profile-pic",
];

impl Forwarded {
    /// Collects the evidence from header names and values. Names are lower-case.
    pub fn collect<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            if name == "x-forwarded-for" {
                let chain = found.for_chain.get_or_insert_default();
                if !chain.is_empty() {
                    chain.push(',');
                }
                chain.push_str(value);
            }
            if name == "x-real-ip" {
                found.real_ip = Some(value.to_owned());
            }
            if name == "x-forwarded-proto" {
                found.proto = Some(value.to_owned());
            }
            found.has_proxy_evidence |= name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-");
            found.has_tailscale_evidence |= TAILSCALE_HEADERS.contains(&name);
        }
        found
    }

    pub fn is_empty(&self) -> bool {
        !self.has_proxy_evidence && !self.has_tailscale_evidence
    }

    /// What was found, by name.
    pub fn evidence(&self) -> &'static str {
        if self.for_chain.is_some() {
            "X-Forwarded-For"
        } else if self.real_ip.is_some() {
            "X-Real-IP"
        } else if self.has_proxy_evidence {
            "headers of a proxy"
        } else {
            "headers of Tailscale"
        }
    }
}

/// The addresses whose forwarding headers are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads the entries of `gateway.trustedProxies` and returns those that can never match.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let mut networks = Vec::new();
        let mut unusable = Vec::new();
        for entry in entries {
            match parse_network(entry) {
                Some(network) => networks.push(network),
                None => unusable.push(entry.to_owned()),
            }
        }
        (Self(networks), unusable)
    }

    /// The networks that are trusted, in the order of the settings.
    pub fn networks(&self) -> &[IpNet] {
        &self.0
    }

    /// As text, normalized.
    pub fn entries(&self) -> Vec<String> {
        self.0.iter().map(IpNet::to_string).collect()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// One address or CIDR. Host bits are allowed; a v4-mapped network means the IPv4 one.
pub fn parse_network(entry: &str) -> Option<IpNet> {
    let entry = entry.trim();
    let network =
        if entry.contains('/') { IpNet::from_str(entry).ok()? } else { IpNet::from(IpAddr::from_str(entry).ok()?) };
    match network {
        IpNet::V6(mapped) if mapped.prefix_len() >= 96 => match mapped.addr().to_ipv4_mapped() {
            Some(v4) => Ipv4Net::new(v4, mapped.prefix_len() - 96).ok().map(IpNet::V4),
            None => Some(network),
        },
        IpNet::V4(_) | IpNet::V6(_) => Some(network),
    }
}

/// A client that we can name, and how its address was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    pub ingress: Ingress,
    /// The client's own address, IPv4 where it is one.
    pub client: IpAddr,
}

/// The way a connection came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingress {
    /// From this machine, without a proxy in between.
    DirectLocal,
    DirectRemote,
    /// Through a proxy the owner trusts.
    TrustedProxy {
        proxy: IpAddr,
    },
}

impl Attribution {
    pub fn is_direct_local(&self) -> bool {
        self.ingress == Ingress::DirectLocal
    }

    pub fn network(&self) -> Network {
        if self.is_direct_local() { Network::ThisMachine } else { network_of(self.client) }
    }

    /// How the address was resolved, as a phrase that follows it.
    pub fn resolved(&self) -> String {
        match self.ingress {
            Ingress::DirectLocal => "on this machine".to_owned(),
            Ingress::DirectRemote => "directly".to_owned(),
            Ingress::TrustedProxy { proxy } => format!("through the trusted proxy {proxy}"),
        }
    }

    /// Where the client is, as people are told.
    pub fn origin(&self, is_encrypted: bool, page: Option<&str>) -> Origin {
        Origin {
            address: self.client.to_string(),
            network: self.network(),
            resolved: self.resolved(),
            encrypted: is_encrypted,
            page: page.map(str::to_owned),
        }
    }
}

/// Why nobody can say who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unattributable {
    /// Forwarding headers came from a peer that is not a trusted proxy.
    UntrustedPeer,
    /// A trusted proxy did not name a client outside the trusted networks.
    NoClientAddress,
}

/// What the resolution looks at, in this order.
#[derive(Debug, Clone, Copy)]
pub enum Look<'a> {
    ThisMachine {
        peer: IpAddr,
    },
    TrustedPeer {
        peer: IpAddr,
    },
    UntrustedPeer {
        peer: IpAddr,
        headers: &'a Forwarded,
    },
    /// An entry of `X-Forwarded-For`, the right-most first.
    Hop {
        text: &'a str,
        passed: Passed,
    },
    /// What stands left of the entry that was taken.
    Hearsay {
        text: &'a str,
    },
    RealIp {
        text: &'a str,
        is_taken: bool,
    },
    NobodyNamed,
}

/// Why an entry of `X-Forwarded-For` is not the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    NoAddress,
    Loopback,
    Trusted,
    /// It is the client.
    Not,
}

/// Resolves who a request comes from. `peer` is the other end of the TCP connection.
pub fn resolve(
    peer: IpAddr,
    headers: &Forwarded,
    trusted: &TrustedProxies,
    allow_real_ip_fallback: bool,
) -> Result<Attribution, Unattributable> {
    resolve_watched(peer, headers, trusted, allow_real_ip_fallback, &mut |_| {})
}

/// As [`resolve`], and tells what it looks at.
pub fn resolve_watched(
    peer: IpAddr,
    headers: &Forwarded,
    trusted: &TrustedProxies,
    allow_real_ip_fallback: bool,
    watch: &mut impl FnMut(Look<'_>),
) -> Result<Attribution, Unattributable> {
    let peer = peer.to_canonical();
    if peer.is_loopback() && headers.is_empty() {
        watch(Look::ThisMachine { peer });
        return Ok(Attribution { ingress: Ingress::DirectLocal, client: peer });
    }
    if trusted.contains(peer) {
        watch(Look::TrustedPeer { peer });
        let client = forwarded_client(headers, trusted, allow_real_ip_fallback, watch);
        let client = client.ok_or(Unattributable::NoClientAddress)?;
        return Ok(Attribution { ingress: Ingress::TrustedProxy { proxy: peer }, client });
    }
    watch(Look::UntrustedPeer { peer, headers });
    if headers.is_empty() {
        Ok(Attribution { ingress: Ingress::DirectRemote, client: peer })
    } else {
        Err(Unattributable::UntrustedPeer)
    }
}

/// The right-most hop that is neither loopback nor ours: everything left of it is hearsay.
fn forwarded_client(
    headers: &Forwarded,
    trusted: &TrustedProxies,
    allow_real_ip: bool,
    watch: &mut impl FnMut(Look<'_>),
) -> Option<IpAddr> {
    let mut rest = headers.for_chain.as_deref();
    while let Some(chain) = rest {
        let (left, text) = chain.rsplit_once(',').map_or((None, chain), |(left, text)| (Some(left), text));
        rest = left;
        let hop = parse_hop(text);
        let passed = match hop {
            None => Passed::NoAddress,
            Some(hop) if hop.is_loopback() => Passed::Loopback,
            Some(hop) if trusted.contains(hop) => Passed::Trusted,
            Some(_) => Passed::Not,
        };
        watch(Look::Hop { text, passed });
        if passed == Passed::Not {
            if let Some(text) = left {
                watch(Look::Hearsay { text });
            }
            return hop;
        }
    }
    let real_ip = headers.real_ip.as_deref().and_then(|text| {
        let found = parse_hop(text).filter(|address| allow_real_ip && !address.is_loopback());
        watch(Look::RealIp { text, is_taken: found.is_some() });
        found
    });
    if real_ip.is_none() {
        watch(Look::NobodyNamed);
    }
    real_ip
}

/// An address with an optional port: `v4`, `v4:port`, `v6`, `[v6]`, `[v6]:port`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            let port_is_fine = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
            port_is_fine.then_some(address)?
        }
        None => match text.split_once(':') {
            Some((v4, port)) if !port.contains(':') => is_port(port).then_some(v4)?,
            Some(_) | None => text,
        },
    };
    IpAddr::from_str(bare).ok().map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// Carrier-grade NAT, which tailnets use (RFC 6598).
const CGNAT: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);

/// How far away an address is by itself.
pub fn network_of(address: IpAddr) -> Network {
    match address.to_canonical() {
        address if address.is_loopback() => Network::ThisMachine,
        IpAddr::V4(v4) if CGNAT.contains(&v4) => Network::Tailnet,
        IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => Network::Lan,
        IpAddr::V6(v6) if is_tailscale_v6(v6) => Network::Tailnet,
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => Network::Lan,
        IpAddr::V4(_) | IpAddr::V6(_) => Network::Public,
    }
}

/// Tailscale's own unique local range, `fd7a:115c:a1e0::/48`.
fn is_tailscale_v6(address: Ipv6Addr) -> bool {
    address.segments()[..3] == [0xfd7a, 0x115c, 0xa1e0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn network(address: &str, expected: Network) {
        assert_eq!(network_of(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn knows_how_far_away_an_address_is() {
        network("127.9.9.9", Network::ThisMachine);
        network("::ffff:127.0.0.1", Network::ThisMachine);
        network("192.168.1.4", Network::Lan);
        network("172.18.0.1", Network::Lan);
        network("169.254.0.9", Network::Lan);
        network("fd00::1", Network::Lan);
        network("fe80::1", Network::Lan);
        network("100.64.0.7", Network::Tailnet);
        network("100.128.0.1", Network::Public);
        network("fd7a:115c:a1e0::5", Network::Tailnet);
        network("203.0.113.9", Network::Public);
        network("2001:db8::1", Network::Public);
    }

    #[test]
    fn a_second_forwarded_header_is_part_of_the_chain() {
        let headers = Forwarded::collect([("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")]);
        let (trusted, _) = TrustedProxies::parse(["10.0.0.2"]);
        let found = resolve("10.0.0.2".parse().unwrap(), &headers, &trusted, false).unwrap();
        assert_eq!(found.client.to_string(), "203.0.113.9");
        assert_eq!(found.resolved(), "through the trusted proxy 10.0.0.2");
    }

    #[test]
    fn entries_that_can_never_match_are_reported() {
        let (_, unusable) = TrustedProxies::parse(["10.0.0.0/8", "localhost", "*", "10/8", ""]);
        assert_eq!(unusable, ["localhost", "*", "10/8", ""]);
    }
}
