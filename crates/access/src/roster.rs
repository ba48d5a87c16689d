//! Which of the devices that are in somebody wants to see, and in which order: a page of them.
//!
//! Searching goes over the records where they are; only what the page shows is ever copied.

use std::cmp::Reverse;
use std::collections::HashSet;

use protocol::method::{
    DEFAULT_DEVICE_LIMIT, DeviceOrder, DevicePageParams, DeviceState, MAX_DEVICE_LIMIT, UNUSED_AFTER_MS,
};
use protocol::pairing::client_kind;
use protocol::{DeviceId, Role};

use crate::pairing::{Device, Token};

/// What is known besides the records.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub connected: &'a HashSet<DeviceId>,
    /// The device that asks, if it is one.
    pub own: Option<&'a DeviceId>,
    /// Whether it may see no other.
    pub is_confined: bool,
    pub now_ms: u64,
}

/// A part of the devices that fit, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    pub devices: Vec<&'a Device>,
    pub offset: usize,
    pub matching: usize,
    pub paired: usize,
    pub connected: usize,
    pub unused: usize,
}

/// Finds the page. Devices that are alike in what the order looks at are ordered by their ids, so that no device stands
/// on two pages.
pub fn page<'a>(devices: &'a [Device], wanted: &DevicePageParams, facts: Facts<'_>) -> Page<'a> {
    let words: Vec<String> = wanted.query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let (mut paired, mut connected, mut unused) = (0, 0, 0);
    let mut found: Vec<&Device> = Vec::new();
    for device in devices.iter().filter(|device| is_visible(device, facts)) {
        paired += 1;
        connected += usize::from(facts.connected.contains(&device.device_id));
        unused += usize::from(is_unseen(device, UNUSED_AFTER_MS, facts));
        if fits(device, wanted, facts) && has_words(device, &words) {
            found.push(device);
        }
    }
    sort(&mut found, wanted.sort, facts);
    let matching = found.len();
    let limit = size(wanted.limit.unwrap_or(DEFAULT_DEVICE_LIMIT).min(MAX_DEVICE_LIMIT));
    let offset = size(wanted.offset).min(last_page(matching, limit));
    let devices = found.into_iter().skip(offset).take(limit).collect();
    Page { devices, offset, matching, paired, connected, unused }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where the last page begins.
fn last_page(matching: usize, limit: usize) -> usize {
    matching.saturating_sub(1).checked_div(limit).unwrap_or_default() * limit
}

fn is_visible(device: &Device, facts: Facts<'_>) -> bool {
    !facts.is_confined || facts.own == Some(&device.device_id)
}

/// When it gave a sign of life last, or was let in; Unix epoch milliseconds.
fn last_seen_ms(device: &Device) -> u64 {
    device.last_seen_at_ms.unwrap_or_default().max(device.approved_at_ms)
}

/// Whether nobody has seen it for that long. The device that asks is seen now, and so is one that is connected.
fn is_unseen(device: &Device, for_ms: u64, facts: Facts<'_>) -> bool {
    facts.own != Some(&device.device_id)
        && !facts.connected.contains(&device.device_id)
        && facts.now_ms.saturating_sub(last_seen_ms(device)) >= for_ms
}

fn fits(device: &Device, wanted: &DevicePageParams, facts: Facts<'_>) -> bool {
    let is_connected = facts.connected.contains(&device.device_id);
    let has_role = |role: Role| match role {
        Role::Node => device.is_node(),
        Role::Operator => device.roles.contains(&role),
    };
    let is_in_state = |state: DeviceState| match state {
        DeviceState::Online => is_connected,
        DeviceState::Offline => !is_connected,
        DeviceState::Offering => device.pending_surface.is_some(),
        DeviceState::Ended => device.expires_at_ms.is_some_and(|end_ms| end_ms <= facts.now_ms),
        DeviceState::Revoked => {
            let is_over = device.expires_at_ms.is_some_and(|end_ms| end_ms <= facts.now_ms);
            !is_over && !device.tokens.is_empty() && !device.tokens.iter().any(Token::is_live)
        }
    };
    let was_seen = |within_ms| is_connected || facts.now_ms.saturating_sub(last_seen_ms(device)) <= within_ms;
    wanted.role.is_none_or(has_role)
        && wanted.state.is_none_or(is_in_state)
        && wanted.seen_within_ms.is_none_or(was_seen)
        && wanted.unseen_for_ms.is_none_or(|for_ms| is_unseen(device, for_ms, facts))
}

/// Whether each word occurs in something that people know the device by, or begins its id. `words` are in lower case.
fn has_words(device: &Device, words: &[String]) -> bool {
    let has = |word: &String| {
        let texts = [
            device.operator_label.as_deref(),
            device.display_name.as_deref(),
            Some(client_kind(&device.client_id)),
            Some(&device.client_id),
            Some(&device.platform),
            device.device_family.as_deref(),
            device.remote_ip.as_deref(),
            device.last_seen_address.as_deref(),
        ];
        let is_id = || device.device_id.as_str().starts_with(word.as_str());
        is_id() || texts.into_iter().flatten().any(|text| occurs(text, word))
    };
    words.iter().all(has)
}

/// Whether the word is in the text, whatever its capitals. Nothing is copied for texts of ASCII, as most are.
fn occurs(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

fn sort(devices: &mut [&Device], order: DeviceOrder, facts: Facts<'_>) {
    match order {
        DeviceOrder::Recent => devices.sort_unstable_by_key(|device| {
            let is_away = !facts.connected.contains(&device.device_id);
            (is_away, Reverse(last_seen_ms(device)), &device.device_id)
        }),
        DeviceOrder::Name => {
            devices.sort_by_cached_key(|device| (device.shown_name().to_lowercase(), device.device_id.clone()));
        }
        DeviceOrder::Approved => {
            devices.sort_unstable_by_key(|device| (Reverse(device.approved_at_ms), &device.device_id));
        }
        DeviceOrder::Idle => devices.sort_unstable_by_key(|device| {
            (facts.connected.contains(&device.device_id), last_seen_ms(device), &device.device_id)
        }),
    }
}

#[cfg(test)]
mod tests;
