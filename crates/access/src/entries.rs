//! What is wrong, or dangerous, about a single entry of a list, as a person types it.
//!
//! An entry that can never match is worse than none: its author believes that it does something. One that matches
//! too much makes forwarding headers hearsay again.

use std::net::IpAddr;

use ipnet::IpNet;
use protocol::pairing::Network;

use crate::locality::{network_of, parse_network};

/// A judgement of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    Fine,
    /// It works, and lets in more than its author may think.
    Wide(String),
    /// It can never match, with what was probably meant.
    Useless {
        why: String,
        suggestion: Option<String>,
    },
}

fn useless(why: impl Into<String>, suggestion: Option<String>) -> Judged {
    Judged::Useless { why: why.into(), suggestion }
}

/// An entry of `gateway.trustedProxies`.
pub fn proxy(entry: &str) -> Judged {
    let Some(network) = parse_network(entry) else { return no_network(entry) };
    if network.prefix_len() == 0 {
        let why = "it believes every address there is, so no client could be told from a proxy; name the proxy itself";
        return useless(why, None);
    }
    match wide(network) {
        Some(addresses) => Judged::Wide(format!(
            "it believes {addresses}: whoever is at one of them can claim to come from anywhere. Name the proxy itself, \
             or the smallest network that it is in"
        )),
        None => Judged::Fine,
    }
}

/// An entry of `gateway.nodes.pairing.autoApproveCidrs`.
pub fn approved_range(entry: &str) -> Judged {
    let Some(network) = parse_network(entry) else { return no_network(entry) };
    let is_public = network_of(network.network()) == Network::Public;
    match wide(network) {
        Some(addresses) => Judged::Wide(format!("nodes from {addresses} would come in without asking anybody")),
        None if is_public => Judged::Wide("nodes from the internet would come in without asking anybody".to_owned()),
        None => Judged::Fine,
    }
}

/// How many addresses a network has, in words, where that is more than one place: an office, a container network.
fn wide(network: IpNet) -> Option<String> {
    let is_public = network_of(network.network()) == Network::Public;
    let (bits, usual) = match network {
        IpNet::V4(_) => (32, if is_public { 24 } else { 16 }),
        IpNet::V6(_) => (128, if is_public { 64 } else { 48 }),
    };
    let free = bits - network.prefix_len();
    (network.prefix_len() < usual).then(|| match 1_u64.checked_shl(u32::from(free)) {
        Some(count) => format!("{count} addresses"),
        None => format!("2^{free} addresses"),
    })
}

fn no_network(entry: &str) -> Judged {
    let entry = entry.trim();
    let why = "write an address such as 10.0.0.2 or a range such as 172.18.0.0/16";
    if entry.is_empty() {
        return useless(why, None);
    }
    let bare = entry.split_once("://").map_or(entry, |(_, rest)| rest).trim_end_matches('/');
    let suggestion = match bare.split_once('/') {
        Some((start, bits)) => {
            finished(start).zip(bits.parse::<u8>().ok()).map(|(start, bits)| format!("{start}/{bits}"))
        }
        None => wildcard(bare).or_else(|| without_port(bare)).or_else(|| named(bare)),
    };
    useless(why, suggestion.filter(|suggestion| parse_network(suggestion).is_some_and(|found| found.prefix_len() > 0)))
}

/// `10` and `172.18` with the zeros that were left out.
fn finished(start: &str) -> Option<String> {
    let mut parts: Vec<&str> = start.split('.').filter(|part| !part.is_empty()).collect();
    (parts.len() < 4).then(|| {
        parts.resize(4, "0");
        parts.join(".")
    })
}

/// `172.18.*` as a range.
fn wildcard(entry: &str) -> Option<String> {
    let fixed: Vec<&str> = entry.split('.').take_while(|part| *part != "*").collect();
    let has_star = entry.split('.').any(|part| part == "*");
    (has_star && !fixed.is_empty())
        .then(|| format!("{}/{}", finished(&fixed.join(".")).unwrap_or_default(), fixed.len() * 8))
}

fn without_port(entry: &str) -> Option<String> {
    let (address, port) = entry.rsplit_once(':')?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    port.parse::<u16>().ok()?;
    address.parse::<IpAddr>().ok().map(|address| address.to_string())
}

fn named(entry: &str) -> Option<String> {
    let is_this_machine = ["localhost", "loopback"].iter().any(|name| entry.eq_ignore_ascii_case(name));
    is_this_machine.then(|| "127.0.0.1".to_owned())
}

/// An entry of `gateway.controlUi.allowedOrigins`. Browsers name a page as `scheme://host[:port]`, without the usual
/// port, and that is what it is compared with.
pub fn origin(entry: &str) -> Judged {
    let text = entry.trim().to_ascii_lowercase();
    if text == "*" {
        return Judged::Wide("every page on the internet that your browser opens may talk to the gateway".to_owned());
    }
    let shape = "write it as the browser names the page: https://gateway.example.com, without a path";
    if text.is_empty() || text.contains(char::is_whitespace) {
        return useless(shape, None);
    }
    if !text.is_ascii() {
        return useless("browsers name this page in Latin letters (xn--…); copy the name from there", None);
    }
    let (scheme, rest) = match text.split_once("://") {
        Some(("ws", rest)) => ("http", rest),
        Some(("wss", rest)) => ("https", rest),
        Some((scheme, rest)) => (scheme, rest),
        None => ("https", text.as_str()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let usual = match scheme {
        "https" => Some(":443"),
        "http" => Some(":80"),
        _ => None,
    };
    let host = usual.and_then(|port| host.strip_suffix(port)).unwrap_or(host);
    let meant = format!("{scheme}://{host}");
    if host.is_empty() {
        return useless(shape, None);
    }
    if host.contains('*') {
        return useless("only whole names count; write each page as an entry of its own", None);
    }
    if meant == text { Judged::Fine } else { useless(shape, Some(meant)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_wide(judged: &Judged) {
        assert!(matches!(judged, Judged::Wide(_)), "{judged:?}");
    }

    #[track_caller]
    fn meant(judged: Judged, expected: Option<&str>) {
        match judged {
            Judged::Useless { suggestion, .. } => assert_eq!(suggestion.as_deref(), expected),
            Judged::Fine | Judged::Wide(_) => panic!("{judged:?}"),
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network_that_somebody_knows() {
        for fine in [
            "10.0.0.2",
            " 127.0.0.1 ",
            "172.18.0.0/16",
            "192.168.1.1/24",
            "::1",
            "fd12:3456:789a::/48",
            "203.0.113.0/24",
        ] {
            assert_eq!(proxy(fine), Judged::Fine, "{fine}");
        }
        for wide in
            ["10.0.0.0/8", "172.16.0.0/12", "203.0.113.0/20", "fd00::/8", "2001:db8::/32", "::ffff:10.0.0.0/104"]
        {
            is_wide(&proxy(wide));
        }
    }

    #[test]
    fn what_can_never_match_says_what_was_probably_meant() {
        meant(proxy("10/8"), Some("10.0.0.0/8"));
        meant(proxy("172.18/16"), Some("172.18.0.0/16"));
        meant(proxy("172.18.*"), Some("172.18.0.0/16"));
        meant(proxy("10.0.0.2:8080"), Some("10.0.0.2"));
        meant(proxy("http://[fd00::2]:80"), Some("fd00::2"));
        meant(proxy("localhost"), Some("127.0.0.1"));
        for nothing in ["", "*", "*.*", "nginx", "10.0.0.1-10.0.0.9", "10.0.0.0/33", "0.0.0.0/0", "::/0"] {
            meant(proxy(nothing), None);
        }
    }

    #[test]
    fn nodes_of_the_internet_do_not_come_in_unnoticed() {
        assert_eq!(approved_range("192.168.7.0/24"), Judged::Fine);
        is_wide(&approved_range("203.0.113.7"));
        is_wide(&approved_range("0.0.0.0/0"));
        meant(approved_range("192.168.7"), None);
    }

    #[test]
    fn a_page_is_named_as_browsers_name_it() {
        for fine in
            ["https://gateway.example.com", "http://h:8080", " HTTPS://Gateway.Example.com ", "chrome-extension://abc"]
        {
            assert_eq!(origin(fine), Judged::Fine, "{fine}");
        }
        is_wide(&origin("*"));
        meant(origin("bam.example"), Some("https://bam.example"));
        meant(origin("https://bam.example/"), Some("https://bam.example"));
        meant(origin("https://bam.example:443"), Some("https://bam.example"));
        meant(origin("http://h:80/ui?x#y"), Some("http://h"));
        meant(origin("wss://user@bam.example:8443"), Some("https://bam.example:8443"));
        for nothing in ["", "https://", "https://*.example.com", "https://bücher.example", "https://a b"] {
            meant(origin(nothing), None);
        }
    }
}
