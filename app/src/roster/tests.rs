use protocol::method::DevicePageParams;
use protocol::pairing::{Approval, Network, Origin, PairingReason};
use serde_json::{from_value, json};

use super::*;

const NOW: u64 = 1_000 * DAY_MS;

fn device() -> PairedDevice {
    PairedDevice {
        device_id: DeviceId::claimed("d1234567890"),
        public_key: String::new(),
        display_name: Some("Chrome on Pixel".to_owned()),
        operator_label: None,
        platform: Some("Android".to_owned()),
        device_family: None,
        client_id: "openclaw-control-ui".to_owned(),
        client_mode: "webchat".to_owned(),
        role: Role::Operator,
        roles: vec![Role::Operator],
        scopes: Scopes::from(["operator.read"]),
        remote_ip: None,
        approved_via: ApprovedVia::Owner,
        created_at_ms: NOW - 3 * DAY_MS,
        approved_at_ms: NOW - 3 * DAY_MS,
        last_seen_at_ms: Some(NOW - DAY_MS),
        last_seen_reason: None,
        connected: Some(false),
        tokens: Vec::new(),
        node_surface: None,
        pending_node_surface: None,
        expires_at_ms: None,
        withheld_scopes: Scopes::default(),
    }
}

fn token(revoked_at_ms: Option<u64>) -> TokenSummary {
    TokenSummary {
        role: Role::Operator,
        scopes: Scopes::default(),
        created_at_ms: NOW - 3 * DAY_MS,
        rotated_at_ms: None,
        revoked_at_ms,
        last_used_at_ms: None,
    }
}

fn asked(view: &View) -> DevicePageParams {
    from_value(view.params()).unwrap()
}

#[test]
fn whatever_is_looked_for_is_something_that_the_gateway_understands() {
    let nothing = asked(&View::default());
    assert_eq!(nothing, DevicePageParams { limit: Some(PAGE_SIZE), ..DevicePageParams::default() });
    for (role, _) in View::roles() {
        assert_eq!(asked(&View { role: role.to_owned(), ..View::default() }).role, Role::parse(role));
    }
    for (state, _) in View::states() {
        let view = View { state: state.to_owned(), ..View::default() };
        assert_eq!(asked(&view).state.is_none(), state.is_empty() || view.is_of_blocked());
    }
    for (sort, _) in View::orders() {
        asked(&View { sort: sort.to_owned(), ..View::default() });
    }
    let spans = View::spans().map(|(seen, _)| {
        let params = asked(&View { seen: seen.to_owned(), ..View::default() });
        (params.seen_within_ms.map(|ms| ms / DAY_MS), params.unseen_for_ms.map(|ms| ms / DAY_MS))
    });
    let within = |days| (Some(days), None);
    let beyond = |days| (None, Some(days));
    assert_eq!(spans, [(None, None), within(1), within(7), within(31), beyond(30), beyond(90)]);
    let unused: DevicePageParams = from_value(unused_params()).unwrap();
    assert_eq!((unused.unseen_for_ms, unused.limit), (Some(UNUSED_AFTER_MS), Some(CLEAN_UP_SIZE)));
}

#[test]
fn a_page_tells_which_part_it_is_and_what_stands_beside_it() {
    let page = |offset, shown, matching| DevicePage {
        devices: vec![ListedDevice { device: device(), last_seen_address: None }; shown],
        offset,
        matching,
        paired: 120,
        connected: 0,
        unused: 0,
    };
    let told = [page(0, 0, 0), page(0, 50, 120), page(50, 50, 120), page(100, 20, 120)]
        .map(|page| (range(&page), neighbours(&page)));
    let expected = [
        ("0 to 0 of 0", (None, None)),
        ("1 to 50 of 120", (None, Some(50))),
        ("51 to 100 of 120", (Some(0), Some(100))),
        ("101 to 120 of 120", (Some(50), None)),
    ];
    let beside = |(before, next)| Neighbours { before, next };
    assert_eq!(told, expected.map(|(words, pages)| (words.to_owned(), beside(pages))));
}

#[test]
fn a_device_is_unused_after_ninety_days_without_a_sign_of_it() {
    let seen = |days: u64| PairedDevice { last_seen_at_ms: Some(NOW - days * DAY_MS), approved_at_ms: 1, ..device() };
    let told = [
        is_unused(&seen(89), NOW),
        is_unused(&seen(90), NOW),
        is_unused(&PairedDevice { connected: Some(true), ..seen(90) }, NOW),
        is_unused(&PairedDevice { approved_at_ms: NOW - DAY_MS, last_seen_at_ms: None, ..device() }, NOW),
    ];
    assert_eq!(told, [false, true, false, false]);
}

#[test]
fn it_tells_what_a_device_is_and_where_it_was() {
    assert_eq!(what(&device()), "Browser on Android");
    let family =
        PairedDevice { device_family: Some("iPad".to_owned()), platform: Some("iPadOS 26".to_owned()), ..device() };
    assert_eq!(what(&family), "Browser on iPad (iPadOS 26)");
    assert_eq!(what(&PairedDevice { platform: None, ..device() }), "Browser");
    assert_eq!(may(&device()), "see");
    let revoked = PairedDevice { tokens: vec![token(Some(1))], ..device() };
    assert_eq!((may(&revoked).as_str(), live_roles(&revoked)), ("nothing any more", vec![]));
    assert_eq!(live_roles(&PairedDevice { tokens: vec![token(None)], ..device() }), [Role::Operator]);
    let listed = |last: Option<&str>, asked: Option<&str>| {
        let device = PairedDevice { remote_ip: asked.map(str::to_owned), ..device() };
        last_address(&ListedDevice { device, last_seen_address: last.map(str::to_owned) })
    };
    assert_eq!(listed(Some("10.0.0.9"), Some("10.0.0.7")), "10.0.0.9");
    assert_eq!(
        (listed(None, Some("10.0.0.7")), listed(None, None)),
        ("10.0.0.7".to_owned(), "this machine".to_owned())
    );
    assert_eq!(seen(&device(), NOW), "first 3 days ago, last 1 day ago");
    assert_eq!(seen(&PairedDevice { last_seen_at_ms: None, ..device() }, NOW), "let in 3 days ago, never seen");
}

#[track_caller]
fn check_approved(via: ApprovedVia, by: Option<Approver>, name: Option<&str>, expected: &str) {
    let origin = Origin {
        address: "10.0.0.7".to_owned(),
        network: Network::Lan,
        resolved: "directly".to_owned(),
        encrypted: false,
        page: None,
    };
    let known = Explanation {
        device: PairedDevice { approved_via: via, ..device() },
        approval: Some(Approval { by, reason: PairingReason::NotPaired, has_secret: false, origin, user_agent: None }),
        approved_by_name: name.map(str::to_owned),
        last_seen_address: None,
        last_connected_at_ms: None,
        last_disconnected_at_ms: None,
        connections: Vec::new(),
    };
    assert_eq!(approved_by(&known), expected);
}

#[test]
fn it_tells_on_whose_word_a_device_is_in() {
    let laptop = || Some(Approver::Device { device_id: DeviceId::claimed("abcdef0123") });
    check_approved(ApprovedVia::Owner, laptop(), Some("Laptop"), "by the owner, on Laptop");
    check_approved(ApprovedVia::Owner, laptop(), None, "by the owner, on abcdef01");
    check_approved(ApprovedVia::Owner, Some(Approver::Owner), None, "by the owner, at the command line");
    check_approved(ApprovedVia::Owner, Some(Approver::Program), None, "by a program with the gateway's secret");
    check_approved(ApprovedVia::Owner, None, None, "by the owner");
    check_approved(ApprovedVia::Silent, None, None, "by itself, on this machine");
    check_approved(ApprovedVia::Bootstrap, None, None, "by a one-time code");
    check_approved(ApprovedVia::TrustedCidr, None, None, "by its address range");
}

#[test]
fn a_token_tells_when_it_was_made_used_and_ends() {
    let told = |token: &TokenSummary, ends| {
        let facts = token_facts(token, ends, NOW);
        facts.into_iter().map(|(label, fact)| format!("{label}: {fact}")).collect::<Vec<_>>().join("; ")
    };
    let fresh = token(None);
    assert_eq!(told(&fresh, None), "Created: 3 days ago; Last used: never; Expires: when it is revoked");
    let used = TokenSummary { rotated_at_ms: Some(NOW - 2 * DAY_MS), last_used_at_ms: Some(NOW - DAY_MS), ..fresh };
    let expected = "Created: 3 days ago; Renewed: 2 days ago; Last used: 1 day ago; Expires: ends in 4 days";
    assert_eq!(told(&used, Some(NOW + 4 * DAY_MS)), expected);
    let revoked = TokenSummary { revoked_at_ms: Some(NOW - DAY_MS), ..used };
    assert!(told(&revoked, None).ends_with("Revoked: 1 day ago"));
}

#[test]
fn only_commands_that_change_nothing_are_tried() {
    assert_eq!(harmless("device.info"), Some(json!({})));
    assert_eq!(harmless("system.which"), Some(json!({"bins": ["sh"]})));
    for command in ["system.run", "system.notify", "camera.snap", "location.get", "anything"] {
        assert_eq!(harmless(command), None);
    }
}

#[test]
fn an_address_leads_to_a_device() {
    assert_eq!(device_in("#device-abc"), Some(DeviceId::claimed("abc")));
    assert_eq!([device_in("#request-abc"), device_in("#device-"), device_in("")], [None, None, None]);
}
