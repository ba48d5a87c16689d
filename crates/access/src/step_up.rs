//! What takes one of the owner's passkeys, besides the right to do it.
//!
//! A session can be stolen, and a click can be made in a hurry; a passkey takes the person and the authenticator. So it
//! is asked for where somebody becomes an admin from the internet (`gateway.stepUp`), and for whatever would get around
//! that: the secret and codes with admin rights, which work for whoever has them wherever that is, the settings that
//! decide who is believed to be near, and the passkeys themselves.
//!
//! **Invariant:** nobody is locked out by a default. While no passkey is registered, only `always` asks for one: whoever
//! holds an admin's session could register one with that same session, so a refusal would cost the owner a way in and an
//! attacker nothing. The owner of the machine is never asked; the owner socket is the way back when a passkey is lost.

use std::net::IpAddr;

use protocol::Scopes;
use protocol::method::STEP_UP_LIFETIME_MS;
use protocol::pairing::Network;
use protocol::refusal::StepUpRefusal;
use protocol::role::ADMIN;

use crate::origin::hostname;
use crate::policy::StepUp;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Letting a device in that asks from there, with these scopes.
    Approve {
        scopes: &'a Scopes,
        from: Network,
    },
    /// Making a code that gives these scopes. Who will show it, and where, nobody knows.
    MakeCode {
        scopes: &'a Scopes,
    },
    /// Looking at the secret, with which anybody may ask from anywhere.
    ShowSecret,
    /// Changing these settings.
    ChangeSettings {
        paths: &'a [String],
    },
    AddPasskey,
    RemovePasskey,
}

/// Who wants it.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The owner of the state directory, over the owner socket.
    pub is_owner: bool,
    /// The origin of its page, if it is one. Admission has accepted it.
    pub page: Option<&'a str>,
}

/// What is known besides.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The hosts of the passkeys that are registered, one for each.
    pub hosts: &'a [String],
    /// When the asker's connection last proved that the owner is there, for this very thing.
    pub proved_at_ms: Option<u64>,
    pub now_ms: u64,
}

/// Whether a passkey has to be shown first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    NotNeeded,
    Needed,
    /// It would have to be, and cannot; the refusal says why and what to do.
    Impossible(StepUpRefusal),
}

/// Settings that decide who gets in, or who is believed to be near: whoever changes them gets around the rest.
const GUARDED: [&str; 6] = [
    "gateway.stepUp",
    "gateway.auth.mode",
    "gateway.auth.token",
    "gateway.auth.password",
    "gateway.trustedProxies",
    "gateway.allowRealIpFallback",
];

/// Decides whether this takes a passkey now.
pub fn decide(policy: StepUp, act: Act<'_>, asker: Asker<'_>, known: Known<'_>) -> Verdict {
    if asker.is_owner || !concerns(policy, act) {
        return Verdict::NotNeeded;
    }
    if known.hosts.is_empty() {
        // The first passkey is what the refusal asks for.
        return match (policy, act) {
            (StepUp::Off | StepUp::PublicAdmin, _) | (StepUp::Always, Act::AddPasskey) => Verdict::NotNeeded,
            (StepUp::Always, _) => Verdict::Impossible(StepUpRefusal::NoPasskey),
        };
    }
    let is_fresh = |at_ms: u64| at_ms <= known.now_ms && known.now_ms - at_ms < STEP_UP_LIFETIME_MS;
    if known.proved_at_ms.is_some_and(is_fresh) {
        return Verdict::NotNeeded;
    }
    let Some(page) = asker.page else { return Verdict::Impossible(StepUpRefusal::NotAPage) };
    let is_usable = passkey_host(page).is_some_and(|host| known.hosts.contains(&host));
    if is_usable { Verdict::Needed } else { Verdict::Impossible(elsewhere(known.hosts.iter().cloned())) }
}

/// That the passkeys are for these hosts, and not for the page that asks.
pub fn elsewhere(hosts: impl IntoIterator<Item = String>) -> StepUpRefusal {
    let mut hosts: Vec<String> = hosts.into_iter().collect();
    hosts.sort();
    hosts.dedup();
    StepUpRefusal::OtherAddress { hosts }
}

/// Whether this policy cares about it, once there is a passkey.
pub fn concerns(policy: StepUp, act: Act<'_>) -> bool {
    match (policy, act) {
        (StepUp::Off, _) => false,
        (_, Act::ChangeSettings { paths }) => paths.iter().any(|path| is_guarded(path)),
        (StepUp::Always, _) | (StepUp::PublicAdmin, Act::ShowSecret | Act::AddPasskey | Act::RemovePasskey) => true,
        (StepUp::PublicAdmin, Act::Approve { scopes, from }) => from == Network::Public && scopes.contains(ADMIN),
        (StepUp::PublicAdmin, Act::MakeCode { scopes }) => scopes.contains(ADMIN),
    }
}

/// A whole group that is replaced holds what it holds.
fn is_guarded(path: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    path.is_empty() || GUARDED.iter().any(|guarded| within(path, guarded) || within(guarded, path))
}

/// The host name that passkeys of a page are for (`WebAuthn`'s RP ID), if its address can have any: a name, not an address
/// in numbers, over HTTPS or on this machine.
pub fn passkey_host(page: &str) -> Option<String> {
    let page = page.to_ascii_lowercase();
    let (scheme, rest) = page.split_once("://")?;
    let host = hostname(rest.strip_suffix('/').unwrap_or(rest));
    let is_here = host == "localhost" || host.ends_with(".localhost");
    let is_secure = scheme == "https" || (scheme == "http" && is_here);
    // What ends in digits is an address to browsers, however it is written.
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = host.parse::<IpAddr>().is_ok() || last.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    (is_secure && is_name && !is_number).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;
    const PAGE: &str = "https://gw.example.com";

    fn admin() -> Scopes {
        Scopes::from([ADMIN])
    }

    fn reader() -> Scopes {
        Scopes::from(["operator.read"])
    }

    fn verdict(policy: StepUp, act: Act<'_>, page: Option<&str>, hosts: &[&str], proved_at_ms: Option<u64>) -> String {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let known = Known { hosts: &hosts, proved_at_ms, now_ms: NOW };
        match decide(policy, act, Asker { is_owner: false, page }, known) {
            Verdict::NotNeeded => "no".to_owned(),
            Verdict::Needed => "needed".to_owned(),
            Verdict::Impossible(refusal) => protocol::Refusal::StepUp(refusal).message(),
        }
    }

    #[test]
    fn what_takes_a_passkey_once_there_is_one() {
        let (admin, reader) = (admin(), reader());
        let (step_up, other) = (["gateway.stepUp".to_owned()], ["gateway.pairing.knock".to_owned()]);
        let acts = [
            (
                "admin from the internet",
                Act::Approve { scopes: &admin, from: Network::Public },
                ["no", "needed", "needed"],
            ),
            ("admin from the LAN", Act::Approve { scopes: &admin, from: Network::Lan }, ["no", "no", "needed"]),
            ("admin from the tailnet", Act::Approve { scopes: &admin, from: Network::Tailnet }, ["no", "no", "needed"]),
            ("admin from here", Act::Approve { scopes: &admin, from: Network::ThisMachine }, ["no", "no", "needed"]),
            (
                "reading from the internet",
                Act::Approve { scopes: &reader, from: Network::Public },
                ["no", "no", "needed"],
            ),
            ("a code for an admin", Act::MakeCode { scopes: &admin }, ["no", "needed", "needed"]),
            ("a code for less", Act::MakeCode { scopes: &reader }, ["no", "no", "needed"]),
            ("the secret", Act::ShowSecret, ["no", "needed", "needed"]),
            ("who is believed", Act::ChangeSettings { paths: &step_up }, ["no", "needed", "needed"]),
            ("another setting", Act::ChangeSettings { paths: &other }, ["no", "no", "no"]),
            ("another passkey", Act::AddPasskey, ["no", "needed", "needed"]),
            ("one passkey less", Act::RemovePasskey, ["no", "needed", "needed"]),
        ];
        for (what, act, expected) in acts {
            for (policy, expected) in [StepUp::Off, StepUp::PublicAdmin, StepUp::Always].into_iter().zip(expected) {
                assert_eq!(verdict(policy, act, Some(PAGE), &["gw.example.com"], None), expected, "{what}, {policy:?}");
            }
        }
    }

    #[test]
    fn without_a_passkey_only_always_says_no_and_never_to_the_first_one() {
        let admin = admin();
        let approve = Act::Approve { scopes: &admin, from: Network::Public };
        for act in [approve, Act::ShowSecret, Act::MakeCode { scopes: &admin }, Act::AddPasskey] {
            assert_eq!(verdict(StepUp::PublicAdmin, act, Some(PAGE), &[], None), "no");
            assert_eq!(verdict(StepUp::PublicAdmin, act, None, &[], None), "no");
        }
        let none = "passkey required, and none is registered";
        assert_eq!(verdict(StepUp::Always, approve, Some(PAGE), &[], None), none);
        assert_eq!(verdict(StepUp::Always, Act::ShowSecret, None, &[], None), none);
        assert_eq!(verdict(StepUp::Always, Act::AddPasskey, Some(PAGE), &[], None), "no");
    }

    #[test]
    fn who_cannot_show_one_is_told_where_it_can_be_shown() {
        let hosts = ["gw.example.com", "gw.tail.ts.net", "gw.example.com"];
        let asked = |page| verdict(StepUp::PublicAdmin, Act::ShowSecret, page, &hosts, None);
        assert_eq!(asked(None), "passkey required, which only the Control UI can show");
        let elsewhere = "passkey required, which works only at: gw.example.com, gw.tail.ts.net";
        for page in
            ["http://127.0.0.1:18789", "http://localhost:18789", "https://evil.gw.example.com", "http://gw.example.com"]
        {
            assert_eq!(asked(Some(page)), elsewhere, "{page}");
        }
        assert_eq!(asked(Some("https://GW.example.com:8443")), "needed");
    }

    #[test]
    fn a_proof_counts_for_two_minutes() {
        let asked = |at_ms| verdict(StepUp::PublicAdmin, Act::ShowSecret, Some(PAGE), &["gw.example.com"], Some(at_ms));
        assert_eq!(asked(NOW), "no");
        assert_eq!(asked(NOW - STEP_UP_LIFETIME_MS + 1), "no");
        assert_eq!(asked(NOW - STEP_UP_LIFETIME_MS), "needed");
        assert_eq!(asked(NOW + 1), "needed", "a clock that was set back proves nothing");
    }

    #[test]
    fn the_owner_of_the_machine_is_never_asked() {
        let known = Known { hosts: &["gw.example.com".to_owned()], proved_at_ms: None, now_ms: NOW };
        for policy in [StepUp::PublicAdmin, StepUp::Always] {
            let owner = Asker { is_owner: true, page: None };
            assert_eq!(decide(policy, Act::RemovePasskey, owner, known), Verdict::NotNeeded);
        }
    }

    #[test]
    fn a_group_that_is_replaced_holds_what_is_in_it() {
        for path in
            ["gateway", "gateway.auth", "gateway.auth.token", "gateway.trustedProxies", "gateway.trustedProxies[0]", ""]
        {
            assert!(is_guarded(path), "{path}");
        }
        for path in ["gateway.auth.rateLimit.maxAttempts", "gateway.port", "gateway.stepUpper", "logging"] {
            assert!(!is_guarded(path), "{path}");
        }
    }

    #[test]
    fn a_passkey_is_for_a_name_over_https_or_for_this_machine() {
        for (page, host) in [
            ("https://gw.example.com", Some("gw.example.com")),
            ("https://gw.tail1234.ts.net:8443/", Some("gw.tail1234.ts.net")),
            ("http://localhost:18789", Some("localhost")),
            ("http://gw.localhost", Some("gw.localhost")),
            ("https://gateway", Some("gateway")),
            ("http://gw.example.com", None),
            ("https://192.0.2.7", None),
            ("https://[2001:db8::1]:8443", None),
            ("http://127.0.0.1:18789", None),
            ("https://0x7f.1", None),
            ("https://", None),
            ("null", None),
        ] {
            assert_eq!(passkey_host(page).as_deref(), host, "{page}");
        }
    }
}
