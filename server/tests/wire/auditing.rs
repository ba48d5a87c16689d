//! `audit.*`: every decision is written down, with who, about whom, from where, and what was displayed
//! (docs/protocol.md, "The audit").

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ask::{Ask, Key, OWNER_SCOPES};
use crate::client::Client;
use crate::gateway::{NOW, REMOTE, TOKEN, TestGateway};

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    owner
}

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed)).client("displayName", "Kitchen tablet")
}

async fn list(client: &mut Client, query: Value) -> Vec<Value> {
    client.call("audit.list", query).await.unwrap()["entries"].as_array().unwrap().clone()
}

fn actions(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_approval_says_who_whom_from_where_and_what_was_displayed() {
    let gateway = TestGateway::start().await;
    let request_id = gateway.remote().await.refused(&device(1).token(TOKEN)).await.request_id();
    // Another device decides, from elsewhere.
    gateway.pair(&Ask::cli(&OWNER_SCOPES).device(&Key::new(2)).client("displayName", "Laptop")).await;
    let mut laptop = gateway.from("203.0.113.7").await;
    laptop.enter(&Ask::cli(&OWNER_SCOPES).device(&Key::new(2)).client("displayName", "Laptop").waiting()).await;
    let waiting = laptop.call("device.pair.list", json!({})).await.unwrap()["pending"][0].clone();
    assert_eq!(waiting["requestId"], request_id);
    let digest = waiting["evidence"]["digest"].clone();
    gateway.clock.advance_ms(1000);
    laptop.call("device.pair.approve", json!({"requestId": request_id, "digest": digest})).await.unwrap();
    assert_eq!(laptop.event("audit.appended").await["seq"], 2);

    let row = list(&mut laptop, json!({"about": Key::new(1).id()})).await.remove(0);
    assert_eq!((&row["action"], &row["atMs"]), (&json!("approved"), &json!(NOW + 1000)));
    assert_eq!(row["about"], json!({"deviceId": Key::new(1).id(), "name": "Kitchen tablet"}));
    assert_eq!(row["by"], json!({"kind": "device", "deviceId": Key::new(2).id(), "name": "Laptop"}));
    let from = json!({
        "address": "203.0.113.7", "network": "public", "resolved": "through the trusted proxy 127.0.0.1",
        "encrypted": false,
    });
    assert_eq!((&row["from"], &row["digest"]), (&from, &digest));
    assert_eq!(row["shown"], waiting);
    assert_eq!(row["shown"]["evidence"]["origin"]["address"], REMOTE);
    assert_eq!(row["granted"], json!({"roles": ["operator"], "scopes": ["operator.read"]}));
}

#[tokio::test]
async fn every_kind_of_decision_is_written_down() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let (id, other) = (Key::new(1).id(), Key::new(2).id());
    gateway.pair(&device(1)).await;
    let rejected = gateway.remote().await.refused(&device(2).token(TOKEN)).await.request_id();
    for (method, params) in [
        ("device.pair.reject", json!({"requestId": rejected})),
        ("device.pair.rename", json!({"deviceId": id, "label": " Tablet "})),
        ("device.token.rotate", json!({"deviceId": id, "role": "operator"})),
        ("device.token.revoke", json!({"deviceId": id, "role": "operator"})),
        ("device.pair.block", json!({"deviceId": other})),
        ("device.pair.unblock", json!({"deviceId": other})),
        ("device.pair.remove", json!({"deviceId": id})),
        ("device.pair.setupCode", json!({"publicUrl": "https://gw.example", "bootstrapProfile": "limited"})),
    ] {
        owner.call(method, params).await.unwrap();
    }
    let link = owner.call("owner.link", json!({})).await.unwrap()["bootstrapToken"].as_str().unwrap().to_owned();
    let browser = Ask::page(&OWNER_SCOPES).device(&Key::new(3)).auth("bootstrapToken", &link);
    let origin = format!("http://{}", gateway.address());
    gateway.open(&[("origin", &origin)]).await.enter(&browser).await;
    let hash = owner.call("config.get", json!({})).await.unwrap()["hash"].clone();
    let patch = json!({"raw": "{gateway: {controlUi: {allowedOrigins: ['https://x.example']}}}", "baseHash": hash});
    owner.call("config.patch", patch).await.unwrap();
    owner.call("owner.panic", json!({})).await.unwrap();

    let mut rows = list(&mut owner, json!({})).await;
    rows.reverse();
    let expected = [
        "approved",
        "rejected",
        "renamed",
        "token-rotated",
        "token-revoked",
        "blocked",
        "unblocked",
        "removed",
        "code-made",
        "owner-link-made",
        "owner-link-used",
        "approved",
        "settings-changed",
        "panic",
        "panic",
    ];
    assert_eq!(actions(&rows), expected);
    let find = |action: &str| rows.iter().find(|row| row["action"] == action).unwrap();
    assert_eq!((&find("renamed")["note"], &find("renamed")["by"]), (&json!("Tablet"), &json!({"kind": "owner"})));
    assert_eq!(find("removed")["about"]["name"], "Tablet");
    assert_eq!(find("token-revoked")["note"], "operator");
    assert_eq!(find("rejected")["shown"]["requestId"], rejected);
    let used = find("owner-link-used");
    assert_eq!(used["about"]["deviceId"], Key::new(3).id());
    assert_eq!(used["from"]["page"], origin);
    assert_eq!(used["setupId"], find("owner-link-made")["setupId"]);
    assert_eq!(rows[11]["by"], json!({"kind": "policy", "via": "bootstrap"}));
    assert_eq!(find("settings-changed")["note"], "gateway.controlUi.allowedOrigins");
    // No secret is in it, whatever was decided.
    let text = serde_json::to_string(&rows).unwrap();
    assert!(!text.contains(&link) && !text.contains(TOKEN), "{text}");
}

#[tokio::test]
async fn anybody_can_check_the_chain_from_what_is_listed() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1)).await;
    let mut owner = owner(&gateway).await;
    for number in 0..4 {
        let label = format!("Küche \"{number}\"\u{7f}");
        owner.call("device.pair.rename", json!({"deviceId": Key::new(1).id(), "label": label})).await.unwrap();
    }
    let mut rows = list(&mut owner, json!({"limit": 2})).await;
    let second = owner.call("audit.list", json!({"limit": 500, "cursor": 4})).await.unwrap();
    rows.extend(second["entries"].as_array().unwrap().clone());
    assert_eq!(second.get("nextCursor"), None);
    rows.reverse();
    let mut previous = "0".repeat(64);
    for mut row in rows {
        let hash = row.as_object_mut().unwrap().remove("hash").unwrap();
        // A map of this crate is sorted by key.
        let expected = hex::encode(&Sha256::digest(format!("{previous}{row}"))[..]);
        assert_eq!(hash, expected, "{row}");
        previous = expected;
    }
    let verdict = owner.call("audit.verify", json!({})).await.unwrap();
    let expected = json!({"ok": true, "checked": 5, "oldest": 1, "newest": 5, "newestHash": previous});
    assert_eq!(verdict, expected);
}

#[tokio::test]
async fn only_admins_see_it_and_it_outlives_a_restart() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1)).await;
    let mut pairing = gateway.local().await;
    pairing.enter(&Ask::cli(&["operator.pairing"]).token(TOKEN).waiting()).await;
    for method in ["audit.list", "audit.verify", "doctor.run"] {
        assert_eq!(pairing.denied(method, json!({})).await, "missing scope: operator.admin");
    }
    let gateway = gateway.restart().await;
    let mut owner = owner(&gateway).await;
    owner.call("device.pair.rename", json!({"deviceId": Key::new(1).id(), "label": "Tablet"})).await.unwrap();
    assert_eq!(actions(&list(&mut owner, json!({})).await), ["renamed", "approved"]);
    assert_eq!(owner.call("audit.verify", json!({})).await.unwrap()["checked"], 2);
    assert!(owner.denied("audit.list", json!({"limit": 501})).await.contains("must be <= 500"));
}

#[tokio::test]
async fn whoever_writes_into_the_file_is_written_down_too() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let text = json!({"gateway": {"auth": {"token": TOKEN}, "trustedProxies": ["10.0.0.1"]}}).to_string();
    std::fs::write(&gateway.state().paths.config_file, text).unwrap();
    owner.event("audit.appended").await;
    let rows = list(&mut owner, json!({})).await;
    assert_eq!((actions(&rows), &rows[0]["by"]), (vec!["settings-changed"], &json!({"kind": "file"})));
}
