//! Log, machine, identity and schema, as an operator sees them (wire.md §7.5, §8.3).

use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};

async fn reader(gateway: &TestGateway) -> Client {
    let mut reader = gateway.local().await;
    reader.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    reader
}

#[tokio::test]
async fn the_log_is_read_from_where_the_last_answer_ended() {
    let gateway = TestGateway::start().await;
    let mut reader = reader(&gateway).await;
    let file = gateway.state().paths.log_file.clone();
    let nothing = json!({"file": file, "cursor": 0, "size": 0, "lines": [], "truncated": false, "reset": false});
    assert_eq!(reader.call("logs.tail", json!({})).await.unwrap(), nothing);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{\"1\":\"a\"}\n{\"1\":\"b\"}\n").unwrap();
    let tail = reader.call("logs.tail", json!({"limit": 1})).await.unwrap();
    let expected =
        json!({"file": file, "cursor": 20, "size": 20, "lines": ["{\"1\":\"b\"}"], "truncated": true, "reset": false});
    assert_eq!(tail, expected);
    std::fs::write(&file, "{\"1\":\"a\"}\n{\"1\":\"b\"}\n{\"1\":\"c\"}\n").unwrap();
    let more = reader.call("logs.tail", json!({"cursor": tail["cursor"]})).await.unwrap();
    assert_eq!((&more["lines"], &more["cursor"]), (&json!(["{\"1\":\"c\"}"]), &json!(30)));
    std::fs::write(&file, "{\"1\":\"d\"}\n").unwrap();
    let anew = reader.call("logs.tail", json!({"cursor": 30})).await.unwrap();
    assert_eq!((&anew["lines"], &anew["reset"]), (&json!(["{\"1\":\"d\"}"]), &json!(true)));
    for (params, problem) in [
        (json!({"limit": 5001}), "at /limit: must be <= 5000"),
        (json!({"maxBytes": 1_000_001}), "at /maxBytes: must be <= 1000000"),
        (json!({"limit": 0}), "at /limit: must be >= 1"),
        (json!({"cursor": -1}), "at /cursor: must be integer"),
    ] {
        assert_eq!(reader.denied("logs.tail", params).await, format!("invalid logs.tail params: {problem}"));
    }
}

#[tokio::test]
async fn the_rules_for_programs_are_shown_to_admins_without_their_socket() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let none = admin.call("exec.approvals.get", json!({})).await.unwrap();
    assert_eq!((&none["exists"], &none["resolvedDefaults"]["security"]), (&json!(false), &json!("deny")));
    assert_eq!(none["file"], json!({"version": 1, "defaults": {}, "agents": {}}));
    let rules = json!({
        "version": 1, "socket": {"path": "/run/x.sock", "token": "a-socket-token"},
        "defaults": {"security": "allowlist"}, "agents": {"main": {"allowlist": [{"pattern": "/usr/bin/uptime"}]}},
    });
    std::fs::write(&gateway.state().paths.exec_approvals, rules.to_string()).unwrap();
    let shown = admin.call("exec.approvals.get", json!({})).await.unwrap();
    assert!(!shown.to_string().contains("socket"), "{shown:#}");
    assert_eq!((&shown["exists"], &shown["file"]["agents"]), (&json!(true), &rules["agents"]));
    assert_eq!(shown["resolvedDefaults"]["security"], "allowlist");
    assert_ne!(shown["hash"], none["hash"]);
    let denied = reader(&gateway).await.denied("exec.approvals.get", json!({})).await;
    assert_eq!(denied, "missing scope: operator.admin");
}

#[tokio::test]
async fn the_machine_is_described_in_the_official_shape() {
    let gateway = TestGateway::start().await;
    let info = reader(&gateway).await.call("system.info", json!({})).await.unwrap();
    let texts =
        ["machineName", "hostname", "platform", "release", "arch", "osLabel", "nodeVersion", "processInstanceId"];
    for name in texts {
        assert!(info[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {info:#}");
    }
    assert_eq!((&info["pid"], &info["port"]), (&json!(std::process::id()), &json!(gateway.state().port)));
    assert_eq!(info["loadAverage"].as_array().unwrap().len(), 3);
    let cpus = std::thread::available_parallelism().unwrap().get() as u64;
    assert!(info["cpuCount"].as_u64().unwrap() >= cpus);
    assert!(info["memoryTotalBytes"].as_u64().unwrap() >= info["memoryFreeBytes"].as_u64().unwrap());
    let known = [
        "machineName",
        "hostname",
        "platform",
        "release",
        "arch",
        "osLabel",
        "port",
        "nodeVersion",
        "pid",
        "processInstanceId",
        "uptimeMs",
        "cpuCount",
        "cpuModel",
        "loadAverage",
        "memoryTotalBytes",
        "memoryFreeBytes",
        "disks",
        "diskPath",
        "diskTotalBytes",
        "diskAvailableBytes",
    ];
    let stray: Vec<&String> = info.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert_eq!(stray, Vec::<&String>::new(), "the official shape is closed");
}

#[tokio::test]
async fn the_gateway_keeps_a_key_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let gateway = TestGateway::start().await;
    let first = reader(&gateway).await.call("gateway.identity.get", json!({})).await.unwrap();
    let file = gateway.state().paths.gateway_identity.clone();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = protocol::PublicKey::parse(first["publicKey"].as_str().unwrap()).unwrap();
    assert_eq!(first, json!({"deviceId": key.device_id(), "publicKey": key.to_base64url()}));
    let gateway = gateway.restart().await;
    assert_eq!(reader(&gateway).await.call("gateway.identity.get", json!({})).await.unwrap(), first);
}

#[tokio::test]
async fn the_schema_names_every_setting() {
    let gateway = TestGateway::start().await;
    let mut reader = reader(&gateway).await;
    let schema = reader.call("config.schema", json!({})).await.unwrap();
    let port = &schema["schema"]["properties"]["gateway"]["properties"]["port"];
    assert_eq!((&port["type"], &port["default"]), (&json!("integer"), &json!(18789)));
    assert_eq!(schema["uiHints"]["gateway.auth.token"]["sensitive"], true);
    assert_eq!(schema["version"], server::VERSION);
    assert_eq!(schema["generatedAt"], "2026-11-20T18:10:32.699Z");
    let found = reader.call("config.schema.lookup", json!({"path": "gateway.trustedProxies"})).await.unwrap();
    assert_eq!(
        (&found["path"], &found["hintPath"]),
        (&json!("gateway.trustedProxies"), &json!("gateway.trustedProxies"))
    );
    assert_eq!((&found["schema"]["type"], &found["schema"]["items"]), (&json!("array"), &json!({"type": "string"})));
    assert_eq!(found["reloadKind"], "hot");
    let child = &found["children"][0];
    assert_eq!((&child["key"], &child["path"]), (&json!("*"), &json!("gateway.trustedProxies.*")));
    assert_eq!((&child["hasChildren"], &child["required"]), (&json!(false), &json!(false)));
    let error = reader.call("config.schema.lookup", json!({"path": "gateway.nope"})).await.unwrap_err();
    assert_eq!(error, json!({"code": "INVALID_REQUEST", "message": "config schema path not found"}));
}

#[tokio::test]
async fn no_update_is_known_because_none_is_looked_for() {
    let gateway = TestGateway::start().await;
    let status = gateway.admin().await.call("update.status", json!({})).await.unwrap();
    let schedule = json!({"channel": "stable", "autoEnabled": false});
    let expected =
        json!({"sentinel": null, "updateAvailable": null, "effectiveChannel": "stable", "schedule": schedule});
    assert_eq!(status, expected);
}

#[tokio::test]
async fn each_of_them_asks_for_its_scope() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&Ask::cli(&["operator.pairing"]).device(&Key::new(1))).await;
    let mut client = gateway.remote().await;
    client.enter(&Ask::cli(&["operator.pairing"]).device(&Key::new(1)).auth("deviceToken", &token)).await;
    for method in ["logs.tail", "system.info", "gateway.identity.get", "config.schema", "config.schema.lookup"] {
        assert_eq!(client.denied(method, json!({})).await, "missing scope: operator.read", "{method}");
    }
    assert_eq!(client.denied("update.status", json!({})).await, "missing scope: operator.admin");
}

#[tokio::test]
async fn everyone_hears_every_minute_how_the_gateway_is() {
    let gateway = TestGateway::start().await;
    let mut nobody = gateway.remote().await;
    let hello = nobody.enter(&Ask::admin()).await;
    let baseline = hello["snapshot"]["stateVersion"]["health"].as_u64().unwrap();
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let mut heard: Vec<Value> = Vec::new();
    while heard.len() < 2 {
        let frame = nobody.next().await.text();
        if frame["event"] == "health" {
            heard.push(frame);
        }
    }
    assert!(start.elapsed() > Duration::from_secs(110) && start.elapsed() < Duration::from_secs(125));
    let versions: Vec<u64> = heard.iter().map(|frame| frame["stateVersion"]["health"].as_u64().unwrap()).collect();
    assert_eq!(versions, [baseline + 1, baseline + 2]);
    assert_eq!(heard[0]["payload"]["configReload"], json!({"hotReloadStatus": "active"}));
    tokio::time::resume();
    let mut later = gateway.local().await;
    assert_eq!(later.enter(&Ask::admin()).await["snapshot"]["stateVersion"]["health"], baseline + 2);
}
