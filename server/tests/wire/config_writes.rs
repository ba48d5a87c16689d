//! Settings that are changed over the wire (wire.md §7.1, §7.5).

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{NOW, TOKEN, TestGateway};

const FILE: &str = "// Mine.\n{\n  gateway: {\n    auth: { token: 'wire-token-0123456789abcdef' }, // secret\n    \
                    trustedProxies: ['127.0.0.1'],\n  },\n  /* theirs */ agents: { main:'x', botToken: '${BOT}' },\n}\n";

/// A gateway whose file is [`FILE`], a page that watches it, and an admin.
async fn start() -> (TestGateway, Client, Client) {
    let gateway = TestGateway::start().await;
    let mut reader = gateway.local().await;
    reader.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    let mut admin = gateway.owner().await;
    admin.enter(&Ask::cli(&["operator.admin"])).await;
    std::fs::write(path(&gateway), FILE).unwrap();
    admin.event("config.changed").await;
    reader.event("config.changed").await;
    (gateway, reader, admin)
}

fn path(gateway: &TestGateway) -> PathBuf {
    gateway.state().paths.config_file.clone()
}

fn text(gateway: &TestGateway) -> String {
    std::fs::read_to_string(path(gateway)).unwrap()
}

async fn hash(client: &mut Client) -> Value {
    client.call("config.get", json!({})).await.unwrap()["hash"].clone()
}

async fn patch(client: &mut Client, raw: &str) -> Result<Value, Value> {
    let hash = hash(client).await;
    client.call("config.patch", json!({"raw": raw, "baseHash": hash})).await
}

#[tokio::test]
async fn a_patch_is_written_live_and_announced() {
    let (gateway, mut reader, mut admin) = start().await;
    let before = hash(&mut admin).await;
    let params = json!({
        "raw": "{gateway: {controlUi: {allowedOrigins: ['https://x.example']}}}", "baseHash": before, "note": "why",
    });
    let result = admin.call("config.patch", params).await.unwrap();
    let path = path(&gateway);
    assert_eq!((&result["ok"], &result["path"]), (&json!(true), &json!(path)));
    assert_eq!(result["changedPaths"], json!(["gateway.controlUi.allowedOrigins"]));
    assert_eq!(result["config"]["gateway"]["auth"]["token"], "__OPENCLAW_REDACTED__");
    assert_eq!(result["config"]["gateway"]["controlUi"]["allowedOrigins"], json!(["https://x.example"]));
    let payload = json!({
        "kind": "config-patch", "status": "ok", "ts": NOW, "message": "why",
        "stats": {"mode": "config.patch", "root": path, "requiresRestart": false},
    });
    assert_eq!(result["sentinel"], json!({"persisted": true, "payload": payload}));
    assert_eq!(gateway.state().config().policy.origins.allowed, ["https://x.example"]);

    let config = admin.call("config.get", json!({})).await.unwrap();
    for name in ["hash", "configRevisionHash", "appliedConfigHash"] {
        assert_eq!(config[name], result["hash"], "{name}");
    }
    assert_ne!(result["hash"], before);
    assert_eq!(admin.event("config.changed").await, json!({"path": path, "hash": result["hash"], "ts": NOW}));
    let end = reader.ended().await;
    assert_eq!(end, Frame::close(4001, "gateway policy changed"), "a new rule closes those the old one let in");
    let text = text(&gateway);
    for kept in ["// Mine.", "// secret", "/* theirs */ agents: { main:'x', botToken: '${BOT}' },", "['127.0.0.1'],"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[tokio::test]
async fn a_change_that_concerns_nobody_is_heard_by_readers() {
    let (gateway, mut reader, mut admin) = start().await;
    let result = patch(&mut admin, "{gateway: {auth: {rateLimit: {maxAttempts: 3}}}}").await.unwrap();
    let heard = json!({"path": path(&gateway), "hash": result["hash"], "ts": NOW});
    assert_eq!(reader.event("config.changed").await, heard);
    assert_eq!(reader.event("health").await["ok"], true);
    assert!(!heard.to_string().contains(TOKEN));
}

#[tokio::test]
async fn what_is_changed_by_hand_is_announced_too() {
    let (gateway, mut reader, mut admin) = start().await;
    std::fs::write(path(&gateway), FILE.replace("'x'", "'y'")).unwrap();
    let heard = reader.event("config.changed").await;
    assert_eq!(heard, json!({"path": path(&gateway), "hash": hash(&mut admin).await, "ts": NOW}));
    let mut nobody = gateway.remote().await;
    assert_eq!(nobody.enter(&Ask::admin()).await["auth"]["scopes"], json!([]));
    patch(&mut admin, "{agents: {main: 'z'}}").await.unwrap();
    assert_eq!(nobody.next().await.text()["event"], "health", "who may not read hears nothing of the settings");
}

#[tokio::test]
async fn secrets_that_the_caller_never_saw_survive_a_full_rewrite() {
    let (gateway, _reader, mut admin) = start().await;
    let config = admin.call("config.get", json!({})).await.unwrap();
    let raw = config["raw"].as_str().unwrap().replace("main:'x'", "main:'z'");
    assert!(raw.contains("__OPENCLAW_REDACTED__") && !raw.contains(TOKEN));
    for method in ["config.set", "config.apply"] {
        let hash = hash(&mut admin).await;
        let result = admin.call(method, json!({"raw": raw, "baseHash": hash})).await.unwrap();
        assert_eq!(result["sentinel"]["payload"]["stats"]["mode"], method);
        let text = text(&gateway);
        assert!(text.contains(TOKEN) && text.contains("${BOT}") && text.contains("main:'z'"), "{text}");
        assert!(text.starts_with("// Mine.") && !text.contains("__OPENCLAW_REDACTED__"));
    }
    assert!(gateway.local().await.enter(&Ask::admin()).await["ok"].is_null());
}

#[tokio::test]
async fn a_change_for_another_version_of_the_file_is_refused() {
    let (gateway, _reader, mut admin) = start().await;
    let raw = "{gateway: {trustedProxies: []}}";
    let stale = admin.denied("config.patch", json!({"raw": raw, "baseHash": "nope"})).await;
    assert_eq!(stale, "config changed since last load; re-run config.get and retry");
    let missing = admin.denied("config.patch", json!({"raw": raw})).await;
    assert_eq!(
        missing,
        "config base hash required for gateway.trustedProxies; re-run config.get and retry with baseHash"
    );
    let before = hash(&mut admin).await;
    std::fs::write(path(&gateway), FILE.replace("'x'", "'y'")).unwrap();
    let raced = admin.denied("config.set", json!({"raw": "{}", "baseHash": before})).await;
    assert_eq!(raced, stale);
    assert_eq!(text(&gateway), FILE.replace("'x'", "'y'"));
}

#[tokio::test]
async fn a_value_that_makes_no_sense_is_refused_and_nothing_is_written() {
    let (gateway, _reader, mut admin) = start().await;
    let error = patch(&mut admin, "{gateway: {port: 'x', bind: 'everywhere'}}").await.unwrap_err();
    let port = "expected a whole number from 1 to 65535";
    assert!(error["message"].as_str().unwrap().starts_with(&format!("invalid config: gateway.port: {port}; ")));
    assert_eq!(error["code"], "INVALID_REQUEST");
    assert_eq!(error["details"]["issues"][0], json!({"path": "gateway.port", "message": port}));
    assert_eq!(error["details"]["issues"][1]["path"], "gateway.bind");
    let refused = [
        ("{gateway: {auth: {password: '__OPENCLAW_REDACTED__'}}}", "gateway.auth.password"),
        ("{gateway: {auth: {token: null}}}", "gateway.auth.token"),
        ("{gateway: {auth: {mode: 'password'}}}", "gateway.auth.password"),
        ("{gateway: {port: 1, 'port': 2}}", "gateway.port"),
        ("{ broken", ""),
    ];
    for (raw, path) in refused {
        let error = patch(&mut admin, raw).await.unwrap_err();
        assert_eq!(error["details"]["issues"][0]["path"], path, "{error}");
    }
    assert_eq!(text(&gateway), FILE);
}

#[tokio::test]
async fn what_only_works_after_a_restart_is_said() {
    let (_gateway, _reader, mut admin) = start().await;
    let result = patch(&mut admin, "{gateway: {bind: 'lan'}}").await.unwrap();
    assert_eq!(result["sentinel"]["payload"]["stats"]["requiresRestart"], true);
    let later = patch(&mut admin, "{agents: {main: 'z'}}").await.unwrap();
    assert_eq!(later["sentinel"]["payload"]["stats"]["requiresRestart"], true, "the restart is still due");
    let back = patch(&mut admin, "{gateway: {bind: null}}").await.unwrap();
    assert_eq!(back["sentinel"]["payload"]["stats"]["requiresRestart"], false);
}

#[tokio::test]
async fn no_change_touches_nothing() {
    let (gateway, _reader, mut admin) = start().await;
    let before = std::fs::metadata(path(&gateway)).unwrap().modified().unwrap();
    let result = patch(&mut admin, "{agents: {main: 'x'}}").await.unwrap();
    assert_eq!((&result["changedPaths"], &result["sentinel"]["persisted"]), (&json!([]), &json!(false)));
    assert_eq!(std::fs::metadata(path(&gateway)).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn two_changes_at_once_are_one_change_and_one_refusal() {
    let (gateway, _reader, mut admin) = start().await;
    let mut other = gateway.owner().await;
    other.enter(&Ask::cli(&["operator.admin"])).await;
    let hash = hash(&mut admin).await;
    let params = |name: &str| json!({"raw": format!("{{agents: {{{name}: 1}}}}"), "baseHash": hash});
    let (first, second) =
        tokio::join!(admin.call("config.patch", params("a")), other.call("config.patch", params("b")));
    assert_ne!(first.is_ok(), second.is_ok());
    assert_ne!(text(&gateway).contains("a: 1") || text(&gateway).contains("\"a\": 1"), second.is_ok());
}

#[tokio::test]
async fn only_admins_change_settings() {
    let (gateway, mut reader, mut admin) = start().await;
    let hash = hash(&mut admin).await;
    for method in ["config.set", "config.patch", "config.apply"] {
        let denied = reader.denied(method, json!({"raw": "{}", "baseHash": hash})).await;
        assert_eq!(denied, "missing scope: operator.admin");
    }
    let bogus = admin.denied("config.set", json!({"raw": "{}", "note": "x"})).await;
    assert_eq!(bogus, "invalid config.set params: at root: unexpected property 'note'");
    assert_eq!(text(&gateway), FILE);
}

#[tokio::test]
async fn thirty_changes_a_minute_are_enough_for_one_device_at_one_address_but_the_owner_is_not_counted() {
    let (gateway, _reader, mut owner) = start().await;
    let params = json!({"raw": "{}", "baseHash": "stale"});
    let [mut device, mut other] = [gateway.local().await, gateway.local().await];
    for (client, seed) in [(&mut device, 1), (&mut other, 2)] {
        client.enter(&Ask::cli(&["operator.admin"]).device(&Key::new(seed)).token(TOKEN)).await;
    }
    for _ in 0..30 {
        device.call("config.patch", params.clone()).await.unwrap_err();
    }
    let error = device.call("config.patch", params.clone()).await.unwrap_err();
    let expected = json!({
        "code": "UNAVAILABLE", "message": "rate limit exceeded for config.patch; retry after 60s",
        "details": {"method": "config.patch", "limit": "30 per 60s"}, "retryable": true, "retryAfterMs": 60_000,
    });
    assert_eq!(error, expected);
    assert_eq!(other.call("config.patch", params.clone()).await.unwrap_err()["code"], "INVALID_REQUEST");
    for _ in 0..40 {
        assert_eq!(owner.call("config.patch", params.clone()).await.unwrap_err()["code"], "INVALID_REQUEST");
    }
    gateway.clock.advance_ms(60_000);
    assert_eq!(device.call("config.patch", params).await.unwrap_err()["code"], "INVALID_REQUEST");
}
