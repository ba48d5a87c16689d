//! How a question to a node ends when it is not simply answered (wire.md §7.4, §9.5; pains E07, S5-05).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};
use crate::invoking::{answer, ask_for};
use crate::nodes::{approved_node, local_node};

const WHICH: &[&str] = &["system.which"];

async fn asked(admin: &mut Client, node: &mut Client, key: &Key) -> (String, Value) {
    let call = admin.begin("node.invoke", ask_for(key, "system.which")).await;
    (call, node.event("node.invoke.request").await["id"].clone())
}

fn failed(code: &str, message: &str) -> Value {
    json!({
        "code": "UNAVAILABLE", "message": format!("{code}: {message}"),
        "details": {"nodeError": {"code": code, "message": message}, "nodeCommandDispatched": true},
    })
}

#[tokio::test]
async fn what_a_node_says_went_wrong_reaches_the_caller() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let rows = [
        (json!({"code": "BOOM", "message": "it failed"}), failed("BOOM", "it failed")),
        (json!({}), failed("NODE_ERROR", "the node gave no reason")),
        (json!(null), failed("NODE_ERROR", "the node gave no reason")),
    ];
    for (error, expected) in rows {
        let (call, id) = asked(&mut admin, &mut node, &key).await;
        let result = json!({"id": id, "nodeId": key.id(), "ok": false, "error": error, "payloadJSON": null});
        assert_eq!(node.call("node.invoke.result", result).await.unwrap(), json!({"ok": true}));
        assert_eq!(admin.answer(&call).await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_node_that_takes_too_long_is_told_to_stop_and_its_answer_is_ignored() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let mut ask = ask_for(&key, "system.which");
    ask["timeoutMs"] = 10_000.into();
    let call = admin.begin("node.invoke", ask).await;
    let id = node.event("node.invoke.request").await["id"].clone();
    let start = Instant::now();
    tokio::time::pause();
    let error = admin.answer(&call).await.unwrap_err();
    tokio::time::resume();
    assert!(start.elapsed() >= Duration::from_secs(9), "{:?}", start.elapsed());
    assert_eq!(error, failed("TIMEOUT", "node invoke timed out"));
    let cancelled = node.event_frame("node.invoke.cancel").await;
    assert_eq!(cancelled["payload"], json!({"invokeId": id, "nodeId": key.id()}));
    assert_eq!(cancelled.get("seq"), None);
    let late = json!({"id": id, "nodeId": key.id(), "ok": true, "payload": "late"});
    assert_eq!(node.call("node.invoke.result", late).await.unwrap(), json!({"ok": true, "ignored": true}));
}

#[tokio::test]
async fn a_caller_that_leaves_takes_its_question_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let (_, id) = asked(&mut admin, &mut node, &key).await;
    drop(admin);
    let cancelled = node.event("node.invoke.cancel").await;
    assert_eq!(cancelled, json!({"invokeId": id, "nodeId": key.id()}));
}

#[tokio::test]
async fn a_caller_that_is_thrown_out_hears_no_answer() {
    let gateway = TestGateway::start().await;
    let (key, caller_key) = (Key::new(1), Key::new(2));
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let ask = Ask::cli(&["operator.write"]).device(&caller_key);
    let token = gateway.pair(&ask).await;
    let mut caller = gateway.remote().await;
    caller.enter(&ask.auth("deviceToken", &token)).await;
    let (_, id) = asked(&mut caller, &mut node, &key).await;
    let revoke = json!({"deviceId": caller_key.id(), "role": "operator"});
    gateway.admin().await.call("device.token.revoke", revoke).await.unwrap();
    assert_eq!(node.event("node.invoke.cancel").await["invokeId"], id);
    let result = json!({"id": id, "nodeId": key.id(), "ok": true, "payload": "secret"});
    assert_eq!(node.call("node.invoke.result", result).await.unwrap(), json!({"ok": true, "ignored": true}));
    loop {
        match caller.next().await {
            Frame::Text(frame) => assert_eq!(frame["type"], "event", "{frame}"),
            end @ (Frame::Close { .. } | Frame::Gone) => {
                assert_eq!(end, Frame::close(4001, "device removed"));
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_node_that_goes_away_while_it_works_is_said_to_have_gone() {
    let gone = failed("NOT_CONNECTED", "node disconnected before it answered");
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut admin = gateway.admin().await;
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let (call, _) = asked(&mut admin, &mut node, &key).await;
    drop(node);
    assert_eq!(admin.answer(&call).await.unwrap_err(), gone, "left");
    let takings = [
        ("device.token.rotate", json!({"deviceId": key.id(), "role": "node"})),
        ("node.pair.remove", json!({"nodeId": key.id()})),
        ("device.pair.remove", json!({"deviceId": key.id()})),
        ("device.token.revoke", json!({"deviceId": key.id(), "role": "node"})),
    ];
    for (method, params) in takings {
        let mut node = if method == "device.token.rotate" || method == "node.pair.remove" {
            local_node(&gateway, &key, WHICH).await
        } else {
            approved_node(&gateway, &key, WHICH).await
        };
        let (call, id) = asked(&mut admin, &mut node, &key).await;
        let result = json!({"type": "req", "id": "late", "method": "node.invoke.result",
            "params": {"id": id, "nodeId": key.id(), "ok": true, "payload": "late"}});
        gateway.admin().await.call(method, params).await.unwrap();
        node.try_send(tokio_tungstenite::tungstenite::Message::text(result.to_string())).await;
        assert_eq!(admin.answer(&call).await.unwrap_err(), gone, "{method}");
        assert_eq!(node.ended().await, Frame::close(4001, "device removed"));
    }
}

#[tokio::test]
async fn a_node_answers_only_what_it_was_asked_and_only_once() {
    let gateway = TestGateway::start().await;
    let (key, other_key) = (Key::new(1), Key::new(2));
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut other = approved_node(&gateway, &other_key, WHICH).await;
    let mut admin = gateway.admin().await;
    let (call, id) = asked(&mut admin, &mut node, &key).await;
    let ignored = json!({"ok": true, "ignored": true});
    let result =
        |id: &Value, node_id: &str, said: &str| json!({"id": id, "nodeId": node_id, "ok": true, "payload": said});

    let forged = other.call("node.invoke.result", result(&id, &other_key.id(), "forged")).await.unwrap();
    assert_eq!(forged, ignored, "another node's question");
    let mismatch = json!({"code": "INVALID_REQUEST", "message": "nodeId mismatch"});
    let forged = other.call("node.invoke.result", result(&id, &key.id(), "forged")).await.unwrap_err();
    assert_eq!(forged, mismatch, "in another node's name");
    let wrong = node.call("node.invoke.result", result(&id, "zz", "wrong")).await.unwrap_err();
    assert_eq!(wrong, mismatch, "in nobody's name");
    let made_up = node.call("node.invoke.result", result(&json!("nope"), &key.id(), "made up")).await.unwrap();
    assert_eq!(made_up, ignored, "never asked");

    let progress = |id: &Value| json!({"invokeId": id, "nodeId": key.id(), "seq": 0, "chunk": "hi"});
    assert_eq!(node.call("node.invoke.progress", progress(&id)).await.unwrap(), json!({"ok": true}));
    assert_eq!(node.call("node.invoke.progress", progress(&json!("nope"))).await.unwrap(), ignored);
    let mut long = progress(&id);
    long["chunk"] = "x".repeat(16_385).into();
    let long = node.denied("node.invoke.progress", long).await;
    assert!(long.ends_with("at /chunk: must not have more than 16384 characters"), "{long}");

    assert_eq!(node.call("node.invoke.result", result(&id, &key.id(), "true")).await.unwrap(), json!({"ok": true}));
    assert_eq!(node.call("node.invoke.result", result(&id, &key.id(), "again")).await.unwrap(), ignored, "twice");
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], "true");
    let call = admin.begin("node.invoke", ask_for(&other_key, "system.which")).await;
    answer(&mut other, &other_key, json!("fine")).await;
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], "fine");
}

#[tokio::test]
async fn a_question_to_a_node_ends_with_the_gateway() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.local().await;
    admin.enter(&Ask::cli(&["operator.write"]).token(TOKEN)).await;
    asked(&mut admin, &mut node, &key).await;
    gateway.stop().await;
    for client in [&mut node, &mut admin] {
        assert_eq!(client.ended().await, Frame::close(1012, "service restart"));
    }
}
