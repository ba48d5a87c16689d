//! Which request or device a person means by what they typed. Ids win over names, and whatever could mean
//! two things means nothing.

use protocol::method::{BlockedList, Passkey};
use protocol::node::{NodeList, NodePairingList, NodeView, PendingNode};
use protocol::pairing::{BlockedDevice, PairedDevice, PairingList, PendingRequest};

use super::output::{Failure, shown};

/// Fewer characters than this are too easily somebody else's.
const SHORTEST_PREFIX: usize = 4;

/// What a text stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<T> {
    One(T),
    Nothing,
    Several(Vec<T>),
}

impl<T> Choice<T> {
    fn of(mut found: Vec<T>) -> Self {
        match found.len() {
            0 => Self::Nothing,
            1 => found.pop().map_or(Self::Nothing, Self::One),
            _ => Self::Several(found),
        }
    }

    /// The one that is meant, if any. The failure lists the several that could be; `kind` is what they are called.
    pub fn one(self, text: &str, kind: &str, line: impl Fn(T) -> String, hint: &str) -> Result<Option<T>, Failure> {
        match self {
            Self::One(found) => Ok(Some(found)),
            Self::Nothing => Ok(None),
            Self::Several(several) => Err(Failure::new(format!("`{}` could mean several {kind}:", shown(text)))
                .list(several.into_iter().map(line))
                .hint(hint)),
        }
    }

    fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Nothing => next(),
            Self::One(_) | Self::Several(_) => self,
        }
    }
}

/// A waiting request by its id or its device's, whole or begun. Never by name: devices choose those.
pub fn request<'a>(list: &'a PairingList, text: &str) -> Choice<&'a PendingRequest> {
    let find = |fits: &dyn Fn(&PendingRequest) -> bool| Choice::of(list.pending.iter().filter(|r| fits(r)).collect());
    find(&|r| r.request_id == text)
        .or_else(|| find(&|r| r.device_id.as_str() == text))
        .or_else(|| find(&|r| begins(&r.request_id, text) || begins(r.device_id.as_str(), text)))
}

/// A waiting request by all the words of its fingerprint, however they are joined.
pub fn request_by_words<'a>(list: &'a PairingList, text: &str) -> Choice<&'a PendingRequest> {
    let is_joint = |letter: char| letter == '-' || letter == '_' || letter == ',' || letter.is_whitespace();
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(is_joint).filter(|word| !word.is_empty()).collect();
    let fits = |request: &&PendingRequest| request.fingerprint().is_some_and(|print| print.words == words);
    Choice::of(list.pending.iter().filter(fits).collect())
}

/// A blocked device by its id, whole or begun, by its name, or by the address that is blocked with it.
pub fn blocked<'a>(list: &'a BlockedList, text: &str) -> Choice<&'a BlockedDevice> {
    let find = |fits: &dyn Fn(&BlockedDevice) -> bool| Choice::of(list.blocked.iter().filter(|b| fits(b)).collect());
    let name = text.trim().to_lowercase();
    find(&|b| b.device_id.as_str() == text)
        .or_else(|| find(&|b| b.address.as_deref() == Some(text)))
        .or_else(|| find(&|b| begins(b.device_id.as_str(), text)))
        .or_else(|| find(&|b| b.name.as_ref().is_some_and(|own| own.to_lowercase() == name)))
}

/// A passkey by its id, whole or begun, or by its name.
pub fn passkey<'a>(list: &'a [Passkey], text: &str) -> Choice<&'a Passkey> {
    let find = |fits: &dyn Fn(&Passkey) -> bool| Choice::of(list.iter().filter(|one| fits(one)).collect());
    let name = text.trim().to_lowercase();
    find(&|one| one.id == text)
        .or_else(|| find(&|one| one.name.to_lowercase() == name))
        // Unlike others, these ids mean something else in capitals.
        .or_else(|| find(&|one| text.len() >= SHORTEST_PREFIX && one.id.starts_with(text)))
}

/// A paired device by its id, whole or begun, or by its name.
pub fn device<'a>(list: &'a PairingList, text: &str) -> Choice<&'a PairedDevice> {
    let find = |fits: &dyn Fn(&PairedDevice) -> bool| Choice::of(list.paired.iter().filter(|d| fits(d)).collect());
    find(&|d| d.device_id.as_str() == text)
        .or_else(|| find(&|d| begins(d.device_id.as_str(), text)))
        .or_else(|| find(&|d| d.shown_name().to_lowercase() == text.trim().to_lowercase()))
}

/// A waiting offer by its id or its node's, whole or begun. Never by name: nodes choose those.
pub fn surface_request<'a>(list: &'a NodePairingList, text: &str) -> Choice<&'a PendingNode> {
    let find = |fits: &dyn Fn(&PendingNode) -> bool| Choice::of(list.pending.iter().filter(|r| fits(r)).collect());
    find(&|r| r.request_id == text)
        .or_else(|| find(&|r| r.node_id.as_str() == text))
        .or_else(|| find(&|r| begins(&r.request_id, text) || begins(r.node_id.as_str(), text)))
}

/// A node by its id, whole or begun, or by its name.
pub fn node<'a>(list: &'a NodeList, text: &str) -> Choice<&'a NodeView> {
    let find = |fits: &dyn Fn(&NodeView) -> bool| Choice::of(list.nodes.iter().filter(|n| fits(n)).collect());
    let name = text.trim().to_lowercase();
    find(&|n| n.node_id.as_str() == text)
        .or_else(|| find(&|n| begins(n.node_id.as_str(), text)))
        .or_else(|| find(&|n| n.display_name.as_ref().is_some_and(|own| own.to_lowercase() == name)))
}

fn begins(id: &str, text: &str) -> bool {
    text.len() >= SHORTEST_PREFIX && id.starts_with(&text.to_ascii_lowercase())
}

#[cfg(test)]
pub mod tests {
    use protocol::PublicKey;
    use serde_json::json;

    use super::*;

    /// Two phones that wait, and two tablets and a laptop that are paired.
    pub fn sample() -> PairingList {
        let pending = |id: &str, seed: u8, name: &str| {
            let key = PublicKey::from_bytes([seed; 32]);
            json!({
                "requestId": id, "deviceId": key.device_id(), "publicKey": key.to_base64url(), "displayName": name,
                "platform": "android", "clientId": "openclaw-android", "clientMode": "ui", "role": "operator",
                "roles": ["operator"], "scopes": ["operator.read", "operator.write"], "remoteIp": "192.0.2.2",
                "silent": false, "isRepair": false, "ts": 60_000,
            })
        };
        let paired = |seed: u8, name: &str| {
            let key = PublicKey::from_bytes([seed; 32]);
            json!({
                "deviceId": key.device_id(), "publicKey": key.to_base64url(), "displayName": name,
                "platform": "linux", "clientId": "cli", "clientMode": "cli", "role": "operator", "roles": ["operator"],
                "scopes": ["operator.read"], "approvedVia": "owner", "createdAtMs": 1, "approvedAtMs": 1,
                "lastSeenAtMs": 60_000, "connected": true, "tokens": [],
            })
        };
        serde_json::from_value(json!({
            "pending": [pending("a1ba6ee7-ebe6-4d46", 1, "Phone"), pending("a1ba0000-0000-4d46", 2, "Phone")],
            "paired": [paired(3, "Tablet"), paired(4, "tablet"), paired(5, "Laptop")],
        }))
        .unwrap()
    }

    fn named<T>(choice: Choice<T>, name: impl Fn(&T) -> String) -> String {
        match choice {
            Choice::One(one) => name(&one),
            Choice::Nothing => "nothing".to_owned(),
            Choice::Several(several) => format!("{} of them", several.len()),
        }
    }

    #[track_caller]
    fn check_request(text: &str, expected: &str) {
        let list = sample();
        assert_eq!(named(request(&list, text), |r| r.request_id.clone()), expected, "{text}");
    }

    #[track_caller]
    fn check_device(text: &str, expected: &str) {
        let list = sample();
        assert_eq!(named(device(&list, text), |d| d.shown_name()), expected, "{text}");
    }

    #[test]
    fn a_request_goes_by_its_id_or_its_devices_never_by_name() {
        let list = sample();
        let device_id = list.pending[1].device_id.as_str();
        check_request("a1ba6ee7-ebe6-4d46", "a1ba6ee7-ebe6-4d46");
        check_request("a1ba6", "a1ba6ee7-ebe6-4d46");
        check_request("A1BA6EE7", "a1ba6ee7-ebe6-4d46");
        check_request("a1ba", "2 of them");
        check_request("a1b", "nothing");
        check_request(device_id, "a1ba0000-0000-4d46");
        check_request(&device_id[..12], "a1ba0000-0000-4d46");
        check_request("Phone", "nothing");
        check_request("", "nothing");
        check_request("ffff0000", "nothing");
    }

    #[test]
    fn a_request_goes_by_all_the_words_of_its_fingerprint() {
        let list = sample();
        let words = list.pending[0].fingerprint().unwrap().words;
        let found = |text: &str| named(request_by_words(&list, text), |r| r.request_id.clone());
        let first = &list.pending[0].request_id;
        assert_eq!(&found(&words.join("-")), first);
        assert_eq!(&found(&words.join(" ").to_uppercase()), first);
        assert_eq!(found(&words[..3].join("-")), "nothing", "a part is easier to imitate than the whole");
        let mut swapped = words.clone();
        swapped.swap(0, 1);
        assert_eq!(found(&swapped.join("-")), "nothing");
        assert_eq!(found(""), "nothing");
        let mut twice = list.clone();
        twice.pending[1].public_key.clone_from(&list.pending[0].public_key);
        assert_eq!(named(request_by_words(&twice, &words.join("-")), |r| r.request_id.clone()), "2 of them");
    }

    #[test]
    fn a_blocked_device_goes_by_its_id_its_address_or_its_name() {
        let entry = |seed: u8, name: &str, address: Option<&str>| BlockedDevice {
            device_id: PublicKey::from_bytes([seed; 32]).device_id(),
            name: Some(name.to_owned()),
            address: address.map(str::to_owned),
            blocked_at_ms: 1,
            by: None,
            knocks: 0,
            last_knock_at_ms: None,
        };
        let list = BlockedList { blocked: vec![entry(1, "Phone", Some("192.0.2.2")), entry(2, "Tablet", None)] };
        let found = |text: &str| named(blocked(&list, text), |b| b.name.clone().unwrap());
        assert_eq!(found(&list.blocked[1].device_id.as_str()[..6]), "Tablet");
        assert_eq!(found("192.0.2.2"), "Phone");
        assert_eq!(found("phone"), "Phone");
        assert_eq!(found("192.0.2"), "nothing");
    }

    #[test]
    fn a_device_goes_by_its_id_or_an_unambiguous_name() {
        let list = sample();
        let laptop = list.paired[2].device_id.as_str();
        check_device(laptop, "Laptop");
        check_device(&laptop[..4], "Laptop");
        check_device(&laptop[..3], "nothing");
        check_device("laptop", "Laptop");
        check_device("Tablet", "2 of them");
        check_device("Lap", "nothing");
    }
}
