use protocol::Scopes;
use protocol::pairing::ApprovedVia;

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NOW: u64 = 1000 * DAY_MS;

fn device(id: &str, name: &str, seen_days_ago: u64) -> Device {
    Device {
        device_id: DeviceId::claimed(id),
        public_key: "key".to_owned(),
        display_name: Some(name.to_owned()),
        operator_label: None,
        platform: "Android".to_owned(),
        device_family: None,
        client_id: "openclaw-control-ui".to_owned(),
        client_mode: "webchat".to_owned(),
        role: Role::Operator,
        roles: vec![Role::Operator],
        scopes: Scopes::default(),
        remote_ip: None,
        approved_via: ApprovedVia::Owner,
        created_at_ms: 1,
        approved_at_ms: 1,
        last_seen_at_ms: Some(NOW - seen_days_ago * DAY_MS),
        last_seen_reason: None,
        tokens: vec![token(None)],
        surface: None,
        pending_surface: None,
        last_connected_at_ms: None,
        last_disconnected_at_ms: None,
        approval: None,
        last_seen_address: None,
        expires_at_ms: None,
        withheld: Scopes::default(),
    }
}

fn token(revoked_at_ms: Option<u64>) -> Token {
    Token {
        role: Role::Operator,
        generation: "g".to_owned(),
        scopes: Scopes::default(),
        issuer: None,
        created_at_ms: 1,
        rotated_at_ms: None,
        revoked_at_ms,
        last_used_at_ms: None,
    }
}

/// Five devices: `a` asks, `b` is connected, `c` is a node, `d` is revoked, `e` has run out and was never seen again.
fn devices() -> Vec<Device> {
    vec![
        Device { operator_label: Some("Kitchen tablet".to_owned()), ..device("a1", "Chrome on Pixel", 0) },
        Device { last_seen_address: Some("203.0.113.9".to_owned()), ..device("b2", "zebra", 200) },
        Device {
            roles: vec![Role::Node],
            role: Role::Node,
            client_id: "node-host".to_owned(),
            platform: "linux".to_owned(),
            approved_at_ms: NOW - 5 * DAY_MS,
            ..device("c3", "Büro", 10)
        },
        Device { tokens: vec![token(Some(5))], remote_ip: Some("10.0.0.7".to_owned()), ..device("d4", "Apple", 90) },
        Device { expires_at_ms: Some(NOW - DAY_MS), last_seen_at_ms: None, ..device("e5", "apple", 0) },
    ]
}

fn ids(page: &Page<'_>) -> String {
    page.devices.iter().map(|device| &device.device_id.as_str()[..1]).collect()
}

#[track_caller]
fn check(wanted: &DevicePageParams, expected: &str) {
    let (devices, connected, own) = (devices(), HashSet::from([DeviceId::claimed("b2")]), DeviceId::claimed("a1"));
    let facts = Facts { connected: &connected, own: Some(&own), is_confined: false, now_ms: NOW };
    assert_eq!(ids(&page(&devices, wanted, facts)), expected, "{wanted:?}");
}

fn search(query: &str) -> DevicePageParams {
    DevicePageParams { query: query.to_owned(), ..DevicePageParams::default() }
}

#[test]
fn it_finds_devices_by_everything_that_people_know_them_by() {
    check(&search(""), "bacde");
    check(&search("KITCHEN"), "a");
    check(&search("pixel tablet"), "a");
    check(&search("pixel zebra"), "");
    check(&search("bÜro"), "c");
    check(&search("203.0.113"), "b");
    check(&search("10.0.0.7"), "d");
    check(&search("linux"), "c");
    check(&search("browser"), "bade");
    check(&search("node-host"), "c");
    check(&search(" e5 "), "e");
    check(&search("5"), "");
}

#[test]
fn it_filters_by_role_state_and_when_a_device_was_seen() {
    let all = DevicePageParams::default;
    check(&DevicePageParams { role: Some(Role::Node), ..all() }, "c");
    check(&DevicePageParams { role: Some(Role::Operator), ..all() }, "bade");
    check(&DevicePageParams { state: Some(DeviceState::Online), ..all() }, "b");
    check(&DevicePageParams { state: Some(DeviceState::Offline), ..all() }, "acde");
    check(&DevicePageParams { state: Some(DeviceState::Revoked), ..all() }, "d");
    check(&DevicePageParams { state: Some(DeviceState::Ended), ..all() }, "e");
    check(&DevicePageParams { state: Some(DeviceState::Offering), ..all() }, "");
    check(&DevicePageParams { seen_within_ms: Some(5 * DAY_MS), ..all() }, "bac");
    check(&DevicePageParams { seen_within_ms: Some(5 * DAY_MS - 1), ..all() }, "ba");
    check(&DevicePageParams { unseen_for_ms: Some(UNUSED_AFTER_MS), ..all() }, "de");
    check(&DevicePageParams { role: Some(Role::Operator), query: "apple".to_owned(), ..all() }, "de");
}

#[test]
fn whoever_asks_and_whoever_is_connected_is_never_taken_for_unused() {
    check(&DevicePageParams { unseen_for_ms: Some(0), sort: DeviceOrder::Name, ..DevicePageParams::default() }, "dec");
}

#[test]
fn it_sorts_without_regard_to_capitals_and_puts_who_is_connected_first_or_last() {
    let sorted = |sort| DevicePageParams { sort, ..DevicePageParams::default() };
    check(&sorted(DeviceOrder::Recent), "bacde");
    check(&sorted(DeviceOrder::Name), "decab");
    check(&sorted(DeviceOrder::Approved), "cabde");
    check(&sorted(DeviceOrder::Idle), "edcab");
}

#[test]
fn it_cuts_pages_and_shows_the_last_one_to_whoever_looks_behind_it() {
    let cut = |offset, limit| DevicePageParams { offset, limit: Some(limit), ..DevicePageParams::default() };
    check(&cut(0, 2), "ba");
    check(&cut(2, 2), "cd");
    check(&cut(4, 2), "e");
    check(&cut(400, 2), "e");
    check(&cut(1, 2), "ac");
    check(&cut(0, 0), "");
    check(&cut(u64::MAX, 5), "bacde");
}

#[test]
fn it_counts_all_whatever_is_searched_for() {
    let (devices, connected) = (devices(), HashSet::from([DeviceId::claimed("b2")]));
    let facts = Facts { connected: &connected, own: None, is_confined: false, now_ms: NOW };
    let found = page(&devices, &DevicePageParams { limit: Some(1), ..search("apple") }, facts);
    assert_eq!((ids(&found).as_str(), found.matching, found.paired, found.connected, found.unused), ("d", 2, 5, 1, 2));
}

#[test]
fn who_sees_only_itself_finds_and_counts_nobody_else() {
    let (devices, connected, own) = (devices(), HashSet::from([DeviceId::claimed("b2")]), DeviceId::claimed("d4"));
    let facts = Facts { connected: &connected, own: Some(&own), is_confined: true, now_ms: NOW };
    let found = page(&devices, &DevicePageParams::default(), facts);
    assert_eq!((ids(&found).as_str(), found.paired, found.connected, found.unused), ("d", 1, 0, 0));
}
