//! Asking nodes to do something (wire.md §7.4, §9.5; pains S5-01, S5-07).

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};
use crate::nodes::{approved_node, local_node};

const WHICH: &[&str] = &["system.which"];

pub fn ask_for(key: &Key, command: &str) -> Value {
    json!({"nodeId": key.id(), "command": command, "idempotencyKey": "k1"})
}

/// Does what the node was asked for, with this as its answer. The result is what it was asked.
pub async fn answer(node: &mut Client, key: &Key, payload: Value) -> Value {
    let asked = node.event("node.invoke.request").await;
    let answer = json!({"id": asked["id"], "nodeId": key.id(), "ok": true, "payload": payload});
    assert_eq!(node.call("node.invoke.result", answer).await.unwrap(), json!({"ok": true}));
    asked
}

#[tokio::test]
async fn a_command_goes_to_the_node_and_its_answer_comes_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let ask = json!({
        "nodeId": key.id(), "command": "system.which", "params": {"bins": ["bash"]}, "idempotencyKey": "k1",
        "timeoutMs": 15_000,
    });
    let call = admin.begin("node.invoke", ask).await;
    let asked = node.event_frame("node.invoke.request").await;
    let payload = &asked["payload"];
    let expected = json!({
        "id": payload["id"], "nodeId": key.id(), "command": "system.which", "paramsJSON": r#"{"bins":["bash"]}"#,
        "timeoutMs": 15_000, "idempotencyKey": "k1",
    });
    assert_eq!((payload, asked.get("seq")), (&expected, None));
    // Others of the caller's calls do not wait for it.
    assert_eq!(admin.call("health", json!({})).await.unwrap()["ok"], true);
    let text = r#"{"bins":{"bash":"/usr/bin/bash"}}"#;
    let answer = json!({"id": payload["id"], "nodeId": key.id(), "ok": true, "payloadJSON": text, "error": null});
    assert_eq!(node.call("node.invoke.result", answer).await.unwrap(), json!({"ok": true}));
    let expected = json!({
        "ok": true, "nodeId": key.id(), "command": "system.which", "payload": {"bins": {"bash": "/usr/bin/bash"}},
        "payloadJSON": text,
    });
    assert_eq!(admin.answer(&call).await.unwrap(), expected);
}

#[tokio::test]
async fn an_answer_that_is_not_text_comes_back_as_it_is() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let call = admin.begin("node.invoke", ask_for(&key, "system.which")).await;
    let url = json!({"url": "http://169.254.169.254/latest", "file": "file:///etc/passwd"});
    let asked = answer(&mut node, &key, url.clone()).await;
    assert_eq!((&asked["paramsJSON"], &asked["timeoutMs"]), (&Value::Null, &json!(30_000)));
    let expected =
        json!({"ok": true, "nodeId": key.id(), "command": "system.which", "payload": url, "payloadJSON": null});
    assert_eq!(admin.answer(&call).await.unwrap(), expected);
}

#[tokio::test]
async fn a_node_hears_nothing_but_the_fields_that_are_meant_for_it() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let ask = json!({
        "nodeId": key.id(), "command": "system.which", "params": {"a": 1}, "idempotencyKey": "k1",
        "sessionKey": "agent:main", "turnSourceAccountId": "a", "turnSourceChannel": "telegram",
        "turnSourceThreadId": 7, "turnSourceTo": "+1",
    });
    let call = admin.begin("node.invoke", ask.clone()).await;
    let asked = answer(&mut node, &key, json!(null)).await;
    let names: Vec<&String> = asked.as_object().unwrap().keys().collect();
    let mut expected = ["id", "nodeId", "command", "paramsJSON", "timeoutMs", "idempotencyKey"];
    let mut names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    admin.answer(&call).await.unwrap();
    let mut more = ask;
    more["approved"] = true.into();
    let stray = admin.denied("node.invoke", more).await;
    assert_eq!(stray, "invalid node.invoke params: at root: unexpected property 'approved'");
}

#[tokio::test]
async fn nobody_tells_a_node_that_something_was_approved() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, &["system.run"]).await;
    let mut admin = gateway.admin().await;
    let rows = [
        (r#"{"command":["id"],"approved":true}"#, "approved"),
        (r#"{"command":["id"],"approvalDecision":"allow-once"}"#, "approvalDecision"),
        (r#"{"command":["id"],"approval_decision":"allow-once"}"#, "approval_decision"),
        (r#"{"command":["id"],"a":[[{"b":{"ApprovalId":"x"}}]]}"#, "ApprovalId"),
        (r#"{"command":["id"],"systemRunPlan":{}}"#, "systemRunPlan"),
        (r#"{"command":["id"],"\u0061pproved":true}"#, "approved"),
        (r#"{"command":["id"],"approved":false,"approved":true}"#, "approved"),
        (r#"{"command":["id"],"env":{"__proto__":{"approved":1}}}"#, "__proto__"),
        (r#"{"command":["id"],"constructor":{"prototype":{}}}"#, "constructor"),
    ];
    for (index, (params, field)) in rows.into_iter().enumerate() {
        let id = format!("reserved-{index}");
        let frame = format!(
            r#"{{"type":"req","id":"{id}","method":"node.invoke","params":{{"nodeId":"{}","command":"system.run","idempotencyKey":"k","params":{params}}}}}"#,
            key.id()
        );
        admin.send(Message::text(frame)).await;
        let error = admin.answer(&id).await.unwrap_err();
        assert_eq!(error["code"], "INVALID_REQUEST");
        let expected = format!("invalid node.invoke params: `{field}` is set by the gateway only");
        assert_eq!(error["message"], expected, "{params}");
    }
    assert_eq!(node.heard_of_nodes().await, []);
}

#[tokio::test]
async fn of_a_field_that_is_said_twice_the_node_hears_what_the_gateway_judged() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let frame = format!(
        r#"{{"type":"req","id":"x","method":"node.invoke","params":{{"nodeId":"{}","command":"system.run","command":"system.which","idempotencyKey":"k","params":{{"approved":true}},"params":{{"bins":["a"],"bins":["b"]}}}}}}"#,
        key.id()
    );
    admin.send(Message::text(frame)).await;
    let asked = answer(&mut node, &key, json!(1)).await;
    let heard = (asked["command"].as_str(), asked["paramsJSON"].as_str());
    assert_eq!(heard, (Some("system.which"), Some(r#"{"bins":["b"]}"#)));
    assert_eq!(admin.answer("x").await.unwrap()["payload"], 1);
}

#[tokio::test]
async fn of_two_connections_of_a_node_the_newest_is_asked_and_then_the_one_that_is_left() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut first = approved_node(&gateway, &key, WHICH).await;
    let mut second = local_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let call = admin.begin("node.invoke", ask_for(&key, "system.which")).await;
    let asked = second.event("node.invoke.request").await;
    // The first connection cannot answer for the second.
    let stolen = json!({"id": asked["id"], "nodeId": key.id(), "ok": true, "payload": "stolen"});
    assert_eq!(first.call("node.invoke.result", stolen).await.unwrap(), json!({"ok": true, "ignored": true}));
    let own = json!({"id": asked["id"], "nodeId": key.id(), "ok": true, "payload": "own"});
    assert_eq!(second.call("node.invoke.result", own).await.unwrap(), json!({"ok": true}));
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], "own");
    assert_eq!(first.heard_of_nodes().await, []);
    // The newest is on its way out and has not gone yet.
    let connections = gateway.state().registry.connections();
    let newest = gateway.state().registry.node(&protocol::DeviceId::claimed(key.id())).unwrap();
    assert!(connections.iter().any(|connection| connection.id == newest.id));
    newest.close(protocol::Close::device_removed());
    let call = admin.begin("node.invoke", ask_for(&key, "system.which")).await;
    answer(&mut first, &key, json!("left")).await;
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], "left");
}

#[tokio::test]
async fn sixty_four_calls_wait_at_once_and_one_more_is_refused() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let mut calls = Vec::new();
    for _ in 0..64 {
        calls.push(admin.begin("node.invoke", ask_for(&key, "system.which")).await);
    }
    let refused = admin.call("node.invoke", ask_for(&key, "system.which")).await.unwrap_err();
    assert_eq!((&refused["details"]["code"], &refused["retryable"]), (&json!("TOO_MANY_CALLS"), &json!(true)));
    assert!(admin.is_open().await);
    for _ in &calls {
        answer(&mut node, &key, json!(1)).await;
    }
    for call in calls {
        assert_eq!(admin.answer(&call).await.unwrap()["ok"], true);
    }
    let call = admin.begin("node.invoke", ask_for(&key, "system.which")).await;
    answer(&mut node, &key, json!(2)).await;
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], 2, "there is room again");
}

#[tokio::test]
async fn an_answer_of_twenty_megabytes_comes_back_whole() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let large = "x".repeat(20 * 1024 * 1024);
    for field in ["payload", "payloadJSON"] {
        let call = admin.begin("node.invoke", ask_for(&key, "system.which")).await;
        let asked = node.event("node.invoke.request").await;
        let mut answer = json!({"id": asked["id"], "nodeId": key.id(), "ok": true});
        answer[field] = if field == "payload" { json!(large) } else { json!(json!(large).to_string()) };
        node.call("node.invoke.result", answer).await.unwrap();
        assert_eq!(admin.answer(&call).await.unwrap()["payload"].as_str().unwrap().len(), large.len(), "{field}");
    }
    assert!(admin.is_open().await && node.is_open().await);
}

#[tokio::test]
async fn what_reaches_into_files_or_the_browser_takes_an_admin() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let commands = ["browser.proxy", "browser.proxy.upload.v1", "fs.listDir", "terminal.upload", "system.run"];
    let mut node = approved_node(&gateway, &key, &commands).await;
    let mut writer = gateway.local().await;
    writer.enter(&Ask::cli(&["operator.write"]).token(TOKEN)).await;
    for command in &commands[..4] {
        let error = writer.call("node.invoke", ask_for(&key, command)).await.unwrap_err();
        assert_eq!(error["message"], "missing scope: operator.admin", "{command}");
        assert_eq!(error["code"], "FORBIDDEN");
    }
    let call = writer.begin("node.invoke", ask_for(&key, "system.run")).await;
    answer(&mut node, &key, json!(0)).await;
    writer.answer(&call).await.unwrap();
    let mut admin = gateway.admin().await;
    for command in &commands[..4] {
        let call = admin.begin("node.invoke", ask_for(&key, command)).await;
        assert_eq!(answer(&mut node, &key, json!(0)).await["command"], json!(command));
        admin.answer(&call).await.unwrap();
    }
    let mut reader = gateway.local().await;
    reader.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    assert_eq!(reader.denied("node.invoke", ask_for(&key, "system.run")).await, "missing scope: operator.write");
}
