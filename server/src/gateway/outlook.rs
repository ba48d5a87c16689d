//! What a one-time code would lead to, before one is made: who could not come in by the address in it, and what to
//! change.

use std::net::IpAddr;

use access::locality::network_of;
use protocol::Refusal;
use protocol::operations::{Reach, SetupConcern, SetupOutlook, ShutOut};
use protocol::pairing::Network;
use protocol::setup_code::is_loopback_url;
use url::{Host, Url};

use super::exposure;
use super::public_url::{self, PublicUrl, Wish};
use crate::config::PUBLIC_URL;
use crate::state::AppState;

/// The address that a code would hold now, and what is to be said against it.
pub fn outlook(state: &AppState) -> SetupOutlook {
    let wish = Wish { tailscale: state.exposed.get(), ..Wish::default() };
    let chosen = public_url::choose(wish, &state.config(), state.port, &public_url::own_addresses());
    judge(chosen.as_ref(), &exposure::reachable(state))
}

fn judge(chosen: Result<&PublicUrl, &Refusal>, reach: &[Reach]) -> SetupOutlook {
    let url = match chosen {
        Ok(PublicUrl { url, .. }) => url,
        Err(refusal) => {
            let advice = refusal.advice();
            let concern = SetupConcern {
                shuts_out: ShutOut::Everyone,
                sentence: advice.sentence.to_owned(),
                next_step: advice.next_step.to_owned(),
            };
            return SetupOutlook { url: None, concerns: vec![concern] };
        }
    };
    SetupOutlook { url: Some(url.clone()), concerns: concerns(url, reach) }
}

fn concerns(url: &str, reach: &[Reach]) -> Vec<SetupConcern> {
    let concern = |shuts_out, sentence: String, next_step: String| SetupConcern { shuts_out, sentence, next_step };
    let is_encrypted = url.starts_with("wss:");
    let secure = format!(
        "Give the gateway an https address, with `tailscale serve` or a reverse proxy, and name it in `{PUBLIC_URL}`."
    );
    if is_loopback_url(url) {
        let told = format!("`{url}` leads every device to itself: the code works on the gateway's machine only.");
        return vec![concern(ShutOut::Everyone, told, format!("Name an address that others reach in `{PUBLIC_URL}`."))];
    }
    let host = Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    let network = host.as_ref().and_then(network);
    let comes_from = |network: Network| reach.iter().any(|reach| reach.network == network);
    let mut concerns = Vec::new();
    // A public address may belong to a router that passes on, and an encrypted one to a proxy.
    let is_near = |network: &Network| matches!(network, Network::Lan | Network::Tailnet);
    if let Some(unheard) = network.filter(|network| !is_encrypted && is_near(network) && !comes_from(*network)) {
        let told =
            format!("This gateway does not listen at `{url}`: nobody from your {} gets through.", words(unheard));
        let next = "Let it listen there with `openclaw config set gateway.bind lan` and a restart, or name another \
                    address in `plugins.entries.device-pair.config.publicUrl`.";
        concerns.push(concern(ShutOut::Everyone, told, next.to_owned()));
    }
    if !is_encrypted {
        let told = format!(
            "`{url}` is not encrypted. A phone's browser gets no key of its own there and cannot come in; an app can, \
             with limited rights, because others could listen."
        );
        concerns.push(concern(ShutOut::Browsers, told, secure));
    }
    if let Some(near) =
        network.filter(|near| is_near(near) && !(is_tailnet_name(host.as_ref()) && comes_from(Network::Public)))
    {
        let told = format!("Only devices in your {} reach `{url}`.", words(near));
        let next = "For devices elsewhere, give it a public address, with `tailscale funnel` or a reverse proxy.";
        concerns.push(concern(ShutOut::Elsewhere, told, next.to_owned()));
    }
    concerns
}

/// Where an address is, as far as it says so itself.
fn network(host: &Host<String>) -> Option<Network> {
    match host {
        Host::Ipv4(address) => Some(network_of(IpAddr::V4(*address))),
        Host::Ipv6(address) => Some(network_of(IpAddr::V6(*address))),
        Host::Domain(name) if name.ends_with(".ts.net") => Some(Network::Tailnet),
        Host::Domain(name) if name.rsplit('.').next() == Some("local") => Some(Network::Lan),
        Host::Domain(_) => None,
    }
}

/// Such a name may also be open to everyone.
fn is_tailnet_name(host: Option<&Host<String>>) -> bool {
    matches!(host, Some(Host::Domain(name)) if name.ends_with(".ts.net"))
}

fn words(network: Network) -> &'static str {
    match network {
        Network::Tailnet => "tailnet",
        Network::ThisMachine | Network::Lan | Network::Public => "network",
    }
}

#[cfg(test)]
mod tests {
    use protocol::refusal::{SetupRefusal, UrlUnknown};

    use super::*;

    #[track_caller]
    fn check(url: &str, from: &[Network], expected: &[ShutOut]) {
        let reach: Vec<Reach> = from.iter().map(|network| Reach { network: *network, how: String::new() }).collect();
        let found = judge(Ok(&PublicUrl { url: url.to_owned(), source: "publicUrl" }), &reach);
        let told: Vec<ShutOut> = found.concerns.iter().map(|concern| concern.shuts_out).collect();
        assert_eq!((told.as_slice(), found.url.as_deref()), (expected, Some(url)));
    }

    #[test]
    fn it_tells_who_could_not_come_in_by_an_address() {
        use Network::{Lan, Public, Tailnet, ThisMachine};
        use ShutOut::{Browsers, Elsewhere, Everyone};
        let home: &[Network] = &[ThisMachine, Lan];
        check("ws://127.0.0.1:18789", home, &[Everyone]);
        check("wss://localhost:8443", home, &[Everyone]);
        check("ws://192.168.1.5:18789", home, &[Browsers, Elsewhere]);
        check("ws://192.168.1.5:18789", &[ThisMachine], &[Everyone, Browsers, Elsewhere]);
        check("ws://100.101.1.2:18789", home, &[Everyone, Browsers, Elsewhere]);
        check("ws://203.0.113.7:18789", home, &[Browsers]);
        check("wss://192.168.1.5", &[ThisMachine], &[Elsewhere]);
        check("wss://box.local", home, &[Elsewhere]);
        check("wss://a.ts.net", &[ThisMachine, Tailnet], &[Elsewhere]);
        check("wss://a.ts.net", &[ThisMachine, Public], &[]);
        check("wss://claw.example", &[ThisMachine], &[]);
        check("ws://claw.example", &[ThisMachine], &[Browsers]);
    }

    #[test]
    fn an_address_that_is_not_known_is_told_as_it_would_be_refused() {
        let refusal = Refusal::Setup(SetupRefusal::NoReachableUrl { cause: UrlUnknown::OnlyLoopback });
        let found = judge(Err(&refusal), &[]);
        assert_eq!((found.url, found.concerns[0].shuts_out), (None, ShutOut::Everyone));
        assert_eq!(found.concerns[0].next_step, refusal.advice().next_step);
    }

    #[test]
    fn every_concern_says_what_to_change() {
        for url in ["ws://127.0.0.1:1", "ws://192.168.1.5:1", "wss://box.local"] {
            for concern in concerns(url, &[]) {
                assert!(concern.sentence.contains(url) && !concern.next_step.is_empty(), "{concern:?}");
            }
        }
    }
}
