//! What comes of odd frames and calls once a client is in (wire.md §1.5, §7.1).

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};

async fn reader(gateway: &TestGateway) -> Client {
    let mut client = gateway.local().await;
    client.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    client
}

fn missing(scope: &str) -> Value {
    json!({
        "code": "FORBIDDEN", "message": format!("missing scope: {scope}"),
        "details": {"code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope]},
    })
}

#[tokio::test]
async fn what_is_not_json_is_ignored() {
    let gateway = TestGateway::start().await;
    let mut client = reader(&gateway).await;
    client.send(Message::text("{bad json")).await;
    client.send(Message::Binary(vec![0xff].into())).await;
    assert!(client.is_open().await);
}

#[tokio::test]
async fn an_invalid_frame_is_answered_with_its_id_or_the_word_invalid() {
    let gateway = TestGateway::start().await;
    let mut client = reader(&gateway).await;
    let rows = [
        (json!({"type": "req", "id": "q"}), "q", "must have required property 'method'"),
        (
            json!({"type": "event", "event": "q"}),
            "invalid",
            "must have required property 'id'; at root: unexpected property 'event'; at /type: must be equal to constant",
        ),
        (
            json!({"type": "req", "id": "x", "method": "health", "bogus": 1}),
            "x",
            "at root: unexpected property 'bogus'",
        ),
        (json!([1, 2]), "invalid", "at root: must be object"),
    ];
    for (frame, id, problem) in rows {
        client.say(&frame).await;
        let error = json!({"code": "INVALID_REQUEST", "message": format!("invalid request frame: {problem}")});
        let expected = json!({"type": "res", "id": id, "ok": false, "error": error});
        assert_eq!(client.next().await.text(), expected);
    }
    assert!(client.is_open().await);
}

#[tokio::test]
async fn an_unknown_method_is_unknown_only_to_admins() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let error = admin.call("no.such.method", json!({})).await.unwrap_err();
    assert_eq!(error, json!({"code": "INVALID_REQUEST", "message": "unknown method: no.such.method"}));
    let mut client = reader(&gateway).await;
    for method in ["no.such.method", "connect", "config.set"] {
        assert_eq!(client.call(method, json!({})).await.unwrap_err(), missing("operator.admin"), "{method}");
    }
}

#[tokio::test]
async fn a_method_needs_its_scope_before_its_parameters_are_looked_at() {
    let gateway = TestGateway::start().await;
    let mut client = reader(&gateway).await;
    for method in [
        "device.pair.list",
        "device.pair.approve",
        "device.pair.reject",
        "device.pair.remove",
        "device.pair.rename",
        "device.token.rotate",
        "device.token.revoke",
    ] {
        assert_eq!(
            client.call(method, json!({"bogus": 1})).await.unwrap_err(),
            missing("operator.pairing"),
            "{method}"
        );
    }
    let mut nobody = gateway.remote().await;
    nobody.enter(&Ask::cli(&["operator.admin"]).token(TOKEN)).await;
    for method in ["status", "config.get"] {
        assert_eq!(nobody.call(method, json!({})).await.unwrap_err(), missing("operator.read"), "{method}");
    }
}

#[tokio::test]
async fn parameters_are_closed_objects() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let rows = [
        ("device.pair.approve", json!({}), "must have required property 'requestId'"),
        ("device.pair.list", json!({"all": true}), "at root: unexpected property 'all'"),
        ("device.pair.remove", json!({"deviceId": ""}), "at /deviceId: must not have fewer than 1 characters"),
        ("status", json!([]), "at root: must be object"),
    ];
    for (method, params, problem) in rows {
        assert_eq!(admin.denied(method, params).await, format!("invalid {method} params: {problem}"));
    }
}

#[tokio::test]
async fn the_eleventh_call_in_a_row_for_the_wrong_role_ends_the_socket() {
    let gateway = TestGateway::start().await;
    let mut client = reader(&gateway).await;
    for _ in 0..10 {
        assert_eq!(client.denied("node.event", json!({})).await, "unauthorized role: operator");
    }
    assert!(client.is_open().await, "and any other call starts the count anew");
    for _ in 0..11 {
        assert_eq!(client.denied("node.event", json!({})).await, "unauthorized role: operator");
    }
    assert_eq!(client.next().await, Frame::close(1008, "repeated unauthorized calls"));
}

#[tokio::test]
async fn a_node_may_ask_for_its_health_and_nothing_of_an_operator() {
    let gateway = TestGateway::start().await;
    let mut node = gateway.local().await;
    let hello = node.enter(&Ask::node().token(TOKEN).device(&Key::new(1))).await;
    assert_eq!((&hello["auth"]["role"], &hello["auth"]["scopes"]), (&json!("node"), &json!([])));
    assert!(node.is_open().await);
    for method in ["device.pair.list", "status", "no.such.method"] {
        assert_eq!(node.denied(method, json!({})).await, "unauthorized role: node", "{method}");
    }
}
