//! Where the gateway may send something when a device names the place (AT-S5-07 in the list of attacks: a name that
//! leads to this machine, to its neighbours, or to where a cloud keeps its secrets).
//!
//! **Invariant:** what is not known to be on the public internet is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet: neither this machine, nor a private network, nor one that means
/// something special (RFC 6890), nor one that hides such an address in itself.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = matches!(
        (first, second, third),
        // This network, loopback, multicast, reserved, broadcast.
        (0 | 127 | 224.., _, _)
            // Carrier-grade NAT, where tailnets live.
            | (100, 64..=127, _)
            // Protocol assignments, 6to4 relays, benchmarks, documentation.
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !(is_special || address.is_private() || address.is_link_local())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let bits = u32::from(high) << 16 | u32::from(low);
        is_public_v4(Ipv4Addr::from_bits(bits))
    };
    match (segments[0], segments[1]) {
        // Translation to IPv4 (RFC 6052): as public as what it leads to.
        (0x64, 0xff9b) => segments[2..6] == [0; 4] && embedded(segments[6], segments[7]),
        // 6to4 (RFC 3056).
        (0x2002, _) => embedded(segments[1], segments[2]),
        // Teredo and other assignments of the protocol itself (2001::/23), and documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // All that is handed out (RFC 4291 §2.4).
        (first, _) => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], expected: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_internet_is_public() {
        check(
            &["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.254"],
            true,
        );
        check(&["2a00:1450:4001:82a::200a", "2001:4860:4860::8888", "::ffff:8.8.8.8"], true);
        check(&["64:ff9b::808:808", "2002:808:808::1"], true);
    }

    #[test]
    fn this_machine_its_neighbours_and_special_addresses_are_not() {
        check(&["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1"], false);
        check(&["169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"], false);
        check(
            &["192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
            false,
        );
        check(&["::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd7a:115c:a1e0::1", "ff02::1", "2001:db8::1"], false);
    }

    #[test]
    fn an_address_in_another_one_counts() {
        check(&["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::a00:1"], false);
        check(
            &["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::1", "2002:c0a8:101::1"],
            false,
        );
        check(&["2001:0:808:808::1", "3fff::1"], false);
    }
}
