use protocol::pairing::PairingReason;
use protocol::refusal::Audience;
use protocol::{DeviceId, PublicKey, Refusal, Role, Scopes};

use super::*;

const NOW: u64 = 1_000_000;

fn hello() -> Input {
    Input::Welcomed(Box::default())
}

fn pending() -> Input {
    Input::Pending(Box::new(PairPending {
        request_id: "r".to_owned(),
        device_id: DeviceId::claimed("d"),
        reason: PairingReason::NotPaired,
        expires_at_ms: NOW,
        now_ms: NOW,
        fingerprint: PublicKey::from_bytes([7; 32]).fingerprint(),
        role: Role::Operator,
        scopes: Scopes::default(),
    }))
}

fn refusal(refusal: &Refusal) -> Input {
    Input::Refused(refusal.wire_error().unwrap())
}

fn closed(code: u16, reason: &str) -> Input {
    Input::Closed { code, reason: reason.to_owned() }
}

fn token() -> SecretKind {
    SecretKind::Token
}

fn missing() -> Input {
    refusal(&Refusal::SecretMissing { kind: token(), audience: Audience::ControlUi })
}

fn mismatch() -> Input {
    refusal(&Refusal::SecretMismatch {
        kind: token(),
        audience: Audience::ControlUi,
        can_retry_with_device_token: false,
    })
}

/// Plays `inputs` and returns the state and what the last one asked for.
fn play(session: &mut Session, inputs: Vec<Input>) -> (&'static str, Vec<Effect>) {
    let mut effects = Vec::new();
    for input in inputs {
        effects = session.step(input, NOW, 0.5);
    }
    (session.state(), effects)
}

#[track_caller]
fn check(inputs: Vec<Input>, expected: &str) {
    assert_eq!(play(&mut Session::new(None, None), inputs).0, expected);
}

#[test]
fn each_answer_has_its_screen() {
    check(vec![], "connecting");
    check(vec![hello()], "connected");
    check(vec![pending()], "waiting");
    check(vec![pending(), hello()], "connected");
    check(vec![missing(), closed(1008, "unauthorized")], "secret");
    check(vec![pending(), refusal(&Refusal::PairingRejected { request_id: "r".to_owned() })], "refused");
    check(vec![Input::NoKey(KeyProblem::InsecureContext)], "insecure");
    check(vec![Input::NoKey(KeyProblem::Unsupported("no Ed25519".to_owned()))], "unsupported");
    check(vec![closed(1006, "")], "away");
    check(vec![hello(), closed(4001, "device removed")], "removed");
}

#[test]
fn a_refusal_outlives_the_close_that_follows_it_and_is_not_repeated() {
    let mut session = Session::new(None, None);
    let rejected = refusal(&Refusal::PairingRejected { request_id: "r".to_owned() });
    let after = play(&mut session, vec![pending(), rejected, closed(1008, "pairing rejected"), Input::Woken]);
    assert_eq!(after, ("refused", vec![]));
}

#[test]
fn a_removed_device_asks_again_only_when_told_to() {
    let mut session = Session::new(None, None);
    let removed = play(&mut session, vec![hello(), closed(4001, "device removed"), Input::Woken]);
    assert_eq!(removed, ("removed", vec![]));
    assert_eq!(play(&mut session, vec![Input::AskedAgain]), ("connecting", vec![Effect::Dial { after_ms: 0 }]));
}

#[test]
fn a_close_that_means_come_back_is_followed_at_once_and_only_a_removal_is_not() {
    let back = || ("away", vec![Effect::Dial { after_ms: 300 }]);
    let cases = [
        ("device token rotated", back()),
        ("gateway auth changed", back()),
        ("gateway policy changed", back()),
        ("device removed", ("removed", vec![])),
        ("device approval ended", ("removed", vec![])),
    ];
    for (reason, expected) in cases {
        let mut session = Session::new(None, None);
        assert_eq!(play(&mut session, vec![hello(), closed(4001, reason)]), expected, "{reason}");
        assert_eq!(session.is_resuming(), expected.0 == "away", "{reason}");
    }
}

#[test]
fn the_last_screen_stays_for_one_quick_attempt_after_a_restart() {
    let mut session = Session::new(None, None);
    let lost = play(&mut session, vec![hello(), closed(1012, "service restart")]);
    assert_eq!(lost, ("away", vec![Effect::Dial { after_ms: 300 }]));
    assert!(session.welcome().is_some());
    let still_lost = play(&mut session, vec![closed(1006, "")]);
    assert_eq!(still_lost, ("away", vec![Effect::Dial { after_ms: 2_000 }]));
    assert_eq!(session.screen(), &Screen::Away { retry_at_ms: Some(NOW + 2_000) });
    assert_eq!(
        play(&mut session, vec![hello()]),
        ("connected", vec![Effect::Remember(BootstrapProfile::Owner), Effect::Load])
    );
}

#[test]
fn waking_dials_at_once_and_never_twice() {
    let mut session = Session::new(None, None);
    play(&mut session, vec![closed(1006, "")]);
    assert_eq!(session.step(Input::Woken, NOW, 0.5), vec![Effect::Dial { after_ms: 0 }]);
    assert_eq!(session.step(Input::Woken, NOW, 0.5), vec![]);
}

#[test]
fn a_wrong_secret_stays_on_the_form_and_a_right_one_is_forgotten() {
    let mut session = Session::new(None, None);
    let typed = || Input::SecretTyped(Secret::new("wrong"));
    play(&mut session, vec![missing(), closed(1008, ""), typed(), mismatch()]);
    let prompt = SecretPrompt { kind: token(), problem: Some(SecretProblem::Wrong), is_checking: false };
    assert_eq!(session.screen(), &Screen::Secret(prompt));
    play(&mut session, vec![typed(), hello()]);
    assert_eq!(session.credential, Credential::Nothing);
}

#[test]
fn too_many_wrong_secrets_say_until_when() {
    let mut session = Session::new(None, None);
    play(&mut session, vec![missing(), refusal(&Refusal::RateLimited { retry_after_ms: 5_000 })]);
    let until_ms = NOW + 5_000;
    let prompt = SecretPrompt { kind: token(), problem: Some(SecretProblem::TooMany { until_ms }), is_checking: false };
    assert_eq!(session.screen(), &Screen::Secret(prompt));
}

#[test]
fn an_owner_link_is_shown_once_and_can_be_left_out() {
    let link = || Secret::new("link");
    let mut session = Session::new(Some((link(), BootstrapProfile::Owner)), None);
    let challenge = Challenge { nonce: "n".to_owned(), ts: 1 };
    let proof = session.step(Input::Challenged(challenge.clone()), NOW, 0.5);
    assert_eq!(
        proof,
        vec![Effect::Prove(challenge, Credential::Link(link(), BootstrapProfile::Owner), BootstrapProfile::Owner)]
    );
    play(&mut session, vec![refusal(&Refusal::BootstrapTokenInvalid), closed(1008, "")]);
    let Screen::Refused(notice) = session.screen() else { panic!("not refused: {session:?}") };
    assert_eq!(notice.way_out, WayOut::WithoutLink);
    play(&mut session, vec![Input::AskedWithoutLink]);
    assert_eq!(session.credential, Credential::Nothing);
}

#[test]
fn an_updated_gateway_asks_for_a_reload_and_an_unknown_refusal_has_words_too() {
    let mut session = Session::new(None, None);
    play(&mut session, vec![refusal(&Refusal::ControlUiOutdated { gateway_build_id: "2".to_owned() })]);
    let Screen::Refused(notice) = session.screen() else { panic!("not refused: {session:?}") };
    assert_eq!((notice.way_out, notice.next_step.as_str()), (WayOut::Reload, "Reload this page."));
    let strange = WireError {
        code: "NEW".to_owned(),
        message: "something new".to_owned(),
        details: None,
        retryable: None,
        retry_after_ms: None,
    };
    play(&mut session, vec![Input::Refused(strange)]);
    let Screen::Refused(notice) = session.screen() else { panic!("not refused: {session:?}") };
    assert_eq!((notice.sentence.as_str(), notice.technical.as_str()), ("The gateway said no.", "something new"));
}

fn code() -> Secret {
    Secret::new("l")
}

fn phone_link() -> (Secret, BootstrapProfile) {
    (code(), BootstrapProfile::Limited)
}

fn proof(session: &mut Session) -> Vec<Effect> {
    let challenge = Challenge { nonce: "n".to_owned(), ts: 1 };
    session.step(Input::Challenged(challenge), NOW, 0.5)
}

fn proves(credential: Credential, profile: BootstrapProfile) -> Vec<Effect> {
    vec![Effect::Prove(Challenge { nonce: "n".to_owned(), ts: 1 }, credential, profile)]
}

#[test]
fn a_phones_link_asks_for_what_it_gives_and_so_does_the_phone_from_then_on() {
    let mut session = Session::new(Some(phone_link()), None);
    let limited = BootstrapProfile::Limited;
    assert_eq!(proof(&mut session), proves(Credential::Link(code(), limited), limited));
    assert_eq!(play(&mut session, vec![hello()]), ("connected", vec![Effect::Remember(limited), Effect::Load]));
    assert!(session.welcome().is_some_and(|welcome| !welcome.by_owner_link && !welcome.link_unused));
    assert_eq!(proof(&mut session), proves(Credential::Nothing, limited));
}

#[test]
fn a_link_changes_nothing_for_a_browser_that_is_in_already() {
    let mut session = Session::new(Some(phone_link()), Some(BootstrapProfile::Owner));
    assert_eq!(proof(&mut session), proves(Credential::Nothing, BootstrapProfile::Owner));
    play(&mut session, vec![hello()]);
    assert!(session.welcome().is_some_and(|welcome| welcome.link_unused));
}

#[test]
fn a_browser_that_the_gateway_forgot_uses_its_link() {
    let mut session = Session::new(Some(phone_link()), Some(BootstrapProfile::Owner));
    assert_eq!(play(&mut session, vec![pending()]), ("connecting", vec![Effect::Dial { after_ms: 0 }]));
    let limited = BootstrapProfile::Limited;
    assert_eq!(proof(&mut session), proves(Credential::Link(code(), limited), limited));
}

#[test]
fn a_used_link_says_whom_to_ask() {
    let mut session = Session::new(Some(phone_link()), None);
    assert_eq!(play(&mut session, vec![refusal(&Refusal::BootstrapTokenInvalid)]).0, "refused");
    let Screen::Refused(notice) = session.screen() else { panic!("not refused") };
    assert_eq!((notice.next_step.as_str(), notice.way_out), (SPENT_LINK, WayOut::WithoutLink));
}
