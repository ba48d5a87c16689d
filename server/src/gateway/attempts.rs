//! The latest attempts to connect, with what became of them and why: kept in memory, for the owner's page.
//!
//! Equal attempts of one client are one entry with a count, and no client has more than its share of the places, so
//! that a flood from one address never hides the others.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::diagnosis::{Circumstances, Diagnosis, decide_about, of_refusal, of_unattributable};
use access::{Unattributable, locality};
use http::{HeaderMap, header};
use protocol::doctor::{Attempt, Header, MAX_ATTEMPTS, Outcome};
use protocol::handshake::AuthMethod;
use protocol::pairing::Origin;
use protocol::{Connect, DeviceId, Refusal};
use tokio::sync::watch;

use super::connection::Connection;
use super::handshake::Arrival;
use crate::http::peer::{Peer, forwarded};
use crate::http::router::UNATTRIBUTABLE;
use crate::state::AppState;

/// How many different attempts of one client are remembered.
const MAX_PER_CLIENT: usize = 50;

/// How much of what a client says of itself is kept, in characters; and how many headers.
const MAX_TEXT: usize = 200;
const MAX_HEADERS: usize = 12;

/// The attempts, oldest first.
#[derive(Debug)]
pub struct Attempts {
    inner: Mutex<Inner>,
    /// The number of the latest.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    list: VecDeque<Attempt>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { inner: Mutex::default(), news: watch::Sender::new(0) }
    }
}

impl Attempts {
    /// Remembers an attempt. Its number, its first time and its count are found out here.
    pub fn note(&self, attempt: Attempt) {
        let id = self.lock().note(attempt);
        self.news.send_replace(id);
    }

    /// The latest first.
    pub fn latest(&self, limit: usize) -> Vec<Attempt> {
        self.lock().list.iter().rev().take(limit).cloned().collect()
    }

    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, mut attempt: Attempt) -> u64 {
        if ends_waiting(&attempt) {
            self.list.retain(|known| known.outcome != Outcome::Waiting || known.device_id != attempt.device_id);
        }
        let known = self.list.iter().position(|known| is_same(known, &attempt));
        if let Some(known) = known.and_then(|index| self.list.remove(index)) {
            attempt.id = known.id;
            attempt.first_at_ms = known.first_at_ms;
            attempt.count = known.count.saturating_add(1);
        } else {
            self.last_id += 1;
            attempt.id = self.last_id;
            self.make_room(&attempt);
        }
        let id = attempt.id;
        self.list.push_back(attempt);
        id
    }

    fn make_room(&mut self, newest: &Attempt) {
        let place = place(&newest.origin.address);
        let mut own = (0..self.list.len())
            .filter(|index| self.list.get(*index).is_some_and(|known| self::place(&known.origin.address) == place));
        let oldest_own = own.next();
        let is_over_share = own.count() + 1 >= MAX_PER_CLIENT;
        if let Some(index) = oldest_own.filter(|_| is_over_share) {
            self.list.remove(index);
        } else if self.list.len() as u64 >= MAX_ATTEMPTS {
            self.list.pop_front();
        }
    }
}

/// Whether a device that waited waits no more. What a device only claims to be ends nothing.
fn ends_waiting(attempt: &Attempt) -> bool {
    const DECIDED: [&str; 3] = ["PAIRING_REJECTED", "PAIRING_EXPIRED", "PAIRING_SUPERSEDED"];
    let is_decided = attempt.code.as_deref().is_some_and(|code| DECIDED.contains(&code));
    attempt.device_id.is_some() && (attempt.outcome == Outcome::In || is_decided)
}

/// Whether it is the same once more, whatever the time and the request's id.
fn is_same(a: &Attempt, b: &Attempt) -> bool {
    a.outcome == b.outcome
        && a.code == b.code
        && a.origin == b.origin
        && a.peer == b.peer
        && a.device_id == b.device_id
        && a.client == b.client
        && a.host == b.host
        && a.forwarded == b.forwarded
}

/// Whoever has one IPv6 address has a whole network of them.
fn place(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => format!("{:x?}", &v6.segments()[..4]),
        Ok(IpAddr::V4(_)) | Err(_) => address.to_owned(),
    }
}

/// A socket was refused, before or after it said who it is.
pub fn note_refusal(state: &AppState, arrival: &Arrival, connect: Option<&Connect>, refusal: &Refusal) {
    if arrival.ingress.is_owner {
        return;
    }
    let claimed = connect.and_then(|connect| connect.device.as_ref()).map(|device| device.id.as_str());
    let around = Circumstances {
        client: arrival.ingress.attribution.client,
        page: arrival.page.as_deref(),
        host: arrival.host(),
        device_id: claimed,
        port: state.port,
    };
    let is_waiting = matches!(refusal, Refusal::PairingRequired(_) | Refusal::PairingStillRequired { .. });
    let outcome = if is_waiting { Outcome::Waiting } else { Outcome::Refused };
    let code = refusal.detail_code().unwrap_or(refusal.code());
    let Diagnosis { cause, fix } = of_refusal(refusal, &around);
    state.attempts.note(Attempt {
        code: Some(code.to_owned()),
        fix,
        ..attempt(state, arrival, connect, outcome, cause)
    });
}

/// A device was put on hold until a person decides.
pub fn note_waiting(state: &AppState, arrival: &Arrival, connect: &Connect, request_id: &str) {
    let cause = "A person has to decide; the device waits on its socket.".to_owned();
    let waiting = attempt(state, arrival, Some(connect), Outcome::Waiting, cause);
    state.attempts.note(Attempt { fix: Some(decide_about(request_id)), ..waiting });
}

/// A client was let in.
pub fn note_admission(state: &AppState, connection: &Connection, peer: IpAddr, forwarded: Vec<Header>) {
    if connection.is_owner {
        return;
    }
    let introduction = &connection.introduction;
    let client = &introduction.client;
    let now_ms = state.clock.now_ms();
    state.attempts.note(Attempt {
        id: 0,
        first_at_ms: now_ms,
        at_ms: now_ms,
        count: 1,
        outcome: Outcome::In,
        code: None,
        origin: introduction.origin(),
        peer: peer.to_string(),
        host: introduction.arrived.as_ref().and_then(|arrived| arrived.host()).map(cut),
        forwarded,
        device_id: connection.device_id.clone(),
        name: client.display_name.as_deref().map(cut),
        client: Some(cut(format!("{} {}", client.id, client.version))),
        user_agent: introduction.user_agent.as_deref().map(cut),
        cause: format!("Let in as {} by {}.", connection.role, by(connection.method)),
        fix: None,
    });
}

/// What let a client in, in words.
fn by(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::Token | AuthMethod::Password => "the gateway's secret",
        AuthMethod::DeviceToken => "its device token",
        AuthMethod::DeviceKey => "its device key",
        AuthMethod::BootstrapToken => "a one-time code",
        AuthMethod::Owner => "the owner socket",
        AuthMethod::None => "nothing, because gateway.auth.mode wants nothing",
    }
}

/// A request came through a proxy of which nobody can say for whom it speaks.
pub fn note_unattributable(state: &AppState, peer: Peer, why: Unattributable, headers: &HeaderMap) {
    let Some(address) = peer.address() else { return };
    let Diagnosis { cause, fix } = of_unattributable(why, address, &forwarded(headers));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(cut);
    let now_ms = state.clock.now_ms();
    state.attempts.note(Attempt {
        id: 0,
        first_at_ms: now_ms,
        at_ms: now_ms,
        count: 1,
        outcome: Outcome::Refused,
        code: Some(UNATTRIBUTABLE.to_owned()),
        origin: Origin {
            address: address.to_string(),
            network: locality::network_of(address),
            resolved: "as a proxy; who is behind it is unknown".to_owned(),
            encrypted: false,
            page: text(header::ORIGIN),
        },
        peer: address.to_string(),
        host: text(header::HOST),
        forwarded: kept(headers),
        device_id: None,
        name: None,
        client: None,
        user_agent: text(header::USER_AGENT),
        cause,
        fix,
    });
}

fn attempt(state: &AppState, arrival: &Arrival, connect: Option<&Connect>, outcome: Outcome, cause: String) -> Attempt {
    let ingress = &arrival.ingress;
    let now_ms = state.clock.now_ms();
    let client = connect.map(|connect| &connect.client);
    let claimed = connect.and_then(|connect| connect.device.as_ref());
    Attempt {
        id: 0,
        first_at_ms: now_ms,
        at_ms: now_ms,
        count: 1,
        outcome,
        code: None,
        origin: ingress.attribution.origin(ingress.is_encrypted, arrival.page.as_deref()),
        peer: arrival.ingress.peer().to_string(),
        host: arrival.host().map(cut),
        forwarded: arrival.forwarded.clone(),
        device_id: claimed.map(|device| DeviceId::claimed(cut(&device.id))),
        name: client.and_then(|client| client.display_name.as_deref()).map(cut),
        client: client.map(|client| cut(format!("{} {}", client.id, client.version))),
        user_agent: connect.and_then(|connect| connect.user_agent.as_deref()).map(cut),
        cause,
        fix: None,
    }
}

/// The headers by which proxies speak.
pub fn kept(headers: &HeaderMap) -> Vec<Header> {
    let speaks = |name: &str| {
        name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-") || name.starts_with("tailscale-")
    };
    let found = headers.iter().filter(|(name, _)| speaks(name.as_str())).take(MAX_HEADERS);
    found
        .map(|(name, value)| Header { name: cut(name.as_str()), value: cut(String::from_utf8_lossy(value.as_bytes())) })
        .collect()
}

fn cut(text: impl AsRef<str>) -> String {
    text.as_ref().chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::pairing::Network;

    fn from(address: &str, client: &str) -> Attempt {
        Attempt {
            id: 0,
            first_at_ms: 1,
            at_ms: 1,
            count: 1,
            outcome: Outcome::Refused,
            code: Some("X".to_owned()),
            origin: Origin {
                address: address.to_owned(),
                network: Network::Public,
                resolved: "directly".to_owned(),
                encrypted: false,
                page: None,
            },
            peer: address.to_owned(),
            host: None,
            forwarded: Vec::new(),
            device_id: None,
            name: None,
            client: Some(client.to_owned()),
            user_agent: None,
            cause: "No.".to_owned(),
            fix: None,
        }
    }

    #[test]
    fn the_same_again_is_one_entry_that_moves_to_the_front() {
        let attempts = Attempts::default();
        attempts.note(from("192.0.2.1", "a"));
        attempts.note(from("192.0.2.2", "a"));
        attempts.note(Attempt { at_ms: 9, ..from("192.0.2.1", "a") });
        let latest = attempts.latest(10);
        let seen: Vec<_> = latest.iter().map(|one| (one.id, one.count, one.first_at_ms, one.at_ms)).collect();
        assert_eq!(seen, [(1, 2, 1, 9), (2, 1, 1, 1)]);
        assert_eq!(*attempts.news().borrow(), 1);
    }

    #[test]
    fn a_device_that_is_in_waits_no_more_whoever_claims_to_be_it() {
        let attempts = Attempts::default();
        let own = |outcome| Attempt { outcome, device_id: Some(DeviceId::claimed("d")), ..from("192.0.2.1", "a") };
        attempts.note(own(Outcome::Waiting));
        attempts.note(own(Outcome::Refused));
        assert_eq!(attempts.latest(10).len(), 2);
        attempts.note(own(Outcome::In));
        let left: Vec<_> = attempts.latest(10).iter().map(|one| one.outcome).collect();
        assert_eq!(left, [Outcome::In, Outcome::Refused]);
    }

    #[test]
    fn a_flood_from_one_place_hides_nobody() {
        let attempts = Attempts::default();
        attempts.note(from("192.0.2.1", "victim"));
        for number in 0..2000 {
            attempts.note(from("203.0.113.9", &format!("flood {number}")));
            attempts.note(from(&format!("2001:db8::{number:x}"), "flood"));
        }
        let latest = attempts.latest(usize::MAX);
        assert_eq!(latest.len(), 1 + 2 * MAX_PER_CLIENT);
        assert!(latest.iter().any(|one| one.client.as_deref() == Some("victim")));
        for number in 0..600 {
            attempts.note(from(&format!("10.0.{}.{}", number / 250, number % 250), "other"));
        }
        assert_eq!(attempts.latest(usize::MAX).len() as u64, MAX_ATTEMPTS);
    }
}
