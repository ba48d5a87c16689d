//! What lies on the owner's desk: requests that wait, nodes that offer something, and how many devices are in, kept up
//! to date by lists and events.

use std::collections::BTreeSet;

use protocol::pairing::{PairedDevice, PairingCounts, PairingList, PendingRequest};

use crate::setup::Arrival;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// `None` until the first list arrives.
    list: Option<PairingList>,
    /// Requests put aside with "Not now". Only this page knows; the device goes on waiting.
    put_aside: BTreeSet<String>,
    /// Requests that are not what was shown at first.
    changed: BTreeSet<String>,
    /// Who came in by a one-time code last.
    arrival: Option<Arrival>,
    /// What was approved on this page a moment ago, the newest last.
    fresh: Vec<Fresh>,
    /// How many requests came or went since the page was opened.
    news: u64,
}

/// An approval that can still be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    pub request_id: String,
    pub name: String,
    /// By the gateway's clock, Unix epoch milliseconds.
    pub until_ms: u64,
    /// Why it could not be undone. It stays until somebody has read that.
    pub problem: Option<String>,
    /// Whether a passkey would have been asked for, if there were one.
    pub wants_passkey: bool,
}

impl Desk {
    /// Takes a whole new list. What waits no longer is forgotten, what was put aside stays aside.
    pub fn replace(&mut self, list: PairingList) {
        let offers = |device: &PairedDevice, id: &String| offer_id(device) == Some(id.as_str());
        let waits = |id: &String| {
            list.pending.iter().any(|request| &request.request_id == id)
                || list.paired.iter().any(|device| offers(device, id))
        };
        self.put_aside.retain(waits);
        self.changed.retain(waits);
        let newly_changed = list
            .pending
            .iter()
            .filter(|new| self.pending(&new.request_id).is_some_and(|shown| shown_digest(shown) != shown_digest(new)));
        let newly_changed: Vec<String> = newly_changed.map(|request| request.request_id.clone()).collect();
        self.changed.extend(newly_changed);
        self.list = Some(list);
    }

    /// Puts one new request on top, or replaces the one with its id.
    pub fn add(&mut self, request: PendingRequest) {
        self.news += 1;
        let mut list = self.list.clone().unwrap_or_default();
        // A device waits with one request, whatever else became of an older one.
        list.pending.retain(|known| known.request_id != request.request_id && known.device_id != request.device_id);
        list.pending.insert(0, request);
        self.replace(list);
    }

    pub fn take_off(&mut self, request_id: &str) {
        self.news += 1;
        let Some(mut list) = self.list.take() else { return };
        list.pending.retain(|request| request.request_id != request_id);
        for device in &mut list.paired {
            if offer_id(device) == Some(request_id) {
                device.pending_node_surface = None;
            }
        }
        self.replace(list);
    }

    pub fn put_aside(&mut self, request_id: &str) {
        self.put_aside.insert(request_id.to_owned());
    }

    pub fn bring_back(&mut self, request_id: &str) {
        self.put_aside.remove(request_id);
    }

    pub fn bring_back_all(&mut self) {
        self.put_aside.clear();
    }

    pub fn note_arrival(&mut self, arrival: Arrival) {
        self.arrival = Some(arrival);
    }

    pub fn arrival(&self) -> Option<&Arrival> {
        self.arrival.as_ref()
    }

    pub fn note_approval(&mut self, fresh: Fresh) {
        self.forget_approval(&fresh.request_id);
        self.fresh.push(fresh);
    }

    pub fn forget_approval(&mut self, request_id: &str) {
        self.fresh.retain(|fresh| fresh.request_id != request_id);
    }

    /// Says why an approval was not undone.
    pub fn note_problem(&mut self, request_id: &str, problem: String) {
        if let Some(fresh) = self.fresh.iter_mut().find(|fresh| fresh.request_id == request_id) {
            fresh.problem = Some(problem);
        }
    }

    /// Whether something was approved on this page lately, or could not be undone.
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// What can be undone at `now_ms` by the gateway's clock, or could not be.
    pub fn fresh(&self, now_ms: u64) -> impl Iterator<Item = &Fresh> {
        self.fresh.iter().filter(move |fresh| fresh.until_ms > now_ms || fresh.problem.is_some())
    }

    /// Changes with each request that comes or goes by itself, not with lists.
    pub fn news(&self) -> u64 {
        self.news
    }

    pub fn is_loaded(&self) -> bool {
        self.list.is_some()
    }

    /// The requests to show, without those put aside.
    pub fn open(&self) -> impl Iterator<Item = &PendingRequest> {
        self.all_pending().iter().filter(|request| !self.put_aside.contains(&request.request_id))
    }

    /// The nodes that offer something nobody has decided about, without those put aside.
    pub fn open_nodes(&self) -> impl Iterator<Item = &PairedDevice> {
        self.paired().iter().filter(|device| offer_id(device).is_some_and(|id| !self.put_aside.contains(id)))
    }

    /// What waits for a person, devices and nodes.
    pub fn count_open(&self) -> usize {
        self.open().count() + self.open_nodes().count()
    }

    pub fn count_put_aside(&self) -> usize {
        self.put_aside.len()
    }

    pub fn pending(&self, request_id: &str) -> Option<&PendingRequest> {
        self.all_pending().iter().find(|request| request.request_id == request_id)
    }

    pub fn has_changed(&self, request_id: &str) -> bool {
        self.changed.contains(request_id)
    }

    /// How many devices are in. Which ones is for the page that shows them.
    pub fn counts(&self) -> PairingCounts {
        self.list.as_ref().and_then(|list| list.counts).unwrap_or_default()
    }

    /// The devices that somebody has to look at: nodes that offer something.
    fn paired(&self) -> &[PairedDevice] {
        self.list.as_ref().map_or(&[], |list| &list.paired)
    }

    /// The ids of all requests that wait, those put aside too.
    pub fn pending_ids(&self) -> Vec<String> {
        self.all_pending().iter().map(|request| request.request_id.clone()).collect()
    }

    fn all_pending(&self) -> &[PendingRequest] {
        self.list.as_ref().map_or(&[], |list| &list.pending)
    }
}

/// The id of a node's offer that waits.
pub fn offer_id(device: &PairedDevice) -> Option<&str> {
    device.pending_node_surface.as_ref().map(|offer| offer.request_id.as_str())
}

/// What an approval of this card would cover: the gateway's digest, or our own for a gateway that sends none.
pub fn shown_digest(request: &PendingRequest) -> String {
    request.evidence.as_ref().map_or_else(|| request.digest(None), |evidence| evidence.digest.clone())
}

#[cfg(test)]
mod tests {
    use protocol::{DeviceId, Role, Scopes};

    use super::*;

    fn request(id: &str, scopes: &[&str]) -> PendingRequest {
        let scopes: Scopes = scopes.iter().copied().collect();
        PendingRequest {
            request_id: id.to_owned(),
            device_id: DeviceId::claimed(format!("device-of-{id}")),
            public_key: "k".to_owned(),
            display_name: None,
            platform: "Android".to_owned(),
            device_family: None,
            client_id: "openclaw-control-ui".to_owned(),
            client_mode: "webchat".to_owned(),
            role: Role::Operator,
            roles: vec![Role::Operator],
            scopes,
            remote_ip: None,
            silent: false,
            is_repair: false,
            ts: 0,
            evidence: None,
        }
    }

    fn desk(pending: Vec<PendingRequest>) -> Desk {
        let mut desk = Desk::default();
        desk.replace(PairingList { pending, ..PairingList::default() });
        desk
    }

    fn ids(desk: &Desk) -> Vec<&str> {
        desk.open().map(|request| request.request_id.as_str()).collect()
    }

    #[test]
    fn a_new_request_comes_first_and_a_repeated_one_only_once() {
        let mut desk = desk(vec![request("a", &[])]);
        desk.add(request("b", &[]));
        desk.add(request("a", &[]));
        assert_eq!(ids(&desk), ["a", "b"]);
    }

    #[test]
    fn a_device_has_one_card_however_often_and_for_whatever_it_asks() {
        let mut desk = desk(vec![request("a", &[])]);
        for number in 0..50 {
            let again = format!("again-{number}");
            desk.add(PendingRequest { device_id: DeviceId::claimed("device-of-a"), ..request(&again, &[]) });
        }
        assert_eq!(ids(&desk), ["again-49"]);
    }

    #[test]
    fn an_approval_can_be_undone_for_its_time_and_a_problem_stays_until_it_is_read() {
        let fresh = |id: &str, until_ms| Fresh {
            request_id: id.to_owned(),
            name: "Pixel".to_owned(),
            until_ms,
            problem: None,
            wants_passkey: false,
        };
        let mut desk = Desk::default();
        desk.note_approval(fresh("a", 10));
        desk.note_approval(fresh("b", 20));
        let told =
            |desk: &Desk, now_ms| -> Vec<String> { desk.fresh(now_ms).map(|fresh| fresh.request_id.clone()).collect() };
        assert_eq!((told(&desk, 9), told(&desk, 10)), (vec!["a".to_owned(), "b".to_owned()], vec!["b".to_owned()]));
        desk.note_problem("b", "Too late.".to_owned());
        assert_eq!(told(&desk, 99), ["b"]);
        desk.forget_approval("b");
        assert!(told(&desk, 0) == ["a"]);
    }

    #[test]
    fn not_now_hides_a_request_until_it_is_brought_back() {
        let mut desk = desk(vec![request("a", &[]), request("b", &[])]);
        desk.put_aside("a");
        desk.add(request("a", &[]));
        assert_eq!((ids(&desk), desk.count_put_aside()), (vec!["b"], 1));
        desk.bring_back_all();
        assert_eq!(desk.count_open(), 2);
    }

    #[test]
    fn a_request_that_is_gone_is_not_counted_as_put_aside() {
        let mut desk = desk(vec![request("a", &[])]);
        desk.put_aside("a");
        desk.take_off("a");
        assert_eq!(desk.count_put_aside(), 0);
    }

    #[test]
    fn a_request_that_asks_for_something_else_is_marked_and_a_repeated_one_is_not() {
        let mut desk = desk(vec![request("a", &["operator.read"])]);
        desk.add(request("a", &["operator.read"]));
        assert!(!desk.has_changed("a"));
        desk.add(request("a", &["operator.read", "operator.admin"]));
        assert!(desk.has_changed("a"));
    }
}
