//! Approvals that give less, end by themselves, or are taken back.

use protocol::method::Terms;
use protocol::refusal::ApproveRefusal;
use protocol::role::{ADMIN, PAIRING, READ, WRITE};

use super::tests::{NOW, ask_for, asked, decider, paired};
use super::*;

const HOUR_MS: u64 = 60 * 60 * 1000;

fn only(scopes: &[&str]) -> Terms {
    Terms { scopes: Some(scopes.iter().copied().collect()), ..Terms::default() }
}

fn lasting(expires_in_ms: u64) -> Terms {
    Terms { expires_in_ms: Some(expires_in_ms), ..Terms::default() }
}

fn approve_on(state: DevicePairing, id: &str, terms: Terms, decider: Decider, now_ms: u64) -> Result<Step, Refusal> {
    let (request_id, generation) = (id.to_owned(), format!("g-{id}"));
    step(state, PairingEvent::Approve { request_id, digest: None, terms, decider, generation }, now_ms)
}

/// Asked for and approved on these terms.
fn paired_on(scopes: &[&str], terms: Terms) -> DevicePairing {
    let (state, _) = asked(DevicePairing::default(), scopes, "r0", NOW);
    approve_on(state, "r0", terms, decider(&[ADMIN]), NOW).unwrap().0
}

/// An approval of a request for these scopes, and what it takes to undo it.
fn approved(state: DevicePairing, scopes: &[&str], now_ms: u64) -> (DevicePairing, Undoable) {
    let (state, _) = asked(state, scopes, "r1", now_ms);
    let before = state.paired.clone();
    let (state, _) = approve_on(state, "r1", Terms::default(), decider(&[ADMIN]), now_ms).unwrap();
    let after = state.paired.clone().unwrap();
    (state, Undoable { before, after })
}

fn undo(state: DevicePairing, undoable: &Undoable, decider: Decider) -> Result<Step, Refusal> {
    step(state, PairingEvent::Undo { undoable: Box::new(undoable.clone()), decider }, NOW + 10)
}

#[test]
fn less_is_granted_than_was_asked_and_the_request_is_answered() {
    let (state, _) = asked(DevicePairing::default(), &[ADMIN, READ, PAIRING], "r1", NOW);
    let (state, effects) = approve_on(state, "r1", only(&[READ]), decider(&[ADMIN]), NOW).unwrap();
    assert_eq!(effects, [Effect::Resolve { request_id: "r1".to_owned(), decision: Decision::Approved }]);
    let device = state.paired.unwrap();
    assert_eq!(
        (device.scopes.clone(), device.withheld.clone()),
        (Scopes::from([READ]), Scopes::from([ADMIN, PAIRING]))
    );
    assert_eq!(device.live_token(Role::Operator).unwrap().scopes, Scopes::from([READ]));
    assert_eq!(state.pending, None);
}

#[test]
fn what_was_left_out_is_not_held_back_once_it_is_granted() {
    let state = paired_on(&[READ, WRITE, PAIRING], only(&[READ]));
    let (state, _) = asked(state, &[WRITE], "r1", NOW);
    let (state, _) = approve_on(state, "r1", Terms::default(), decider(&[ADMIN]), NOW).unwrap();
    let device = state.paired.unwrap();
    assert_eq!((device.scopes, device.withheld), (Scopes::from([READ, WRITE]), Scopes::from([PAIRING])));
}

#[test]
fn terms_that_do_not_fit_are_refused_and_what_is_implied_fits() {
    #[track_caller]
    fn check(asked_for: &[&str], granted: &[&str], expected: Result<(), ApproveRefusal>) {
        let (state, _) = asked(DevicePairing::default(), asked_for, "r1", NOW);
        let outcome = approve_on(state, "r1", only(granted), decider(&[ADMIN]), NOW).map(|_| ());
        assert_eq!(outcome, expected.map_err(Refusal::Approve), "{granted:?} of {asked_for:?}");
    }
    check(&[READ], &[READ, PAIRING], Err(ApproveRefusal::NotAsked { scope: PAIRING.to_owned() }));
    check(&[WRITE], &[ADMIN], Err(ApproveRefusal::NotAsked { scope: ADMIN.to_owned() }));
    check(&[READ], &[], Err(ApproveRefusal::NothingLeft));
    check(&[], &[], Ok(()));
    check(&[WRITE], &[READ], Ok(()));
    check(&[ADMIN], &[PAIRING], Ok(()));
}

#[test]
fn a_node_is_approved_whole() {
    let ask = Ask { role: Role::Node, ..ask_for(&[]) };
    let event = PairingEvent::Ask { ask: Box::new(ask), request_id: "r1".to_owned() };
    let (state, _) = step(DevicePairing::default(), event, NOW).unwrap();
    let (state, _) =
        step(state, PairingEvent::Ask { ask: Box::new(ask_for(&[READ, WRITE])), request_id: "r2".to_owned() }, NOW)
            .unwrap();
    let refused = approve_on(state.clone(), "r2", only(&[READ]), decider(&[ADMIN]), NOW).unwrap_err();
    assert_eq!(refused, Refusal::Approve(ApproveRefusal::NodeIsWhole));
    assert!(approve_on(state, "r2", only(&[READ, WRITE]), decider(&[ADMIN]), NOW).is_ok());
}

/// Whoever approves needs what is granted, not what was asked: every set of scopes against every other.
#[test]
fn nobody_grants_more_than_they_hold_whatever_was_asked() {
    let sets: [&[&str]; 6] = [&[READ], &[WRITE], &[PAIRING], &[ADMIN], &[READ, PAIRING], &[WRITE, PAIRING, ADMIN]];
    for asked_for in sets {
        for granted in sets {
            for held in sets {
                let (state, _) = asked(DevicePairing::default(), asked_for, "r1", NOW);
                let outcome = approve_on(state, "r1", only(granted), decider(held), NOW);
                let (asked_for, granted, held): (Scopes, Scopes, Scopes) = (
                    asked_for.iter().copied().collect(),
                    granted.iter().copied().collect(),
                    held.iter().copied().collect(),
                );
                let may = asked_for.allow_all(Role::Operator, &granted) && held.allow_all(Role::Operator, &granted);
                assert_eq!(outcome.is_ok(), may, "{held:?} grants {granted:?} of {asked_for:?}");
                let got = outcome.ok().and_then(|(state, _)| state.paired).map(|device| device.scopes);
                assert!(got.is_none_or(|got| got.same_set(&granted)));
            }
        }
    }
}

#[test]
fn a_name_comes_with_the_approval() {
    let named = |label: &str| {
        let terms = Terms { label: Some(label.to_owned()), ..Terms::default() };
        let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
        approve_on(state, "r1", terms, decider(&[ADMIN]), NOW)
    };
    assert_eq!(named(" ").unwrap_err(), Refusal::LabelRequired);
    let label = named(" Kitchen ").unwrap().0.paired.unwrap().operator_label;
    assert_eq!(label.as_deref(), Some("Kitchen"));
}

#[test]
fn a_change_since_it_was_shown_is_said_before_anything_else() {
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let outdated = |terms| PairingEvent::Approve {
        request_id: "r1".to_owned(),
        digest: Some("stale".to_owned()),
        terms,
        decider: decider(&[ADMIN]),
        generation: "g".to_owned(),
    };
    assert_eq!(step(state.clone(), outdated(only(&[ADMIN])), NOW).unwrap_err(), Refusal::RequestChanged);
    let reject = |digest: String| PairingEvent::Reject {
        request_id: "r1".to_owned(),
        digest: Some(digest),
        decider: decider(&[ADMIN]),
    };
    let shown = state.pending.as_ref().unwrap().digest();
    assert_eq!(step(state.clone(), reject("stale".to_owned()), NOW).unwrap_err(), Refusal::RequestChanged);
    assert_eq!(step(state, reject(shown), NOW).unwrap().0.pending, None);
}

#[test]
fn an_approval_ends_when_its_time_is_up() {
    let state = paired_on(&[READ], lasting(HOUR_MS));
    let (kept, effects) = step(state.clone(), PairingEvent::Sweep, NOW + HOUR_MS - 1).unwrap();
    assert_eq!((kept, effects), (state.clone(), Vec::new()));
    let (state, effects) = step(state, PairingEvent::Sweep, NOW + HOUR_MS).unwrap();
    assert_eq!(effects, [Effect::EndSockets, Effect::ListChanged]);
    let device = state.paired.as_ref().unwrap();
    assert!(device.has_run_out() && device.live_token(Role::Operator).is_none());
    assert_eq!(device.expires_at_ms, Some(NOW + HOUR_MS));
    assert_eq!(step(state.clone(), PairingEvent::Sweep, NOW + 2 * HOUR_MS).unwrap(), (state, Vec::new()));
}

#[test]
fn a_device_whose_time_was_up_begins_anew() {
    let state = paired_on(&[ADMIN, PAIRING], Terms { expires_in_ms: Some(HOUR_MS), ..only(&[ADMIN]) });
    let (state, _) = asked(state, &[READ], "r1", NOW + HOUR_MS);
    let shown = state.pending.as_ref().unwrap().shown(state.paired.as_ref()).evidence.unwrap();
    assert_eq!(shown.approved_scopes, Scopes::default());
    let known = shown.known.unwrap();
    assert_eq!((known.name.as_str(), known.roles, known.expires_at_ms), ("Pixel", Vec::new(), Some(NOW + HOUR_MS)));
    let (state, _) = approve_on(state, "r1", Terms::default(), decider(&[ADMIN]), NOW + HOUR_MS + 1).unwrap();
    let device = state.paired.unwrap();
    assert_eq!((device.scopes, device.withheld, device.expires_at_ms), (Scopes::from([READ]), Scopes::default(), None));
}

#[test]
fn more_is_not_longer_unless_that_is_said() {
    let upgraded = |terms| {
        let (state, _) = asked(paired_on(&[READ], lasting(HOUR_MS)), &[WRITE], "r1", NOW + 1);
        approve_on(state, "r1", terms, decider(&[ADMIN]), NOW + 1).unwrap().0.paired.unwrap().expires_at_ms
    };
    assert_eq!(upgraded(Terms::default()), Some(NOW + HOUR_MS));
    assert_eq!(upgraded(lasting(2 * HOUR_MS)), Some(NOW + 1 + 2 * HOUR_MS));
    assert_eq!(upgraded(lasting(0)), None);
}

#[test]
fn a_revocation_before_the_end_is_a_revocation() {
    let revoke = PairingEvent::Revoke { role: "operator".to_owned(), decider: decider(&[ADMIN]) };
    let (state, _) = step(paired_on(&[READ], lasting(HOUR_MS)), revoke, NOW + 1).unwrap();
    assert!(!state.paired.unwrap().has_run_out());
}

#[test]
fn undone_a_new_device_is_not_paired_any_more() {
    let (state, undoable) = approved(DevicePairing::default(), &[READ], NOW);
    let (state, effects) = undo(state, &undoable, decider(&[ADMIN])).unwrap();
    assert_eq!(state, DevicePairing::default());
    assert_eq!(effects, [Effect::CloseSockets { role: None }, Effect::ListChanged]);
}

#[test]
fn undone_an_upgrade_leaves_exactly_what_was_there() {
    let before = paired_on(&[READ, PAIRING], Terms { expires_in_ms: Some(HOUR_MS), ..only(&[READ]) });
    let (state, undoable) = approved(before.clone(), &[WRITE, PAIRING], NOW + 5);
    let (undone, effects) = undo(state.clone(), &undoable, decider(&[ADMIN])).unwrap();
    assert_eq!(undone, before);
    assert_eq!(effects, [Effect::NarrowSockets, Effect::ListChanged]);

    // A device that has come in by its new token keeps that, and may no more with it than before.
    let mut used = state;
    used.paired.as_mut().unwrap().tokens[0].last_used_at_ms = Some(NOW + 6);
    let token = undo(used, &undoable, decider(&[ADMIN])).unwrap().0.paired.unwrap().tokens.remove(0);
    assert_eq!((token.generation.as_str(), token.scopes), ("g-r1", Scopes::from([READ])));
}

#[test]
fn undoing_never_takes_back_what_somebody_decided_later() {
    let (state, undoable) = approved(paired(&[READ]), &[WRITE], NOW + 5);
    let revoke = PairingEvent::Revoke { role: "operator".to_owned(), decider: decider(&[ADMIN]) };
    let block =
        PairingEvent::Block { device_id: DeviceId::claimed("d1"), with_address: false, decider: decider(&[ADMIN]) };
    let remove = PairingEvent::Remove { decider: decider(&[ADMIN]) };
    for later in [revoke, block, remove] {
        let (changed, _) = step(state.clone(), later, NOW + 6).unwrap();
        let refused = undo(changed, &undoable, decider(&[ADMIN])).unwrap_err();
        assert_eq!(refused, Refusal::Approve(ApproveRefusal::UndoChanged));
    }
    // A name is no decision about what it may do.
    let rename = PairingEvent::Rename { label: "Mine".to_owned(), decider: decider(&[ADMIN]) };
    let (renamed, _) = step(state, rename, NOW + 6).unwrap();
    let device = undo(renamed, &undoable, decider(&[ADMIN])).unwrap().0.paired.unwrap();
    assert_eq!((device.operator_label.as_deref(), device.scopes), (Some("Mine"), Scopes::from([READ])));
}

#[test]
fn who_may_undo() {
    let device = |id: &str, scopes: &[&str]| Decider { device_id: Some(DeviceId::claimed(id)), ..decider(scopes) };
    let (state, _) = asked(DevicePairing::default(), &[READ], "r1", NOW);
    let (state, _) = approve_on(state, "r1", Terms::default(), device("a", &[PAIRING, READ]), NOW).unwrap();
    let undoable = Undoable { before: None, after: state.paired.clone().unwrap() };
    let refused = undo(state.clone(), &undoable, device("b", &[PAIRING, READ])).unwrap_err();
    assert_eq!(refused, Refusal::Approve(ApproveRefusal::UndoDenied));
    assert!(undo(state.clone(), &undoable, device("a", &[PAIRING])).is_ok());
    assert!(undo(state, &undoable, device("b", &[ADMIN])).is_ok());
}
