//! The way that clients take to the gateway.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use access::diagnosis::bridge_of;
use serde_json::Value;

use crate::config::{Bind, PUBLIC_URL};
use crate::doctor::Finding;
use crate::doctor::facts::{Facts, Refused, Running};
use crate::http::router::UNATTRIBUTABLE;

/// What the log calls a page without a secure context (wire.md §4.3).
const NO_DEVICE: &str = "CONTROL_UI_DEVICE_IDENTITY_REQUIRED";

pub fn docker_bridge(facts: &Facts) -> Vec<Finding> {
    let waiting = match &facts.gateway {
        Running::Answers(answer) => answer.waiting.as_slice(),
        Running::Stopped | Running::Silent { .. } | Running::Foreign { .. } => &[],
    };
    let bridged =
        waiting.iter().filter(|request| request.address.as_deref().is_some_and(|address| is_bridge(facts, address)));
    let mut fix = String::new();
    let mut evidence: Vec<String> = Vec::new();
    for request in bridged {
        evidence.push(format!("{} waits, from {}", request.name, request.address.as_deref().unwrap_or_default()));
        if fix.is_empty() {
            fix = format!("{}openclaw devices approve {}", inside(facts), request.request_id);
        }
    }
    let refused =
        facts.refused.iter().filter(|refused| refused.code == "PAIRING_REQUIRED" && is_bridge(facts, &refused.address));
    let refused: BTreeMap<&str, usize> = count(refused);
    evidence.extend(refused.iter().map(|(address, times)| format!("{address} was told to wait, {times} times lately")));
    if evidence.is_empty() {
        return Vec::new();
    }
    let why = "The gateway cannot tell the host's programs from other machines behind the bridge, so it asks about each once. \
               Approvals stay, also when the container is started again, as long as the state directory is kept.";
    let what = "Clients come over a container's bridge and look like another machine.";
    vec![if fix.is_empty() {
        let fix = "run the container with --network host, or approve each device once: openclaw devices list";
        Finding::note(what).because(why).seen(evidence).fix(fix)
    } else {
        Finding::warning(what).because(why).seen(evidence).fix(fix)
    }]
}

/// How a command gets into the container that the gateway is in.
fn inside(facts: &Facts) -> &'static str {
    if facts.machine.container.is_some() { "docker exec CONTAINER " } else { "" }
}

/// Whether an address is one that container bridges use: Docker's pools, and the one of Docker Desktop.
fn is_bridge(facts: &Facts, address: &str) -> bool {
    const DESKTOP: Ipv4Addr = Ipv4Addr::new(192, 168, 65, 0);
    const DEFAULT: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 0);
    let Some(network) = address.parse().ok().and_then(bridge_of) else { return false };
    // Outside a container the other pools may as well be somebody's own network.
    facts.machine.container.is_some() || [DESKTOP, DEFAULT].contains(&network.network())
}

pub fn container_loopback(facts: &Facts) -> Vec<Finding> {
    let bind = facts.settings.resolved.as_ref().map(|found| &found.bind);
    let (Some(mark), Some(Bind::Loopback)) = (&facts.machine.container, bind) else { return Vec::new() };
    vec![
        Finding::note("The gateway is in a container and listens on loopback.")
            .because("A published port (`-p 18789:18789`) leads to nobody; with `--network host` it is right as it is.")
            .seen([mark.clone(), "gateway.bind is loopback".to_owned()])
            .fix(CONTAINER_BIND),
    ]
}

/// What makes a gateway in a container reachable through a published port.
pub const CONTAINER_BIND: &str = "openclaw gateway run --bind lan";

pub fn untrusted_proxy(facts: &Facts) -> Vec<Finding> {
    let refused = count(facts.refused.iter().filter(|refused| refused.code == UNATTRIBUTABLE));
    let known = facts.settings.value.pointer("/gateway/trustedProxies").and_then(Value::as_array);
    let known: Vec<&str> = known.into_iter().flatten().filter_map(Value::as_str).collect();
    let (trusted, _) = access::locality::TrustedProxies::parse(known.iter().copied());
    let is_trusted = |address: &str| address.parse().is_ok_and(|address| trusted.contains(address));
    let strangers: BTreeMap<&str, usize> = refused.into_iter().filter(|(address, _)| !is_trusted(address)).collect();
    if strangers.is_empty() {
        return Vec::new();
    }
    let list: Vec<&str> = known.iter().copied().chain(strangers.keys().copied()).collect();
    let list = serde_json::to_string(&list).unwrap_or_default();
    vec![
        Finding::warning("A proxy that is not trusted passes requests on, and they are refused.")
            .because("Its forwarding headers could say anything. If it is yours, name it; if not, somebody tries to look like you.")
            .seen(strangers.iter().map(|(address, times)| format!("{address}, {times} times lately")))
            .fix(format!("openclaw config set gateway.trustedProxies '{list}'")),
    ]
}

pub fn insecure_page(facts: &Facts) -> Vec<Finding> {
    let refused = count(facts.refused.iter().filter(|refused| refused.code == NO_DEVICE));
    let port = facts.port.number;
    let fix = format!("tailscale serve {port}, or from the other machine: ssh -N -L {port}:127.0.0.1:{port} HOST");
    let why = "Browsers keep device keys only for https and for localhost; without one the gateway lets no page in.";
    if !refused.is_empty() {
        let evidence = refused.iter().map(|(address, times)| format!("{address}, {times} times lately"));
        let what = "Browsers that reached the page without https were refused.";
        return vec![Finding::warning(what).because(why).seen(evidence).fix(fix)];
    }
    let bind = match facts.settings.resolved.as_ref().map(|found| &found.bind) {
        None | Some(Bind::Loopback) => return Vec::new(),
        Some(Bind::Custom(address)) if address.is_loopback() => return Vec::new(),
        Some(bind) => bind,
    };
    let path = format!("/{}", PUBLIC_URL.replace('.', "/"));
    let public_url = facts.settings.value.pointer(&path).and_then(Value::as_str).unwrap_or_default();
    if ["https:", "wss:"].iter().any(|scheme| public_url.starts_with(scheme)) {
        return Vec::new();
    }
    vec![
        Finding::note("Other machines reach the gateway, but it has no https address.")
            .because(why)
            .seen([format!("gateway.bind is {}", bind.as_str()), format!("{PUBLIC_URL} names no https address")])
            .fix(fix),
    ]
}

pub fn wsl(facts: &Facts) -> Vec<Finding> {
    if !facts.machine.is_wsl {
        return Vec::new();
    }
    let bind = facts.settings.resolved.as_ref().map_or("loopback", |found| found.bind.as_str());
    vec![
        Finding::note("This is WSL: a browser on Windows is another machine to the gateway.")
            .because("Windows relays localhost into WSL, or reaches it at an address that changes; either way a device asks once.")
            .seen([format!("gateway.bind is {bind}")])
            .fix("open http://localhost:18789 on Windows; where that leads nowhere: wsl --update, then wsl --shutdown"),
    ]
}

fn count<'a>(refused: impl Iterator<Item = &'a Refused>) -> BTreeMap<&'a str, usize> {
    let mut times = BTreeMap::new();
    for refused in refused {
        *times.entry(refused.address.as_str()).or_default() += 1;
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::{Resolved, Waiting};
    use serde_json::json;

    fn refused(code: &str, address: &str) -> Refused {
        Refused { code: code.to_owned(), address: address.to_owned(), at_ms: healthy::NOW_MS }
    }

    #[test]
    fn clients_behind_a_bridge_are_approved_once_from_inside() {
        let check = |container: Option<&str>, address: &str, expected: Option<&str>| {
            let mut facts = healthy::facts();
            let mut answer = healthy::answer();
            let (request_id, name, address) = ("r1".to_owned(), "Chrome".to_owned(), Some(address.to_owned()));
            answer.waiting = vec![Waiting { request_id, name, address, asked_at_ms: 0 }];
            facts.gateway = Running::Answers(Box::new(answer));
            facts.machine.container = container.map(str::to_owned);
            assert_eq!(docker_bridge(&facts).first().map(|finding| finding.fix.as_str()), expected);
        };
        let approve = "openclaw devices approve r1";
        check(None, "172.17.0.2", Some(approve));
        check(None, "192.168.65.1", Some(approve));
        check(None, "172.20.0.1", None);
        check(None, "192.168.1.5", None);
        check(Some("/.dockerenv"), "172.20.0.1", Some("docker exec CONTAINER openclaw devices approve r1"));
        check(Some("/.dockerenv"), "::ffff:172.17.0.1", Some("docker exec CONTAINER openclaw devices approve r1"));
        let mut facts = healthy::facts();
        facts.refused = vec![refused("PAIRING_REQUIRED", "172.17.0.1"), refused("OTHER", "172.17.0.9")];
        let found = docker_bridge(&facts);
        assert_eq!((found[0].severity, found[0].evidence.len()), (Severity::Note, 1));
    }

    #[test]
    fn loopback_in_a_container_is_a_note_and_elsewhere_nothing() {
        let mut facts = healthy::facts();
        facts.machine.container = Some("/.dockerenv".to_owned());
        assert_eq!(container_loopback(&facts)[0].fix, CONTAINER_BIND);
        facts.settings.resolved = Some(Resolved { port: 1, bind: Bind::Lan });
        assert_eq!(container_loopback(&facts), []);
    }

    #[test]
    fn a_strange_proxy_is_offered_with_those_that_are_known() {
        let mut facts = healthy::facts();
        facts.settings.value["gateway"]["trustedProxies"] = json!(["10.0.0.0/8"]);
        facts.refused = vec![
            refused(UNATTRIBUTABLE, "172.18.0.1"),
            refused(UNATTRIBUTABLE, "172.18.0.1"),
            refused(UNATTRIBUTABLE, "10.1.1.1"),
        ];
        let found = untrusted_proxy(&facts);
        assert_eq!(found[0].evidence, ["172.18.0.1, 2 times lately"]);
        assert_eq!(found[0].fix, r#"openclaw config set gateway.trustedProxies '["10.0.0.0/8","172.18.0.1"]'"#);
        facts.refused.truncate(0);
        assert_eq!(untrusted_proxy(&facts), []);
    }

    #[test]
    fn pages_need_https_from_other_machines() {
        let mut facts = healthy::facts();
        facts.refused = vec![refused(NO_DEVICE, "192.168.1.9")];
        assert_eq!(insecure_page(&facts)[0].severity, Severity::Warning);
        facts.refused.clear();
        facts.settings.resolved = Some(Resolved { port: 1, bind: Bind::Lan });
        assert_eq!(insecure_page(&facts)[0].severity, Severity::Note);
        let plugin = json!({"entries": {"device-pair": {"config": {"publicUrl": "https://gw.example"}}}});
        facts.settings.value["plugins"] = plugin;
        assert_eq!(insecure_page(&facts), []);
    }

    #[test]
    fn wsl_is_a_note() {
        let mut facts = healthy::facts();
        facts.machine.is_wsl = true;
        assert_eq!(wsl(&facts)[0].severity, Severity::Note);
    }
}
