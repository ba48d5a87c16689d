//! From where the gateway can be reached, as far as this machine can know.

use std::net::IpAddr;

use access::locality::network_of;
use protocol::operations::Reach;
use protocol::pairing::Network;

use crate::config::Bind;
use crate::config::tailscale::TailscaleMode;
use crate::state::AppState;

/// What decides about it.
#[derive(Debug, Clone)]
struct Facts<'a> {
    bind: &'a Bind,
    /// Every address of this machine.
    addresses: &'a [IpAddr],
    tailscale: Option<(TailscaleMode, &'a str)>,
    /// A trusted proxy on another machine, if there is one.
    proxy: Option<&'a str>,
}

/// From where the gateway can be reached now, the nearest first; each network once.
pub fn reachable(state: &AppState) -> Vec<Reach> {
    let config = state.config();
    let addresses: Vec<IpAddr> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    let tailscale = state.exposed.get().map(|exposed| (exposed.mode(), exposed.url.as_str()));
    let mut proxies = config.policy.trusted_proxies.networks().iter();
    let proxy = proxies.find(|network| !network.addr().is_loopback()).map(ToString::to_string);
    reach(&Facts { bind: &config.bind, addresses: &addresses, tailscale, proxy: proxy.as_deref() })
}

fn reach(facts: &Facts<'_>) -> Vec<Reach> {
    let mut found: Vec<Reach> = Vec::new();
    let mut add = |network: Network, how: String| {
        if !found.iter().any(|known| known.network == network) {
            found.push(Reach { network, how });
        }
    };
    add(Network::ThisMachine, "it listens on 127.0.0.1".to_owned());
    for address in facts.addresses.iter().map(IpAddr::to_canonical).filter(|address| is_bound(facts.bind, *address)) {
        // An address that needs no router does not leave the cable, whoever owns it.
        if !is_link_local(address) {
            add(network_of(address), format!("it listens on {address}"));
        }
    }
    match facts.tailscale {
        Some((TailscaleMode::Serve, url)) => add(Network::Tailnet, format!("Tailscale leads here from {url}")),
        Some((TailscaleMode::Funnel, url)) => add(Network::Public, format!("Tailscale leads everyone here from {url}")),
        Some((TailscaleMode::Off, _)) | None => {}
    }
    // Where a proxy listens is its own business; that its owner trusts it says that there is one.
    if let Some(proxy) = facts.proxy {
        add(Network::Lan, format!("the trusted proxy {proxy} passes requests on"));
    }
    found.sort_by_key(|reach| match reach.network {
        Network::ThisMachine => 0,
        Network::Lan => 1,
        Network::Tailnet => 2,
        Network::Public => 3,
    });
    found
}

fn is_bound(bind: &Bind, address: IpAddr) -> bool {
    match bind {
        Bind::Loopback => address.is_loopback(),
        Bind::Lan => true,
        Bind::Tailnet => address.is_loopback() || network_of(address) == Network::Tailnet,
        Bind::Custom(custom) => custom.is_unspecified() || custom.to_canonical() == address,
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bind: &Bind, tailscale: Option<(TailscaleMode, &str)>, proxy: Option<&str>, expected: &[Network]) {
        let addresses =
            ["127.0.0.1", "192.168.1.5", "100.101.1.1", "203.0.113.7", "fe80::1"].map(|text| text.parse().unwrap());
        let found = reach(&Facts { bind, addresses: &addresses, tailscale, proxy });
        assert_eq!(found.iter().map(|reach| reach.network).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_bound_and_what_leads_here_says_who_can_come() {
        use Network::{Lan, Public, Tailnet, ThisMachine};
        check(&Bind::Loopback, None, None, &[ThisMachine]);
        check(&Bind::Loopback, None, Some("172.18.0.0/16"), &[ThisMachine, Lan]);
        check(&Bind::Loopback, Some((TailscaleMode::Serve, "https://a.ts.net")), None, &[ThisMachine, Tailnet]);
        check(&Bind::Loopback, Some((TailscaleMode::Funnel, "https://a.ts.net")), None, &[ThisMachine, Public]);
        check(&Bind::Tailnet, None, None, &[ThisMachine, Tailnet]);
        check(&Bind::Lan, None, None, &[ThisMachine, Lan, Tailnet, Public]);
        check(&Bind::Custom("192.168.1.5".parse().unwrap()), None, None, &[ThisMachine, Lan]);
    }
}
