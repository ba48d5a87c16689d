//! Who passed requests on lately: proxies that are trusted, and those that behave like one.
//!
//! Kept in memory, for as long as the gateway runs and a day at most. It decides nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::locality::{TrustedProxies, parse_network};
use ipnet::Ipv4Net;
use protocol::settings::{PassedOn, Proxies};

/// How many addresses are remembered; beyond that the one that was quiet for longest is forgotten.
const MAX_ADDRESSES: usize = 256;

/// How many clients of each are remembered.
const MAX_CLIENTS: usize = 5;

/// What is longer ago is not lately, in milliseconds.
const LATELY_MS: u64 = 24 * 60 * 60 * 1000;

/// What an address passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// A request of this client.
    For(IpAddr),
    /// A request that names no client, though the address is trusted.
    Nameless,
    /// Forwarding headers that nobody believes.
    Unbelieved,
}

#[derive(Debug, Default)]
struct Record {
    requests: u64,
    unnamed: u64,
    last_at_ms: u64,
    /// The latest first.
    clients: Vec<IpAddr>,
}

/// The memory.
#[derive(Debug, Default)]
pub struct RecentlyPassedOn(Mutex<HashMap<IpAddr, Record>>);

impl RecentlyPassedOn {
    pub fn note(&self, address: IpAddr, passed: Passed, now_ms: u64) {
        let mut records = self.lock();
        let address = address.to_canonical();
        if records.len() >= MAX_ADDRESSES && !records.contains_key(&address) {
            let quietest = records.iter().min_by_key(|(_, record)| record.last_at_ms).map(|(address, _)| *address);
            quietest.and_then(|address| records.remove(&address));
        }
        let record = records.entry(address).or_default();
        record.requests += 1;
        record.last_at_ms = now_ms;
        match passed {
            Passed::For(client) => {
                record.clients.retain(|known| *known != client);
                record.clients.insert(0, client);
                record.clients.truncate(MAX_CLIENTS);
            }
            Passed::Nameless => record.unnamed += 1,
            Passed::Unbelieved => record.clients.clear(),
        }
    }

    /// Who passed something on lately, the latest first. `entries` are those of `gateway.trustedProxies`.
    pub fn list(&self, entries: &[String], now_ms: u64) -> Proxies {
        let mut records = self.lock();
        records.retain(|_, record| record.last_at_ms + LATELY_MS > now_ms);
        let mut proxies = Proxies::default();
        for (address, record) in records.iter() {
            let covers = |entry: &&String| TrustedProxies::parse([entry.as_str()]).0.contains(*address);
            let entry = entries.iter().find(covers).cloned();
            let into = if entry.is_some() { &mut proxies.trusted } else { &mut proxies.strangers };
            into.push(PassedOn {
                address: address.to_string(),
                range: if entry.is_none() { container_network(*address) } else { None },
                entry,
                requests: record.requests,
                unnamed: record.unnamed,
                last_at_ms: record.last_at_ms,
                clients: record.clients.iter().map(ToString::to_string).collect(),
            });
        }
        for list in [&mut proxies.trusted, &mut proxies.strangers] {
            list.sort_by(|one, other| (other.last_at_ms, &one.address).cmp(&(one.last_at_ms, &other.address)));
        }
        proxies
    }

    /// A poisoned lock only means that another task panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network of a container, from the pools that Docker takes them from: the address alone is another one after
/// the next start.
fn container_network(address: IpAddr) -> Option<String> {
    const POOLS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12);
    let IpAddr::V4(v4) = address else { return None };
    let [first, second, ..] = v4.octets();
    POOLS.contains(&v4).then(|| parse_network(&format!("{first}.{second}.0.0/16"))).flatten().map(|net| net.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_trusted_proxy_passed_on_is_told_with_its_entry_and_its_last_clients() {
        let memory = RecentlyPassedOn::default();
        for client in 0..8 {
            memory.note(ip("::ffff:10.0.0.2"), Passed::For(ip(&format!("192.0.2.{client}"))), client);
        }
        memory.note(ip("10.0.0.2"), Passed::For(ip("192.0.2.6")), 9);
        memory.note(ip("10.0.0.2"), Passed::Nameless, 10);
        let found = memory.list(&["fd00::1".to_owned(), "10.0.0.0/24".to_owned()], 11);
        assert_eq!(found.strangers, []);
        let PassedOn { address, entry, requests, unnamed, last_at_ms, clients, range } = &found.trusted[0];
        assert_eq!((address.as_str(), entry.as_deref(), range), ("10.0.0.2", Some("10.0.0.0/24"), &None));
        assert_eq!((*requests, *unnamed, *last_at_ms), (10, 1, 10));
        assert_eq!(clients, &["192.0.2.6", "192.0.2.7", "192.0.2.5", "192.0.2.4", "192.0.2.3"]);
    }

    #[test]
    fn a_stranger_is_counted_and_nothing_it_says_is_believed() {
        let memory = RecentlyPassedOn::default();
        memory.note(ip("172.18.0.1"), Passed::For(ip("192.0.2.1")), 1);
        memory.note(ip("172.18.0.1"), Passed::Unbelieved, 2);
        memory.note(ip("203.0.113.5"), Passed::Unbelieved, 3);
        let found = memory.list(&[], 4);
        let told: Vec<_> = found.strangers.iter().map(|one| (one.address.as_str(), one.range.as_deref())).collect();
        assert_eq!(told, [("203.0.113.5", None), ("172.18.0.1", Some("172.18.0.0/16"))]);
        assert!(found.strangers.iter().all(|one| one.clients.is_empty()));
    }

    #[test]
    fn yesterday_and_the_quietest_of_too_many_are_forgotten() {
        let memory = RecentlyPassedOn::default();
        for number in 0..=MAX_ADDRESSES {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap());
            memory.note(address.into(), Passed::Unbelieved, number as u64);
        }
        let found = memory.list(&[], 300).strangers;
        assert_eq!((found.len(), found.iter().any(|one| one.address == "10.0.0.0")), (MAX_ADDRESSES, false));
        assert_eq!(memory.list(&[], LATELY_MS + 100).strangers.len(), MAX_ADDRESSES - 100);
    }
}
