//! What the smaller methods answer (wire.md §2.5, §7.5, §12.2).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::gateway::{NOW, TOKEN, TestGateway};

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn the_settings_are_shown_without_their_secrets() {
    let settings = json!({
        "auth": {"token": TOKEN, "password": "hunter2-password"},
        "remote": {"token": "hunter3"},
        "channels": [{"botToken": "hunter4", "maxTokens": 5}],
    });
    let gateway = TestGateway::start_with(&settings, &[]).await;
    let mut client = gateway.local().await;
    client.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    let config = client.call("config.get", json!({})).await.unwrap();
    let text = config.to_string();
    for secret in [TOKEN, "hunter"] {
        assert!(!text.contains(secret), "{text}");
    }
    let expected = json!({"gateway": {
        "auth": {"token": "__OPENCLAW_REDACTED__", "password": "__OPENCLAW_REDACTED__"},
        "remote": {"token": "__OPENCLAW_REDACTED__"},
        "channels": [{"botToken": "__OPENCLAW_REDACTED__", "maxTokens": 5}],
    }});
    for view in ["parsed", "sourceConfig", "resolved", "runtimeConfig", "config"] {
        assert_eq!(config[view], expected, "{view}");
    }
    assert_eq!((&config["exists"], &config["valid"], &config["issues"]), (&json!(true), &json!(true), &json!([])));
    assert!(config["hash"].as_str().unwrap().starts_with("hmac-sha256:v1:"));
    assert!(config["path"].as_str().unwrap().ends_with("/openclaw.json"));
}

#[tokio::test]
async fn health_is_for_everyone() {
    let gateway = TestGateway::start().await;
    let mut nobody = gateway.remote().await;
    assert_eq!(nobody.enter(&Ask::admin()).await["auth"]["scopes"], json!([]));
    let expected = json!({
        "ok": true, "ts": NOW, "durationMs": 0, "channels": {}, "channelOrder": [], "channelLabels": {},
        "heartbeatSeconds": 0, "defaultAgentId": "main", "agents": [], "plugins": {"loaded": [], "errors": []},
        "configReload": {"hotReloadStatus": "active"}, "sessions": {"path": "", "count": 0, "recent": []},
    });
    assert_eq!(nobody.call("health", json!({})).await.unwrap(), expected);
    assert_eq!(nobody.call("health", json!({"probe": true})).await.unwrap(), expected);
    assert_eq!(nobody.call("health", Value::Null).await.unwrap(), expected);
}

#[tokio::test]
async fn status_has_the_official_shape_and_counts() {
    let gateway = TestGateway::start().await;
    gateway.pair(&Ask::cli(&["operator.read"]).device(&Key::new(1))).await;
    gateway.remote().await.refused(&Ask::cli(&["operator.read"]).device(&Key::new(2)).token(TOKEN)).await;
    let mut client = gateway.local().await;
    client.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    let status = client.call("status", json!({})).await.unwrap();
    assert_eq!(
        names(&status),
        ["channelSummary", "gateway", "heartbeat", "queuedSystemEvents", "runtimeVersion", "sessions"]
    );
    assert_eq!(names(&status["sessions"]), ["byAgent", "count", "defaults", "paths", "recent"]);
    let ours = &status["gateway"];
    assert_eq!((&ours["paired"], &ours["pending"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&ours["port"], &ours["authMode"], &ours["bind"]),
        (&json!(gateway.state().port), &json!("token"), &json!("loopback"))
    );
}

#[tokio::test]
async fn the_hello_says_what_works_and_tells_only_admins_where_things_are() {
    let gateway = TestGateway::start().await;
    let hello = gateway.local().await.enter(&Ask::admin()).await;
    assert_eq!(names(&hello), ["auth", "features", "policy", "protocol", "server", "snapshot", "type"]);
    assert_eq!(
        names(&hello["snapshot"]),
        ["authMode", "configPath", "health", "presence", "stateDir", "stateVersion", "uptimeMs"]
    );
    let policy = json!({"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000});
    assert_eq!(hello["policy"], policy);
    assert_eq!((&hello["protocol"], &hello["server"]["version"]), (&json!(4), &json!(server::VERSION)));
    for method in ["health", "status", "config.get", "device.pair.list", "device.token.rotate"] {
        assert!(hello["features"]["methods"].as_array().unwrap().contains(&json!(method)), "{method}");
    }
    let reader = gateway.local().await.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    assert_eq!(names(&reader["snapshot"]), ["health", "presence", "stateVersion", "uptimeMs"]);
    assert_ne!(reader["server"]["connId"], hello["server"]["connId"]);
}

#[tokio::test]
async fn the_challenge_is_new_each_time_and_tells_the_gateways_time() {
    let gateway = TestGateway::start().await;
    let (first, second) = (gateway.local().await.challenge, gateway.local().await.challenge);
    assert_eq!(names(&first), ["nonce", "ts"]);
    assert_eq!(first["ts"], NOW);
    assert_eq!(first["nonce"].as_str().unwrap().len(), 36);
    assert_ne!(first["nonce"], second["nonce"]);
}
