use protocol::event::Decision;
use protocol::pairing::{Network, Origin};
use protocol::refusal::BlockRefusal;
use protocol::role::{ADMIN, PAIRING, READ, WRITE};

use super::*;

pub(super) const NOW: u64 = 1_000_000;

pub(super) fn ask_for(scopes: &[&str]) -> Ask {
    Ask {
        device_id: DeviceId::claimed("d1"),
        public_key: "key".to_owned(),
        display_name: Some("Pixel".to_owned()),
        platform: "Android".to_owned(),
        device_family: None,
        client_id: "openclaw-control-ui".to_owned(),
        client_mode: "webchat".to_owned(),
        role: Role::Operator,
        scopes: scopes.iter().copied().collect(),
        reason: PairingReason::NotPaired,
        has_secret: true,
        is_direct_local: false,
        origin: Origin {
            address: "192.168.1.9".to_owned(),
            network: Network::Lan,
            resolved: "directly".to_owned(),
            encrypted: false,
            page: None,
        },
        user_agent: None,
        node: None,
    }
}

pub(super) fn asked(state: DevicePairing, scopes: &[&str], id: &str, now: u64) -> Step {
    step(state, PairingEvent::Ask { ask: Box::new(ask_for(scopes)), request_id: id.to_owned() }, now).unwrap()
}

pub(super) fn decider(scopes: &[&str]) -> Decider {
    Decider {
        scopes: scopes.iter().copied().collect(),
        device_id: None,
        by_device_credential: false,
        is_owner: false,
        from: None,
    }
}

fn approve(state: DevicePairing, id: &str, decider: Decider) -> Result<Step, Refusal> {
    step(
        state,
        PairingEvent::Approve {
            request_id: id.to_owned(),
            digest: None,
            terms: Terms::default(),
            decider,
            generation: format!("g-{id}"),
        },
        NOW,
    )
}

pub(super) fn paired(scopes: &[&str]) -> DevicePairing {
    let (state, _) = asked(DevicePairing::default(), scopes, "r0", NOW);
    approve(state, "r0", decider(&[ADMIN])).unwrap().0
}

#[test]
fn a_request_keeps_its_id_while_it_does_not_widen() {
    let (mut state, effects) = asked(DevicePairing::default(), &[READ, WRITE], "r1", NOW);
    assert!(matches!(effects.as_slice(), [Effect::Announce(_)]));
    for again in 0..50 {
        let (next, effects) = asked(state, &[READ], &format!("other-{again}"), NOW + again);
        assert_eq!(effects, []);
        state = next;
    }
    let pending = state.pending.unwrap();
    assert_eq!((pending.request_id.as_str(), pending.attempts), ("r1", 51));
    assert_eq!(pending.ask.scopes, Scopes::from([READ, WRITE]));
}

#[test]
fn a_wider_request_replaces_the_old_id_and_merges() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let (state, effects) = asked(state, &[PAIRING], "r2", NOW + 1);
    assert_eq!(effects[0], Effect::Drop { request_id: "r1".to_owned(), why: Dropped::Superseded });
    assert_eq!(effects[1], Effect::Resolve { request_id: "r1".to_owned(), decision: Decision::Rejected });
    assert!(matches!(effects[2], Effect::Announce(_)));
    assert_eq!(state.pending.as_ref().unwrap().ask.scopes, Scopes::from([READ, PAIRING]));
    assert_eq!(approve(state, "r1", decider(&[ADMIN])).unwrap_err(), Refusal::RequestUnknown);
}

#[test]
fn approval_grants_exactly_what_was_asked_and_mints_a_token() {
    let (state, _) = asked(DevicePairing::default(), &[WRITE], "r1", NOW);
    let (state, effects) = approve(state, "r1", decider(&[ADMIN])).unwrap();
    assert_eq!(effects, [Effect::Resolve { request_id: "r1".to_owned(), decision: Decision::Approved }]);
    let device = state.paired.unwrap();
    assert_eq!(device.scopes, Scopes::from([WRITE]));
    let token = device.live_token(Role::Operator).unwrap();
    assert_eq!((token.generation.as_str(), &token.scopes), ("g-r1", &Scopes::from([READ, WRITE])));
    assert_eq!(state.pending, None);
}

#[test]
fn nobody_grants_more_than_they_hold() {
    let (state, _) = asked(DevicePairing::default(), &[READ, ADMIN], "r1", NOW);
    let refused = approve(state.clone(), "r1", decider(&[PAIRING, WRITE])).unwrap_err();
    assert_eq!(refused, Refusal::ApproverLacksScope { scope: ADMIN.to_owned() });
    assert!(approve(state, "r1", decider(&[ADMIN])).is_ok());
}

#[test]
fn a_device_without_admin_decides_only_about_itself() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let foreign = Decider {
        scopes: Scopes::from([PAIRING, READ]),
        device_id: Some(DeviceId::claimed("another")),
        by_device_credential: true,
        is_owner: false,
        from: None,
    };
    assert_eq!(approve(state.clone(), "r1", foreign.clone()).unwrap_err(), Refusal::ApprovalDenied);
    let reject = PairingEvent::Reject { request_id: "r1".to_owned(), digest: None, decider: foreign.clone() };
    assert_eq!(step(state, reject, NOW).unwrap_err(), Refusal::RejectionDenied);
    let remove = PairingEvent::Remove { decider: foreign };
    assert_eq!(step(paired(&[READ]), remove, NOW).unwrap_err(), Refusal::RemovalDenied);
}

#[test]
fn an_approval_of_something_else_than_displayed_is_refused() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let shown = state.pending.as_ref().unwrap().digest();
    let mut renamed = ask_for(&[READ]);
    renamed.display_name = Some("Not a Pixel".to_owned());
    let event = PairingEvent::Ask { ask: Box::new(renamed), request_id: "unused".to_owned() };
    let (state, effects) = step(state, event, NOW).unwrap();
    assert_eq!(effects, [Effect::ListChanged]);
    let approve = PairingEvent::Approve {
        request_id: "r1".to_owned(),
        digest: Some(shown),
        terms: Terms::default(),
        decider: decider(&[ADMIN]),
        generation: "g".to_owned(),
    };
    assert_eq!(step(state, approve, NOW).unwrap_err(), Refusal::RequestChanged);
}

#[test]
fn a_request_that_nobody_decides_is_forgotten_after_five_minutes() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let (kept, effects) = step(state.clone(), PairingEvent::Sweep, NOW + PAIRING_LIFETIME_MS - 1).unwrap();
    assert_eq!((kept, effects), (state.clone(), Vec::new()));
    let (gone, effects) = step(state, PairingEvent::Sweep, NOW + PAIRING_LIFETIME_MS).unwrap();
    assert_eq!(gone.pending, None);
    assert_eq!(effects[0], Effect::Drop { request_id: "r1".to_owned(), why: Dropped::Expired });
}

#[test]
fn revoking_leaves_the_device_without_a_role_until_it_is_approved_again() {
    let revoke = PairingEvent::Revoke { role: "operator".to_owned(), decider: decider(&[ADMIN]) };
    let (state, effects) = step(paired(&[READ]), revoke, NOW + 5).unwrap();
    assert_eq!(effects[0], Effect::CloseSockets { role: Some(Role::Operator) });
    assert_eq!(state.paired.as_ref().unwrap().live_token(Role::Operator), None);
    let (state, _) = asked(state, &[READ], "r2", NOW + 6);
    let (state, _) = approve(state, "r2", decider(&[ADMIN])).unwrap();
    let device = state.paired.unwrap();
    assert_eq!(device.live_token(Role::Operator).unwrap().generation, "g-r2");
}

#[test]
fn rotation_needs_every_scope_the_token_holds() {
    let rotate = |scopes: &[&str]| PairingEvent::Rotate {
        role: "operator".to_owned(),
        scopes: None,
        decider: decider(scopes),
        generation: "new".to_owned(),
    };
    let denied = step(paired(&[WRITE]), rotate(&[PAIRING, READ]), NOW).unwrap_err();
    assert_eq!(denied, Refusal::RotationDenied);
    let (state, effects) = step(paired(&[WRITE]), rotate(&[PAIRING, WRITE]), NOW).unwrap();
    assert_eq!(effects[0], Effect::RenewSockets { role: Role::Operator });
    assert_eq!(state.paired.unwrap().live_token(Role::Operator).unwrap().generation, "new");
}

#[test]
fn rotation_never_widens_a_token() {
    let rotate = PairingEvent::Rotate {
        role: "operator".to_owned(),
        scopes: Some(Scopes::from([ADMIN])),
        decider: decider(&[ADMIN]),
        generation: "new".to_owned(),
    };
    assert_eq!(step(paired(&[WRITE]), rotate, NOW).unwrap_err(), Refusal::RotationDenied);
}

#[test]
fn removing_closes_every_socket_and_forgets_the_request() {
    let (state, _) = asked(paired(&[READ]), &[ADMIN], "r2", NOW);
    let (state, effects) = step(state, PairingEvent::Remove { decider: decider(&[PAIRING]) }, NOW).unwrap();
    assert_eq!(state, DevicePairing::default());
    assert_eq!(effects[0], Effect::CloseSockets { role: None });
}

#[test]
fn a_name_needs_a_letter() {
    let rename = |label: &str| PairingEvent::Rename { label: label.to_owned(), decider: decider(&[PAIRING]) };
    assert_eq!(step(paired(&[READ]), rename("  "), NOW).unwrap_err(), Refusal::LabelRequired);
    let (state, _) = step(paired(&[READ]), rename("  My Laptop "), NOW).unwrap();
    assert_eq!(state.paired.unwrap().operator_label.as_deref(), Some("My Laptop"));
}

#[test]
fn a_code_for_two_roles_gives_both_tokens_at_once() {
    let ask = Ask { role: Role::Node, ..ask_for(&[READ, WRITE]) };
    let grant = PairingEvent::Grant {
        ask: Box::new(ask),
        roles: vec![Role::Node, Role::Operator],
        via: ApprovedVia::Bootstrap,
        generation: "g".to_owned(),
        issuer: None,
    };
    let (state, _) = step(DevicePairing::default(), grant, NOW).unwrap();
    let device = state.paired.unwrap();
    assert_eq!(device.roles, [Role::Node, Role::Operator]);
    assert_eq!(device.live_token(Role::Node).unwrap().scopes, Scopes::default());
    assert_eq!(device.live_token(Role::Operator).unwrap().scopes, Scopes::from([READ, WRITE]));
}

#[test]
fn a_token_that_was_revoked_meanwhile_is_not_issued_again() {
    let revoke = PairingEvent::Revoke { role: "operator".to_owned(), decider: decider(&[ADMIN]) };
    let (revoked, _) = step(paired(&[READ]), revoke, NOW).unwrap();
    let reissue = PairingEvent::Reissue {
        role: Role::Operator,
        scopes: Scopes::from([READ]),
        generation: "new".to_owned(),
        issuer: None,
    };
    let (state, _) = step(revoked.clone(), reissue.clone(), NOW).unwrap();
    assert_eq!(state, revoked);
    let (state, _) = step(paired(&[READ]), reissue, NOW).unwrap();
    assert_eq!(state.paired.unwrap().live_token(Role::Operator).unwrap().generation, "new");
}

fn block(state: DevicePairing, decider: Decider, with_address: bool) -> Result<Step, Refusal> {
    step(state, PairingEvent::Block { device_id: DeviceId::claimed("d1"), with_address, decider }, NOW)
}

#[test]
fn blocking_takes_everything_and_lets_nothing_new_be_asked() {
    let (state, _) = asked(paired(&[READ]), &[WRITE], "r1", NOW);
    let (state, effects) = block(state, decider(&[PAIRING]), false).unwrap();
    let [told, resolved, closed, ..] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(*closed, Effect::CloseSockets { role: None });
    assert_eq!(*told, Effect::Drop { request_id: "r1".to_owned(), why: Dropped::Blocked });
    assert_eq!(*resolved, Effect::Resolve { request_id: "r1".to_owned(), decision: Decision::Rejected });
    assert_eq!((&state.paired, &state.pending), (&None, &None));
    assert_eq!(state.blocked.as_ref().unwrap().name.as_deref(), Some("Pixel"));

    let ask = || Box::new(ask_for(&[READ]));
    let grant = PairingEvent::Grant {
        ask: ask(),
        roles: vec![Role::Operator],
        via: ApprovedVia::Bootstrap,
        generation: "g".to_owned(),
        issuer: None,
    };
    for event in [PairingEvent::Ask { ask: ask(), request_id: "r2".to_owned() }, grant] {
        let refused = step(state.clone(), event, NOW).unwrap_err();
        assert!(refused.message().starts_with("device blocked: "), "{refused:?}");
    }
    let (state, _) = step(state, PairingEvent::Unblock { decider: decider(&[PAIRING]) }, NOW).unwrap();
    assert!(asked(state, &[READ], "r3", NOW).0.pending.is_some());
}

#[test]
fn an_address_is_blocked_only_if_it_is_known_and_not_this_machine() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let (blocked, _) = block(state.clone(), decider(&[PAIRING]), true).unwrap();
    assert_eq!(blocked.blocked.clone().unwrap().address.as_deref(), Some("192.168.1.9"));
    // Blocked again, without a word about the address, it stays blocked with it.
    let (again, _) = block(blocked, decider(&[PAIRING]), false).unwrap();
    assert_eq!(again.blocked.unwrap().address.as_deref(), Some("192.168.1.9"));

    let mut local = state;
    local.pending.as_mut().unwrap().ask.origin.address = "127.0.0.1".to_owned();
    let refused = block(local, decider(&[PAIRING]), true).unwrap_err();
    assert_eq!(refused, Refusal::Block(BlockRefusal::NoAddress));
}

#[test]
fn who_may_block_whom() {
    let own = |by_device_credential, scopes: &[&str], id: &str| Decider {
        device_id: Some(DeviceId::claimed(id)),
        by_device_credential,
        ..decider(scopes)
    };
    let refused = |decider| block(paired(&[READ]), decider, false).map(|_| ());
    assert_eq!(refused(own(true, &[PAIRING], "d2")), Err(Refusal::Block(BlockRefusal::Denied)));
    assert_eq!(refused(own(true, &[ADMIN], "d1")), Err(Refusal::Block(BlockRefusal::Itself)));
    assert_eq!(refused(own(true, &[ADMIN], "d2")), Ok(()));
    // What no key could have as its id is a slip of the keyboard.
    let stranger = |id: &str| {
        let event =
            PairingEvent::Block { device_id: DeviceId::claimed(id), with_address: false, decider: decider(&[PAIRING]) };
        step(DevicePairing::default(), event, NOW).map(|_| ())
    };
    assert_eq!(stranger("Phone"), Err(Refusal::Block(BlockRefusal::NoDevice)));
    assert_eq!(stranger(&"a1".repeat(32)), Ok(()));
}

#[test]
fn an_approval_is_remembered_with_who_gave_it_and_what_was_known() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let by = Decider { is_owner: true, ..decider(&[ADMIN]) };
    let approval = approve(state, "r1", by).unwrap().0.paired.unwrap().approval.unwrap();
    assert_eq!((approval.by, approval.has_secret), (Some(Approver::Owner), true));
    assert_eq!(approval.origin.address, "192.168.1.9");
}
