//! At which address others reach this gateway: what goes into a setup code (wire.md §10.2).
//!
//! An address that was named wins over one that was found. A loopback address is never found, only named:
//! on a phone it would lead to the phone.

use std::net::IpAddr;

use access::locality::network_of;
use protocol::Refusal;
use protocol::pairing::Network;
use protocol::refusal::{SetupRefusal, UrlUnknown};
use protocol::setup_code::gateway_url;

use crate::config::{Bind, Config, PUBLIC_URL, REMOTE_URL};
use crate::tailscale::Exposed;

/// An address and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Normalized, `ws` or `wss`.
    pub url: String,
    /// The setting it comes from, in the words of the reference (`urlSource`).
    pub source: &'static str,
}

/// What the caller says about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    pub public_url: Option<&'a str>,
    pub prefer_remote_url: bool,
    /// Where Tailscale leads here, if it does.
    pub tailscale: Option<&'a Exposed>,
}

/// Chooses the address. `addresses` are those of this machine.
pub fn choose(wish: Wish<'_>, config: &Config, port: u16, addresses: &[IpAddr]) -> Result<PublicUrl, Refusal> {
    let remote = config.remote_url.as_deref().map(|url| (url, REMOTE_URL));
    let named = wish.public_url.map(|url| (url, "publicUrl"));
    let preferred = remote.filter(|_| wish.prefer_remote_url);
    let set = config.public_url.as_deref().map(|url| (url, PUBLIC_URL));
    if let Some((url, source)) = named.or(preferred).or(set) {
        let unusable = |error: protocol::setup_code::GatewayUrlError| {
            Refusal::Setup(SetupRefusal::UrlUnusable { source: source.to_owned(), problem: error.to_string() })
        };
        return Ok(PublicUrl { url: gateway_url(url).map_err(unusable)?, source });
    }
    // Tailscale only leads to a gateway that is bound to loopback.
    if let Some(exposed) = wish.tailscale {
        return Ok(PublicUrl { url: exposed.socket_url(), source: exposed.source() });
    }
    let found = |network: Network| addresses.iter().copied().find(|address| network_of(*address) == network);
    let unknown = |cause| Refusal::Setup(SetupRefusal::NoReachableUrl { cause });
    let lan = || found(Network::Lan).ok_or_else(|| unknown(UrlUnknown::NoLanAddress));
    let (address, source) = match config.bind {
        Bind::Loopback => return Err(unknown(UrlUnknown::OnlyLoopback)),
        Bind::Lan => (lan()?, "gateway.bind=lan"),
        Bind::Tailnet => {
            let tailnet = found(Network::Tailnet).ok_or_else(|| unknown(UrlUnknown::NoTailnetAddress));
            (tailnet?, "gateway.bind=tailnet")
        }
        Bind::Custom(address) if address.is_unspecified() => (lan()?, "gateway.bind=custom"),
        Bind::Custom(address) if address.to_canonical().is_loopback() => return Err(unknown(UrlUnknown::OnlyLoopback)),
        Bind::Custom(address) => (address, "gateway.bind=custom"),
    };
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    Ok(PublicUrl { url: format!("ws://{host}:{port}"), source })
}

/// Networks of containers and virtual machines: nobody outside this machine is on them.
const INNER_INTERFACES: [&str; 4] = ["docker", "br-", "veth", "virbr"];

/// The addresses of this machine, IPv4 first because every phone's network has it. Link-local ones are left
/// out: whoever dials one has to say on which interface.
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "The network interfaces cannot be listed");
        Vec::new()
    });
    let is_inner = |name: &str| INNER_INTERFACES.iter().any(|prefix| name.starts_with(prefix));
    let outer = interfaces.iter().filter(|interface| !is_inner(&interface.name) && !interface.is_link_local());
    let mut addresses: Vec<IpAddr> = outer.map(if_addrs::Interface::ip).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Environment, Overrides};

    #[track_caller]
    fn check(settings: &Value, wish: Wish<'_>, addresses: &[&str], expected: &str) {
        let config = Config::resolve(settings, &Environment::from_pairs(&[]), &Overrides::default()).unwrap().config;
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let said = match choose(wish, &config, 18789, &addresses) {
            Ok(found) => format!("{} by {}", found.url, found.source),
            Err(refusal) => refusal.message(),
        };
        assert_eq!(said, expected);
    }

    const HOME: &[&str] = &["127.0.0.1", "203.0.113.5", "192.168.1.5", "100.101.1.2", "::1"];

    #[test]
    fn what_is_named_wins_over_what_is_found() {
        let named = Wish { public_url: Some("https://gw.example/"), ..Wish::default() };
        let remote = Wish { prefer_remote_url: true, ..Wish::default() };
        let settings = json!({
            "gateway": {"bind": "lan", "remote": {"url": "wss://remote.example"}},
            "plugins": {"entries": {"device-pair": {"config": {"publicUrl": "http://127.0.0.1:1"}}}},
        });
        check(&settings, named, HOME, "wss://gw.example by publicUrl");
        check(&settings, remote, HOME, "wss://remote.example by gateway.remote.url");
        check(&settings, Wish::default(), HOME, "ws://127.0.0.1:1 by plugins.entries.device-pair.config.publicUrl");
        check(&json!({"gateway": {"bind": "lan"}}), remote, HOME, "ws://192.168.1.5:18789 by gateway.bind=lan");
        let nonsense = Wish { public_url: Some("gw.example"), ..Wish::default() };
        let problem = "the address in publicUrl cannot be used: it is no address; write wss://HOST or https://HOST";
        check(&settings, nonsense, HOME, problem);
    }

    #[test]
    fn loopback_is_never_found() {
        let bound = |bind: &str| json!({"gateway": {"bind": bind}});
        let only_loopback = "Gateway is only bound to loopback. Set gateway.bind=lan, or configure plugins.entries.device-pair.config.publicUrl.";
        check(&bound("loopback"), Wish::default(), HOME, only_loopback);
        let custom = |host: &str| json!({"gateway": {"bind": "custom", "customBindHost": host}});
        check(&custom("127.0.0.1"), Wish::default(), HOME, only_loopback);
        check(&custom("0.0.0.0"), Wish::default(), HOME, "ws://192.168.1.5:18789 by gateway.bind=custom");
        check(&custom("fd00::7"), Wish::default(), HOME, "ws://[fd00::7]:18789 by gateway.bind=custom");
        check(&bound("tailnet"), Wish::default(), HOME, "ws://100.101.1.2:18789 by gateway.bind=tailnet");
        let lonely = &["127.0.0.1", "203.0.113.5"];
        check(&bound("lan"), Wish::default(), lonely, "gateway.bind=lan set, but no private LAN IP was found.");
        check(&bound("tailnet"), Wish::default(), lonely, "gateway.bind=tailnet set, but no tailnet IP was found.");
    }
}
