//! What comes of a first frame that is not a good `connect` (wire.md §1.5).

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::ask::Ask;
use crate::client::Frame;
use crate::gateway::{TOKEN, TestGateway};

/// Sends one message as the first, and reads all that comes of it.
async fn check(gateway: &TestGateway, message: impl Into<Message>, answer: Option<(&str, &str)>, code: u16, why: &str) {
    let message = message.into();
    let mut client = gateway.local().await;
    client.send(message.clone()).await;
    if let Some((id, text)) = answer {
        let error = json!({"code": "INVALID_REQUEST", "message": text});
        let expected = json!({"type": "res", "id": id, "ok": false, "error": error});
        assert_eq!(client.next().await.text(), expected, "{message}");
    }
    assert_eq!(client.next().await, Frame::close(code, why), "{message}");
}

fn frame(value: &Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test]
async fn what_is_not_json_ends_the_socket_without_a_word() {
    let gateway = TestGateway::start().await;
    let deep =
        format!(r#"{{"type":"req","id":"1","method":"connect","params":{}1{}}}"#, "[".repeat(400), "]".repeat(400));
    for text in ["hello world", "", "{", "{\"type\":\"req\",", &deep] {
        check(&gateway, text, None, 1000, "").await;
    }
    check(&gateway, Message::Binary(vec![0xff, 0xfe].into()), None, 1000, "").await;
}

#[tokio::test]
async fn json_that_is_no_request_ends_the_socket_with_1008() {
    let gateway = TestGateway::start().await;
    let rows = [
        json!([1, 2]),
        json!(null),
        json!("connect"),
        json!({}),
        json!({"type": "event", "event": "connect"}),
        json!({"type": "res", "id": "1", "ok": true}),
        json!({"type": "req", "id": "x", "method": "connect", "params": {}, "bogus": 1}),
        json!({"type": "req", "id": "", "method": "connect"}),
        json!({"type": "req", "id": 1, "method": "connect"}),
        json!({"type": "req", "id": "x", "method": "connect", "traceparent": "x".repeat(129)}),
        json!({"type": "req", "id": "x", "method": "connect", "expectedProfileId": ""}),
    ];
    for row in rows {
        check(&gateway, frame(&row), None, 1008, "invalid request frame").await;
    }
}

#[tokio::test]
async fn another_request_than_connect_is_answered_and_ends_the_socket() {
    let gateway = TestGateway::start().await;
    let why = "invalid handshake: first request must be connect";
    let health = json!({"type": "req", "id": "r1", "method": "health", "params": {}});
    check(&gateway, frame(&health), Some(("r1", why)), 1008, why).await;
    let binary = Message::Binary(health.to_string().into_bytes().into());
    check(&gateway, binary, Some(("r1", why)), 1008, why).await;
}

#[tokio::test]
async fn connect_with_wrong_parameters_names_every_problem() {
    let gateway = TestGateway::start().await;
    let client = json!({"id": "cli", "version": "1", "platform": "linux", "mode": "cli"});
    let with = |field: &str, value: Value| {
        let mut params = json!({"minProtocol": 4, "maxProtocol": 4, "client": client});
        params[field] = value;
        params
    };
    let rows = [
        (json!({"minProtocol": 4, "maxProtocol": 4}), "must have required property 'client'"),
        (with("bogus", json!(1)), "at root: unexpected property 'bogus'"),
        (
            with("client", json!({"id": "foo", "version": "1", "platform": "linux", "mode": "cli"})),
            "at /client/id: must be equal to one of the allowed values",
        ),
        (
            with("client", json!({"id": "cli", "version": "1", "platform": "linux", "mode": "operator"})),
            "at /client/mode: must be equal to one of the allowed values",
        ),
        (
            with("device", json!({"id": "a", "publicKey": "b", "signature": "c", "signedAt": 1, "nonce": ""})),
            "at /device/nonce: must not have fewer than 1 characters",
        ),
        (
            with("device", json!({"id": "a", "publicKey": "b", "signature": "c", "signedAt": 1})),
            "at /device: must have required property 'nonce'",
        ),
    ];
    for (params, problem) in rows {
        let request = json!({"type": "req", "id": "r1", "method": "connect", "params": params});
        let why = format!("invalid connect params: {problem}");
        check(&gateway, frame(&request), Some(("r1", &why)), 1008, &why).await;
    }
}

#[tokio::test]
async fn a_long_close_reason_is_cut_at_120_bytes_and_the_answer_is_not() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.local().await;
    let bogus = format!("{}ü", "x".repeat(57));
    let params = json!({bogus.clone(): 1, "minProtocol": 4, "maxProtocol": 4, "client": 1});
    client.say(&json!({"type": "req", "id": "r1", "method": "connect", "params": params})).await;
    let response = client.next().await.text();
    let message = response["error"]["message"].as_str().unwrap();
    let Frame::Close { code, reason } = client.next().await else { panic!("not closed") };
    assert_eq!(code, 1008);
    assert!(message.starts_with(&reason) && message.len() > 120, "{message}");
    assert!((117..=120).contains(&reason.len()), "{}", reason.len());
}

#[tokio::test]
async fn a_worker_gets_no_answer_at_all() {
    let gateway = TestGateway::start().await;
    for ask in [
        Ask::cli(&[]).param("role", json!("worker")),
        Ask::cli(&[]).client("id", "openclaw-worker"),
        Ask::cli(&[]).client("mode", "worker"),
    ] {
        let request = ask.request(&Value::Null);
        check(&gateway, frame(&request), None, 1008, "invalid-handshake").await;
    }
}

#[tokio::test]
async fn protocol_versions_are_negotiated_by_range() {
    let gateway = TestGateway::start().await;
    let range = |ask: Ask, min: u32, max: u32| ask.param("minProtocol", json!(min)).param("maxProtocol", json!(max));
    let probe = || Ask::admin().client("id", "openclaw-probe").client("mode", "probe");
    for ask in [range(Ask::admin(), 3, 4), range(Ask::admin(), 1, 9), range(probe(), 3, 3)] {
        let hello = gateway.local().await.enter(&ask).await;
        assert_eq!(hello["protocol"], 4);
    }
    for (min, max) in [(3, 3), (5, 5), (5, 4)] {
        let refused = gateway.local().await.refused(&range(Ask::admin(), min, max)).await;
        let details = json!({
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": min, "clientMaxProtocol": max, "expectedProtocol": 4,
            "minimumProbeProtocol": 3,
        });
        assert_eq!((&refused.error["details"], refused.code), (&details, 1002));
        assert_eq!(refused.reason, "protocol mismatch");
    }
}

#[tokio::test]
async fn an_unknown_role_is_refused() {
    let gateway = TestGateway::start().await;
    let refused = gateway.local().await.refused(&Ask::cli(&[]).token(TOKEN).param("role", json!("boss"))).await;
    assert_eq!(refused.error, json!({"code": "INVALID_REQUEST", "message": "invalid role"}));
    assert_eq!((refused.code, refused.reason.as_str()), (1008, "invalid role"));
}
