use protocol::settings::{Limits, Proxies, Remark, RestartState, Running, SecretState, SettingState, YourWay};
use serde_json::json;

use super::*;

const KNOCK: Path = "gateway.pairing.knock";
const PROXIES: Path = "gateway.trustedProxies";

/// What the gateway says of a file with this hash.
fn described(hash: &str, values: &[(Path, Value)]) -> Described {
    let setting = |path: Path, default: Value| SettingState {
        path: path.to_owned(),
        value: values.iter().find(|(known, _)| *known == path).map(|(_, value)| value.clone()),
        default: Some(default),
        overruled_by: None,
        needs_restart: false,
    };
    Described {
        path: "/f".to_owned(),
        hash: hash.to_owned(),
        problems: Vec::new(),
        warnings: Vec::new(),
        settings: vec![setting(KNOCK, json!("private")), setting(PROXIES, json!([]))],
        secret: SecretState { mode: "token".to_owned(), is_set: true, connections: 0 },
        restart: RestartState { is_due: false, is_possible: true },
        trial: None,
        running: Running { port: 1, bind: "loopback".to_owned() },
        you: YourWay { address: "127.0.0.1".to_owned(), proxy: None, page: None, is_encrypted: false },
        proxies: Proxies::default(),
        limits: Limits { waiting_per_address: 8, waiting: 256, waiting_ms: 1 },
    }
}

fn knock(hash: &str, value: &str) -> Described {
    described(hash, &[(KNOCK, value.into())])
}

#[test]
fn a_change_is_a_patch_of_what_was_changed_and_of_nothing_else() {
    let mut editing = Editing::new(&[KNOCK, PROXIES], &described("h", &[]));
    assert_eq!((editing.value(KNOCK), editing.value(PROXIES)), (json!("private"), json!([])));
    editing.wish(PROXIES, json!(["10.0.0.2"]));
    assert_eq!(editing.raw(), r#"{"gateway":{"trustedProxies":["10.0.0.2"]}}"#);
    editing.wish(KNOCK, "off".into());
    assert_eq!(
        serde_json::from_str::<Value>(&editing.raw()).unwrap(),
        json!({"gateway": {"trustedProxies": ["10.0.0.2"], "pairing": {"knock": "off"}}})
    );
}

#[test]
fn saying_the_default_where_the_file_says_nothing_is_no_change() {
    let mut editing = Editing::new(&[KNOCK], &described("h", &[]));
    editing.wish(KNOCK, "off".into());
    assert!(editing.is_changed());
    editing.wish(KNOCK, "private".into());
    assert!(!editing.is_changed());
    let mut editing = Editing::new(&[KNOCK], &knock("h", "off"));
    editing.wish(KNOCK, "private".into());
    assert!(editing.is_changed());
}

#[test]
fn what_nobody_edits_follows_the_file() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.see(&knock("2", "any"));
    assert_eq!((editing.value(KNOCK), editing.is_changed(), editing.hash()), (json!("any"), false, "2"));
}

#[test]
fn a_change_elsewhere_of_the_same_is_shown_with_both_versions_and_of_something_else_is_not() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.wish(KNOCK, "any".into());
    editing.see(&described("2", &[(KNOCK, "off".into()), (PROXIES, json!(["::1"]))]));
    assert!(!editing.is_contested());
    assert_eq!(editing.hash(), "2", "nobody has changed the same, so the change is for the new file too");
    editing.see(&knock("3", "private"));
    assert!(editing.is_contested());
    assert_eq!(editing.both(), [(KNOCK, json!("private"), json!("any"))]);
    let mut theirs = editing.clone();
    theirs.take_theirs();
    assert_eq!((theirs.value(KNOCK), theirs.is_changed(), theirs.is_contested()), (json!("private"), false, false));
    editing.see(&knock("4", "any"));
    assert!(!editing.is_contested() && !editing.is_changed(), "somebody else wished for the same");
}

#[test]
fn mine_on_top_says_also_what_is_as_it_was_when_editing_began() {
    let mut editing = Editing::new(&[KNOCK, PROXIES], &knock("1", "off"));
    editing.wish(PROXIES, json!(["::1"]));
    editing.see(&knock("2", "any"));
    assert!(editing.is_contested());
    let patch: Value = serde_json::from_str(&editing.raw()).unwrap();
    assert_eq!(patch, json!({"gateway": {"trustedProxies": ["::1"], "pairing": {"knock": "off"}}}));
}

#[test]
fn a_save_for_an_old_file_is_repeated_only_if_it_overwrites_nothing() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.wish(KNOCK, "any".into());
    editing.begin_saving();
    assert!(editing.was_stale(&knock("2", "off")));
    editing.begin_saving();
    assert!(!editing.was_stale(&knock("3", "private")));
    assert!(!editing.is_saving() && editing.is_contested());
}

#[test]
fn what_is_typed_while_a_save_is_on_its_way_is_neither_lost_nor_saved() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.wish(KNOCK, "any".into());
    editing.begin_saving();
    editing.wish(KNOCK, "private".into());
    editing.saved(false);
    editing.see(&knock("2", "any"));
    assert!(editing.is_changed() && !editing.is_contested());
    assert_eq!((editing.value(KNOCK), editing.raw().contains("private")), (json!("private"), true));
    // A save that came too late is not repeated with something else, nor after it was given up.
    editing.begin_saving();
    editing.wish(KNOCK, "off".into());
    assert!(!editing.was_stale(&knock("3", "any")));
    editing.begin_saving();
    editing.take_theirs();
    editing.wish(KNOCK, "off".into());
    assert!(!editing.is_saving() && !editing.was_stale(&knock("4", "any")));
}

#[test]
fn the_gateway_is_asked_once_at_a_time_and_about_the_last_that_was_typed() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    assert_eq!(editing.ask(), None, "there is nothing to ask about");
    editing.wish(KNOCK, "a".into());
    assert!(editing.ask().unwrap().contains("\"a\""));
    editing.wish(KNOCK, "an".into());
    editing.wish(KNOCK, "any".into());
    assert_eq!(editing.ask(), None);
    let problem = Checked { problems: vec![Remark::default()], ..Checked::default() };
    assert!(editing.heard(Some(problem.clone())), "what it is about has changed");
    assert!(!editing.is_refused(), "an answer about something else says nothing");
    assert!(editing.ask().unwrap().contains("\"any\""));
    assert!(!editing.heard(Some(problem)));
    assert!(editing.is_refused());
    editing.wish(KNOCK, "off".into());
    assert!(!editing.is_refused(), "what is in the file was accepted");
}

#[test]
fn what_is_saved_is_the_new_base() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.wish(KNOCK, "any".into());
    editing.begin_saving();
    editing.saved(true);
    assert!(!editing.is_changed() && !editing.is_saving());
    assert_eq!(editing.outcome(), Some(&Outcome::Saved { requires_restart: true }));
    editing.see(&knock("2", "any"));
    assert_eq!(editing.outcome(), Some(&Outcome::Saved { requires_restart: true }));
    editing.wish(KNOCK, "off".into());
    assert_eq!(editing.outcome(), None);
}

#[test]
fn a_refusal_for_the_sake_of_this_browser_offers_the_way_back() {
    let mut editing = Editing::new(&[KNOCK], &knock("1", "off"));
    editing.wish(KNOCK, "any".into());
    editing.begin_saving();
    editing.would_cut_off(CutOff::PortMoves { port: 2 });
    assert_eq!(editing.cut_off(), Some(&CutOff::PortMoves { port: 2 }));
    assert!(!editing.is_saving());
}
