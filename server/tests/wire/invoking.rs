//! Asking nodes to do something (wire.md §7.4, §9.5).

use serde_json::json;

use crate::ask::Key;
use crate::gateway::TestGateway;
use crate::nodes::approved_node;

#[tokio::test]
async fn a_command_goes_to_the_node_and_its_answer_comes_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, &["system.which"]).await;
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
    let answer = json!({"id": payload["id"], "nodeId": key.id(), "ok": true, "payloadJSON": text});
    assert_eq!(node.call("node.invoke.result", answer).await.unwrap(), json!({"ok": true}));
    let expected = json!({
        "ok": true, "nodeId": key.id(), "command": "system.which", "payload": {"bins": {"bash": "/usr/bin/bash"}},
        "payloadJSON": text,
    });
    assert_eq!(admin.answer(&call).await.unwrap(), expected);
}
