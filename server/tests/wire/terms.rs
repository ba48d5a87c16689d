//! Approvals that give less than was asked, that end by themselves, and that are taken back (docs/protocol.md,
//! "Terms of an approval").

use serde_json::{Value, json};

use crate::ask::{Ask, Key, OWNER_SCOPES};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};

const LAN: &str = "192.168.1.7";
const HOUR_MS: u64 = 3_600_000;

fn device(seed: u8, scopes: &[&str]) -> Ask {
    Ask::cli(scopes).device(&Key::new(seed))
}

/// The owner's page: a client of ours with every right.
async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.local().await;
    owner.enter(&Ask::admin().waiting()).await;
    owner
}

/// Approves what waits, on these terms and with the digest of what is listed now.
async fn approve(owner: &mut Client, terms: Value) -> Value {
    let list = owner.call("device.pair.list", json!({})).await.unwrap();
    let mut params = terms;
    params["requestId"] = list["pending"][0]["requestId"].clone();
    params["digest"] = list["pending"][0]["evidence"]["digest"].clone();
    owner.call("device.pair.approve", params).await.unwrap()
}

async fn listed(gateway: &TestGateway) -> Value {
    gateway.list().await["paired"][0].clone()
}

#[tokio::test]
async fn who_gets_less_than_it_asked_for_goes_on_with_that_and_is_not_asked_about_again() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let mut phone = gateway.from(LAN).await;
    phone.held(&device(1, &OWNER_SCOPES)).await;
    let approved = approve(&mut owner, json!({"scopes": ["operator.read"], "label": " Kitchen "})).await;
    assert_eq!(approved["device"]["operatorLabel"], "Kitchen");
    let hello = phone.response("c1").await["payload"].clone();
    assert_eq!(hello["auth"]["scopes"], json!(["operator.read"]));
    assert_eq!(hello["auth"].get("pendingScopes").filter(|scopes| !scopes.is_null()), None);
    assert_eq!(phone.denied("device.pair.list", json!({})).await, "missing scope: operator.pairing");

    // Coming back with the same wish, as one of ours and as an official client, brings up nothing new.
    let again = gateway.remote().await.enter(&device(1, &OWNER_SCOPES).waiting()).await;
    assert_eq!(again["auth"]["scopes"], json!(["operator.read"]));
    let official = device(1, &OWNER_SCOPES).token(TOKEN);
    assert_eq!(gateway.remote().await.enter(&official).await["auth"]["scopes"], json!(["operator.read"]));
    // This machine vouches for who is new, not for what a person has left out.
    assert_eq!(gateway.local().await.enter(&official).await["auth"]["scopes"], json!(["operator.read"]));
    let list = gateway.list().await;
    assert_eq!((&list["pending"], &list["paired"][0]["scopes"]), (&json!([]), &json!(["operator.read"])));

    // What is wished for by itself is a wish.
    let asked = gateway.remote().await.refused(&device(1, &["operator.pairing"]).token(TOKEN)).await;
    assert_eq!(asked.error["details"]["reason"], "scope-upgrade");
}

#[tokio::test]
async fn terms_that_do_not_fit_are_refused_with_a_reason_and_change_nothing() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let waiting = gateway.remote().await.refused(&device(1, &["operator.read"]).token(TOKEN)).await.request_id();
    let rows = [
        (json!({"scopes": ["operator.read", "operator.admin"]}), "SCOPE_NOT_ASKED"),
        (json!({"scopes": []}), "NO_SCOPE_LEFT"),
    ];
    for (mut params, code) in rows {
        params["requestId"] = json!(waiting);
        let error = owner.call("device.pair.approve", params).await.unwrap_err();
        assert_eq!((&error["code"], &error["details"]["code"]), (&json!("INVALID_REQUEST"), &json!(code)));
    }
    for wrong in
        [json!({"expiresInMs": -1}), json!({"expiresInMs": "1h"}), json!({"label": ""}), json!({"scopes": "x"})]
    {
        let mut params = wrong.clone();
        params["requestId"] = json!(waiting);
        let denied = owner.denied("device.pair.approve", params).await;
        assert!(denied.starts_with("invalid device.pair.approve params"), "{wrong}: {denied}");
    }
    let stale = json!({"requestId": waiting, "digest": "stale", "scopes": ["operator.read"]});
    let error = owner.call("device.pair.approve", stale).await.unwrap_err();
    assert_eq!(error["details"]["code"], "REQUEST_CHANGED");
    let list = gateway.list().await;
    assert_eq!((list["pending"].as_array().unwrap().len(), &list["paired"]), (1, &json!([])));
}

#[tokio::test]
async fn whoever_may_not_give_all_may_give_a_part() {
    let gateway = TestGateway::start().await;
    let waiting = gateway.remote().await.refused(&device(1, &OWNER_SCOPES).token(TOKEN)).await.request_id();
    let mut helper = gateway.local().await;
    helper.enter(&Ask::cli(&["operator.pairing", "operator.read"]).token(TOKEN)).await;
    let part = |scopes: &[&str]| json!({"requestId": waiting, "scopes": scopes});
    for too_much in [json!({"requestId": waiting}), part(&["operator.read", "operator.write"])] {
        assert!(helper.denied("device.pair.approve", too_much).await.starts_with("missing scope: operator."));
    }
    helper.call("device.pair.approve", part(&["operator.read"])).await.unwrap();
    assert_eq!(listed(&gateway).await["scopes"], json!(["operator.read"]));
}

#[tokio::test]
async fn an_approval_ends_in_time_and_the_device_has_to_ask_again() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let (mut phone, mut official) = (gateway.from(LAN).await, gateway.remote().await);
    phone.held(&device(1, &["operator.read"])).await;
    let approved = approve(&mut owner, json!({"expiresInMs": HOUR_MS})).await;
    let end_ms = gateway.clock.now_ms() + HOUR_MS;
    assert_eq!(approved["device"]["expiresAtMs"], end_ms);
    phone.response("c1").await;
    official.enter(&device(1, &["operator.read"]).token(TOKEN)).await;

    gateway.pass_ms(HOUR_MS - 1).await;
    assert!(phone.is_open().await && official.is_open().await);
    gateway.pass_ms(1).await;
    assert_eq!(phone.ended().await, Frame::close(4001, "device approval ended"));
    assert_eq!(official.ended().await, Frame::close(4001, "device removed"));
    let over = listed(&gateway).await;
    assert_eq!((&over["expiresAtMs"], &over["tokens"][0]["revokedAtMs"]), (&json!(end_ms), &json!(end_ms)));

    gateway.pass_ms(60_000).await;
    let refused = gateway.remote().await.refused(&device(1, &["operator.read"]).token(TOKEN)).await;
    assert_eq!(refused.error["details"]["reason"], "not-paired");
    let pending = owner.call("device.pair.list", json!({})).await.unwrap()["pending"][0].clone();
    assert_eq!(pending["evidence"]["known"]["expiresAtMs"], end_ms);
    assert_eq!(pending["evidence"].get("approvedScopes"), None);
    // A person set an end; nobody but a person goes beyond it.
    let local = gateway.local().await.refused(&device(1, &["operator.read"]).token(TOKEN)).await;
    assert_eq!(local.why(), "PAIRING_REQUIRED");
    approve(&mut owner, json!({})).await;
    gateway.remote().await.enter(&device(1, &["operator.read"]).token(TOKEN)).await;
    assert_eq!(listed(&gateway).await.get("expiresAtMs"), None);
}

#[tokio::test]
async fn nobody_gets_in_between_the_end_and_the_clockwork_and_a_restart_forgets_no_end() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    gateway.remote().await.refused(&device(1, &["operator.read"]).token(TOKEN)).await;
    approve(&mut owner, json!({"expiresInMs": HOUR_MS})).await;
    let token = gateway.remote().await.enter(&device(1, &["operator.read"]).token(TOKEN)).await;
    let token = token["auth"]["deviceToken"].as_str().unwrap().to_owned();
    let gateway = gateway.restart().await;
    gateway.remote().await.enter(&device(1, &["operator.read"]).auth("deviceToken", &token)).await;
    // No sweep: only the clock moves.
    gateway.clock.advance_ms(HOUR_MS);
    let refused = gateway.remote().await.refused(&device(1, &["operator.read"]).auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    gateway.from(LAN).await.held(&device(1, &["operator.read"])).await;
}

#[tokio::test]
async fn an_undone_approval_throws_a_new_device_out_for_half_a_minute() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let mut phone = gateway.from(LAN).await;
    phone.held(&device(1, &["operator.read"])).await;
    let approved = approve(&mut owner, json!({})).await;
    assert_eq!(approved["undoUntilMs"], gateway.clock.now_ms() + 30_000);
    phone.response("c1").await;
    gateway.pass_ms(30_000).await;
    let undone = owner.call("device.pair.undo", json!({"requestId": approved["requestId"]})).await.unwrap();
    assert_eq!(undone, json!({"requestId": approved["requestId"], "deviceId": Key::new(1).id()}));
    assert_eq!(phone.ended().await, Frame::close(4001, "device removed"));
    assert_eq!(gateway.list().await["paired"], json!([]));

    gateway.remote().await.refused(&device(2, &["operator.read"]).token(TOKEN)).await;
    let late = approve(&mut owner, json!({})).await;
    gateway.pass_ms(30_001).await;
    for id in [&late["requestId"], &approved["requestId"], &json!("no-such-request")] {
        let error = owner.call("device.pair.undo", json!({"requestId": id})).await.unwrap_err();
        assert_eq!(error["details"]["code"], "UNDO_TOO_LATE", "{id}");
    }
    assert_eq!(listed(&gateway).await["deviceId"], Key::new(2).id());
}

#[tokio::test]
async fn an_undone_upgrade_leaves_the_device_with_what_it_had() {
    let gateway = TestGateway::start().await;
    let old = gateway.pair(&device(1, &["operator.read"])).await;
    let before = listed(&gateway).await;
    let mut owner = owner(&gateway).await;
    let refused = gateway.remote().await.refused(&device(1, &["operator.read", "operator.write"]).token(TOKEN)).await;
    approve(&mut owner, json!({})).await;
    let undo = json!({"requestId": refused.request_id()});
    let undone = owner.call("device.pair.undo", undo.clone()).await.unwrap();
    for field in ["scopes", "roles", "tokens", "approvedAtMs"] {
        assert_eq!(
            (&undone["device"][field], &listed(&gateway).await[field]),
            (&before[field], &before[field]),
            "{field}"
        );
    }
    // Its old token was good before, so it is again.
    gateway.remote().await.enter(&device(1, &["operator.read"]).auth("deviceToken", &old)).await;

    // One that is in with the new rights comes back with the old ones, by the token that it has now.
    gateway.remote().await.refused(&device(1, &["operator.read", "operator.write"]).token(TOKEN)).await;
    let approved = approve(&mut owner, json!({})).await;
    gateway.clock.advance_ms(1_000);
    let mut live = gateway.remote().await;
    let hello = live.enter(&device(1, &["operator.read", "operator.write"]).token(TOKEN)).await;
    let new = hello["auth"]["deviceToken"].as_str().unwrap();
    owner.call("device.pair.undo", json!({"requestId": approved["requestId"]})).await.unwrap();
    assert_eq!(live.ended().await, Frame::close(1012, "device scopes changed"));
    let back = gateway.remote().await.enter(&device(1, &["operator.read"]).auth("deviceToken", new)).await;
    assert_eq!(back["auth"]["scopes"], json!(["operator.read"]));
}

#[tokio::test]
async fn only_who_may_approve_undoes_and_nothing_that_was_changed_since() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let waiting = gateway.remote().await.refused(&device(1, &["operator.read"]).token(TOKEN)).await.request_id();
    approve(&mut owner, json!({})).await;
    let undo = json!({"requestId": waiting});
    let mut confined = gateway.remote().await;
    let token = gateway.pair(&device(2, &["operator.pairing", "operator.read"])).await;
    confined.enter(&device(2, &["operator.pairing", "operator.read"]).auth("deviceToken", &token)).await;
    assert_eq!(confined.denied("device.pair.undo", undo.clone()).await, "undoing this approval denied");
    let revoke = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    owner.call("device.token.revoke", revoke).await.unwrap();
    let error = owner.call("device.pair.undo", undo).await.unwrap_err();
    assert_eq!(error["details"]["code"], "UNDO_CHANGED");
}

#[tokio::test]
async fn a_rejection_of_something_else_than_displayed_is_refused() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let asks = device(1, &["operator.read"]).token(TOKEN);
    let waiting = gateway.remote().await.refused(&asks).await.request_id();
    let digest = owner.call("device.pair.list", json!({})).await.unwrap()["pending"][0]["evidence"]["digest"].clone();
    gateway.remote().await.refused(&asks.client("displayName", "Another name")).await;
    let reject = json!({"requestId": waiting, "digest": digest});
    let error = owner.call("device.pair.reject", reject).await.unwrap_err();
    assert_eq!(error["details"]["code"], "REQUEST_CHANGED");
    owner.call("device.pair.reject", json!({"requestId": waiting})).await.unwrap();
}

#[tokio::test]
async fn the_knocks_of_those_who_are_blocked_are_counted_and_shown_to_nobody() {
    let gateway = TestGateway::start().await;
    gateway.from(LAN).await.held(&device(1, &["operator.read"])).await;
    let mut owner = owner(&gateway).await;
    let block = json!({"deviceId": Key::new(1).id(), "address": true});
    owner.call("device.pair.block", block).await.unwrap();
    owner.heard().await;
    for seed in [1, 1, 2] {
        gateway.clock.advance_ms(1_000);
        gateway.from(LAN).await.refused(&device(seed, &["operator.read"]).waiting()).await;
    }
    let asked: Vec<_> = owner.heard().await.into_iter().filter(|(name, _)| name.starts_with("device.")).collect();
    assert_eq!(asked, []);
    let blocked = owner.call("device.pair.blocked", json!({})).await.unwrap()["blocked"][0].clone();
    assert_eq!((&blocked["knocks"], &blocked["lastKnockAtMs"]), (&json!(3), &json!(gateway.clock.now_ms())));
    let gateway = gateway.restart().await;
    let kept = gateway.admin().await.call("device.pair.blocked", json!({})).await.unwrap();
    assert_eq!(kept["blocked"][0]["knocks"], 3);
}
