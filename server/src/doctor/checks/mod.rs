//! What the doctor knows to be wrong: pure functions from facts to findings, one row each.

mod certificates;
mod clock;
mod files;
mod gateway;
mod identities;
mod network;
mod other_settings;
mod secrets;
mod service;
mod settings;
mod store;
mod waiting;

pub use network::CONTAINER_BIND;

#[cfg(test)]
pub mod healthy;

use super::{Facts, Finding};

/// A check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What its findings are called.
    pub id: &'static str,
    /// What is wrong when it finds something, for docs/doctor.md.
    pub finds: &'static str,
    /// What `--fix` does about it; empty where a person has to decide.
    pub repair: &'static str,
    run: fn(&Facts) -> Vec<Finding>,
}

const fn check(id: &'static str, finds: &'static str, repair: &'static str, run: fn(&Facts) -> Vec<Finding>) -> Check {
    Check { id, finds, repair, run }
}

/// All of them, in the order in which repairs make sense: files first, because everything else needs them.
pub const CHECKS: &[Check] = &[
    check(
        "state-owner",
        "The state directory or something in it belongs to another user, as after `sudo` or with a bind mount.",
        "Run as root: gives it back to its user. Otherwise it names the `chown` command.",
        files::owner,
    ),
    check(
        "state-mode",
        "Other users of this machine can read the settings, keys or pairings.",
        "Takes their permissions away.",
        files::modes,
    ),
    check("settings-unreadable", "The settings file cannot be read, or is not JSON5.", "", settings::unreadable),
    check("settings-invalid", "A setting has a value that makes no sense.", "", settings::invalid),
    check("settings-odd", "A setting is ignored, or can never have an effect.", "", settings::odd),
    check(
        "other-settings",
        "Settings stand in a file that guides name, but no gateway reads: `openclaw.config.json`, `gateway.yaml`.",
        "Copies settings that are known and not set yet; those that let more people in are left to you.",
        other_settings::other,
    ),
    check(
        "pairing-switches",
        "A setting is not obeyed here, such as the switches that guides use against pairing: \
         `pairingRequired: false`, `allowInsecureAuth`, `silent`.",
        "",
        other_settings::switches,
    ),
    check(
        "identity-damaged",
        "A key file is damaged: its device id is not that of its key, or it is no key file.",
        "Moves it aside; a new key is made when it is needed, and asks for approval.",
        identities::damaged,
    ),
    check(
        "identity-stale",
        "A stored device token is for another key than the one beside it, or for a device that the gateway does not know.",
        "Moves OpenClaw's stored tokens aside where they belong to another key.",
        identities::stale,
    ),
    check(
        "store-unreadable",
        "The pairing store is damaged.",
        "While no gateway runs: moves it to `quarantine/` and puts the last good copy in its place.",
        store::unreadable,
    ),
    check("store-rows", "Single devices, tokens or requests in the store cannot be read.", "", store::rows),
    check(
        "openclaw-state",
        "OpenClaw's own state lies in the same directory, and its devices are not known here or cannot be read.",
        "Takes them over, as `openclaw migrate`; its files stay as they are. Only once: what was removed here later \
         stays away.",
        store::openclaw,
    ),
    check(
        "token-drift",
        "The token or password differs between the settings, the environment, the service and `gateway.remote`.",
        "Makes `gateway.remote` say what the gateway on this machine accepts.",
        secrets::drift,
    ),
    check(
        "service-unit",
        "The service starts a program that is gone or another one, or its unit holds a secret.",
        "",
        service::unit,
    ),
    check("port-taken", "Another program is at the gateway's port; it is named.", "", gateway::port),
    check(
        "gateway-down",
        "The gateway does not run, does not answer, or belongs to another user.",
        "Starts its service, where one is installed.",
        gateway::down,
    ),
    check(
        "clock-skew",
        "The clocks of the gateway, this machine and its files differ by more than two minutes.",
        "",
        clock::skew,
    ),
    check(
        "requests-unseen",
        "Devices wait for approval, and nobody is connected who could see them.",
        "",
        waiting::unseen,
    ),
    check(
        "docker-bridge",
        "Clients come through a container's bridge, so programs of the host look like another machine.",
        "",
        network::docker_bridge,
    ),
    check(
        "container-loopback",
        "The gateway is in a container and listens on loopback, so published ports do not reach it.",
        "",
        network::container_loopback,
    ),
    check(
        "untrusted-proxy",
        "Requests were refused because a proxy that is not in `gateway.trustedProxies` passed them on.",
        "",
        network::untrusted_proxy,
    ),
    check(
        "insecure-page",
        "Browsers on other machines reach the page without https, where they cannot keep a device key.",
        "",
        network::insecure_page,
    ),
    check("wsl", "The gateway is in WSL, and Windows reaches it as another machine.", "", network::wsl),
    check("certificate", "A certificate has expired, is about to, or cannot be read.", "", certificates::expiry),
];

/// Everything that is wrong, in the order of the table.
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let run = |check: &Check| -> Vec<Finding> {
        let id = check.id;
        (check.run)(facts).into_iter().map(|finding| Finding { id, ..finding }).collect()
    };
    CHECKS.iter().flat_map(run).collect()
}

/// The table of docs/doctor.md.
pub fn table() -> String {
    let mut table = "| check | finds | `--fix` |\n|---|---|---|\n".to_owned();
    for Check { id, finds, repair, run: _ } in CHECKS {
        let repair = if repair.is_empty() { "Says what to run." } else { repair };
        let row = format!("| `{id}` | {finds} | {repair} |\n");
        table.push_str(&row);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_healthy_machine_has_no_findings() {
        assert_eq!(examine(&healthy::facts()), []);
    }

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(names.len(), CHECKS.len());
    }

    #[test]
    fn the_table_in_the_docs_is_this_one() {
        let docs = include_str!("../../../../docs/doctor.md");
        assert!(docs.contains(&table()), "docs/doctor.md is out of date; this belongs there:\n{}", table());
    }
}
