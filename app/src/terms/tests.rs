use protocol::DeviceId;
use protocol::pairing::{Evidence, Network, Origin, PairingReason};
use protocol::role::{OWNER_SCOPES, PAIRING, READ, WRITE};

use super::*;

fn request(asked: &[&str], held: &[&str]) -> PendingRequest {
    PendingRequest {
        request_id: "r".to_owned(),
        device_id: DeviceId::claimed("d"),
        public_key: "k".to_owned(),
        display_name: None,
        platform: "Android".to_owned(),
        device_family: None,
        client_id: "openclaw-control-ui".to_owned(),
        client_mode: "webchat".to_owned(),
        role: Role::Operator,
        roles: vec![Role::Operator],
        scopes: asked.iter().copied().collect(),
        remote_ip: None,
        silent: false,
        is_repair: false,
        ts: 0,
        evidence: Some(Evidence {
            digest: "x".to_owned(),
            reason: PairingReason::ScopeUpgrade,
            expires_at_ms: 1,
            attempts: 1,
            has_secret: true,
            origin: Origin {
                address: "10.0.0.7".to_owned(),
                network: Network::Lan,
                resolved: "directly".to_owned(),
                encrypted: true,
                page: None,
            },
            approved_scopes: held.iter().copied().collect(),
            user_agent: None,
            node: None,
            known: None,
        }),
    }
}

/// Each box as `scope`, with `+` if it is ticked and a letter for why it is fixed.
#[track_caller]
fn check(request: &PendingRequest, terms: &Terms, own: &[&str], expected: &[&str]) {
    let own = own.iter().copied().collect();
    let told: Vec<String> = boxes(request, terms, &own)
        .iter()
        .map(|one| {
            let fixed = match one.fixed {
                None => "",
                Some(Fixed::Held) => " held",
                Some(Fixed::Implied) => " implied",
                Some(Fixed::NotYours) => " not yours",
            };
            let name = one.scope.strip_prefix("operator.").unwrap_or(&one.scope);
            format!("{}{name}{fixed}", if one.is_ticked { "+" } else { "-" })
        })
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn what_another_right_implies_cannot_be_unticked_until_that_one_is() {
    let asks = request(&[READ, WRITE, PAIRING], &[]);
    let all = Terms::default();
    check(&asks, &all, &OWNER_SCOPES, &["+read implied", "+write", "+pairing"]);
    let less = tick(&asks, &all, WRITE, false);
    assert_eq!(less.scopes, Some(Scopes::from([READ, PAIRING])));
    check(&asks, &less, &OWNER_SCOPES, &["+read", "-write", "+pairing"]);
    assert_eq!(tick(&asks, &less, WRITE, true).scopes, None, "all of it is no choice");
}

#[test]
fn who_asks_for_everything_can_be_given_a_part() {
    let asks = request(&[ADMIN], &[]);
    check(&asks, &Terms::default(), &OWNER_SCOPES, &["+admin", "+read implied", "+write implied"]);
    let less = tick(&asks, &Terms::default(), ADMIN, false);
    let less = tick(&asks, &less, WRITE, false);
    assert_eq!(less.scopes, Some(Scopes::from([READ])));
    assert!(!is_nothing(&less) && is_nothing(&tick(&asks, &less, READ, false)));
}

#[test]
fn what_it_has_stays_and_what_you_lack_cannot_be_given() {
    let asks = request(&[READ, WRITE, PAIRING], &[READ]);
    let own = [PAIRING, READ];
    check(&asks, &Terms::default(), &own, &["+read held", "-write not yours", "+pairing"]);
    let mine = within(&asks, &Terms::default(), &own.into());
    assert_eq!(mine.scopes, Some(Scopes::from([READ, PAIRING])));
    assert_eq!(required(&asks, &mine), [READ, PAIRING]);
    assert_eq!(required(&asks, &Terms::default()), [READ, WRITE, PAIRING]);
}

#[test]
fn a_node_is_all_or_nothing_and_takes_full_rights() {
    let node = PendingRequest { roles: vec![Role::Operator, Role::Node], ..request(&[READ], &[]) };
    assert!(!can_choose(&node) && can_choose(&request(&[READ], &[])) && !can_choose(&request(&[], &[])));
    assert_eq!(required(&node, &Terms::default()), [ADMIN]);
}

#[test]
fn the_button_says_what_it_does() {
    let words = |scopes: Option<Scopes>, expires_in_ms| approve_words(&Terms { scopes, label: None, expires_in_ms });
    assert_eq!(words(None, None), "Approve");
    assert_eq!(words(None, Some(0)), "Approve");
    assert_eq!(words(None, Some(HOUR_MS)), "Approve for 1 hour");
    assert_eq!(words(Some(Scopes::from([READ])), None), "Approve this much");
    assert_eq!(words(Some(Scopes::from([READ])), Some(90 * DAY_MS)), "Approve this much for 90 days");
    assert_eq!(LENGTHS_MS.map(length_words), ["until revoked", "90 days", "1 day", "1 hour"]);
}

#[test]
fn an_end_is_told_before_and_after_it() {
    assert_eq!(ends_words(None, 5), None);
    assert_eq!(ends_words(Some(2 * HOUR_MS), HOUR_MS).as_deref(), Some("ends in 1 hour"));
    assert_eq!(ends_words(Some(HOUR_MS), 2 * HOUR_MS).as_deref(), Some("ended 1 hour ago"));
}

#[test]
fn what_changed_is_told_and_what_is_only_missing_is_not() {
    let known = Known {
        name: "Pixel".to_owned(),
        platform: "Windows".to_owned(),
        device_family: Some("Phone".to_owned()),
        client_id: "cli".to_owned(),
        roles: vec![Role::Operator],
        expires_at_ms: None,
    };
    let asks = PendingRequest { roles: vec![Role::Operator, Role::Node], ..request(&[READ], &[]) };
    let told = differences(&asks, &known);
    let pair = |before: &str, now: &str| (before.to_owned(), now.to_owned());
    assert_eq!(told, [pair("Windows", "Android"), pair("Command line", "Browser")]);
    assert_eq!(new_roles(&asks, &known), [Role::Node]);
}
