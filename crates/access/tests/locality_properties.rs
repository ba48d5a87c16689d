//! What must hold for every peer and every header.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use access::locality::{Forwarded, TrustedProxies, resolve};
use proptest::prelude::*;
use protocol::pairing::Network;

/// How far away, as a number that grows with the distance. Nobody we cannot name comes last.
fn distance(peer: &str, chain: Option<&str>, trusted: &[&str]) -> u8 {
    let (trusted, _) = TrustedProxies::parse(trusted.iter().copied());
    let headers = Forwarded::collect(chain.map(|chain| ("x-forwarded-for", chain)));
    match resolve(peer.parse().unwrap(), &headers, &trusted, false).map(|found| found.network()) {
        Ok(Network::ThisMachine) => 0,
        Ok(Network::Lan) => 1,
        Ok(Network::Tailnet) => 2,
        Ok(Network::Public) => 3,
        Err(_) => 4,
    }
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("127.0.0.1".to_owned()),
        Just("::1".to_owned()),
        Just("::ffff:127.0.0.1".to_owned()),
        Just("unknown".to_owned()),
        any::<[u8; 4]>().prop_map(|a| format!("{}.{}.{}.{}", a[0], a[1], a[2], a[3])),
        any::<[u8; 2]>().prop_map(|a| format!("192.168.{}.{}:80", a[0], a[1])),
    ]
}

proptest! {
    #[test]
    fn headers_from_an_untrusted_peer_never_make_it_more_local(
        peer in any::<[u8; 4]>(),
        chain in prop::collection::vec(address(), 1..6),
    ) {
        let peer = std::net::Ipv4Addr::from(peer).to_string();
        prop_assume!(peer != "10.0.0.2");
        let alone = distance(&peer, None, &["10.0.0.2"]);
        let with_headers = distance(&peer, Some(&chain.join(", ")), &["10.0.0.2"]);
        prop_assert!(with_headers >= alone);
    }

    #[test]
    fn hops_left_of_the_one_that_counts_change_nothing(chain in prop::collection::vec(address(), 0..6)) {
        let mut hops = chain;
        hops.push("203.0.113.9".to_owned());
        prop_assert_eq!(distance("10.0.0.2", Some(&hops.join(", ")), &["10.0.0.2"]), 3);
    }

    #[test]
    fn a_forwarded_client_is_never_this_machine(chain in prop::collection::vec(address(), 0..6)) {
        prop_assert!(distance("10.0.0.2", Some(&chain.join(", ")), &["10.0.0.2"]) > 0);
        prop_assert!(distance("127.0.0.1", Some(&chain.join(", ")), &["127.0.0.1"]) > 0);
    }
}
