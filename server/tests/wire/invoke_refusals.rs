//! Every way in which asking a node fails before the node is asked (wire.md §7.4; pain S5-04).

use serde_json::{Value, json};

use crate::ask::Key;
use crate::gateway::TestGateway;
use crate::invoking::ask_for;
use crate::nodes::{approved_node, local_node, waiting_id};

fn barred(command: &str, reason: &str, sentence: &str) -> Value {
    json!({
        "code": "INVALID_REQUEST", "message": format!("node command not allowed: {sentence}"),
        "details": {"reason": reason, "command": command},
    })
}

#[tokio::test]
async fn a_command_that_may_not_be_sent_is_refused_word_for_word() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, &["system.which"]).await;
    let mut admin = gateway.admin().await;
    let unlisted = "command not allowlisted";
    let rows = [
        ("x", unlisted, r#""x" is not in the allowlist for platform "linux""#),
        ("camera.snap", unlisted, r#""camera.snap" requires explicit gateway.nodes.commands.allow opt-in"#),
        ("system.run", unlisted, r#""system.run" is not in the allowlist for platform "linux""#),
        ("system.notify", "command not declared by node", r#"the node does not offer "system.notify""#),
        ("system.execApprovals.get", unlisted, r#""system.execApprovals.get" is not for invoking"#),
        ("system.execApprovals.set", unlisted, r#""system.execApprovals.set" is not for invoking"#),
    ];
    for (command, reason, sentence) in rows {
        let error = admin.call("node.invoke", ask_for(&key, command)).await.unwrap_err();
        assert_eq!(error, barred(command, reason, sentence));
    }
    assert_eq!(node.heard_of_nodes().await, []);

    let key = Key::new(2);
    let _node = approved_node(&gateway, &key, &[]).await;
    let error = admin.call("node.invoke", ask_for(&key, "system.notify")).await.unwrap_err();
    let nothing = barred("system.notify", "node did not declare commands", "the node offers no commands");
    assert_eq!(error, nothing);
}

fn changed() -> Value {
    json!({
        "code": "UNAVAILABLE", "message": "node pairing changed while invocation was active", "retryable": true,
        "details": {"code": "PAIRING_CHANGED"},
    })
}

#[tokio::test]
async fn nobody_who_was_not_approved_is_asked() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut admin = gateway.admin().await;
    let which = || ask_for(&key, "system.which");
    assert_eq!(admin.call("node.invoke", which()).await.unwrap_err(), changed(), "unknown");
    let mut node = local_node(&gateway, &key, &["system.which"]).await;
    assert_eq!(admin.call("node.invoke", which()).await.unwrap_err(), changed(), "only a device");
    let id = waiting_id(&mut admin).await;
    admin.call("node.pair.reject", json!({"requestId": id})).await.unwrap();
    assert_eq!(admin.call("node.invoke", which()).await.unwrap_err(), changed(), "rejected");
    assert_eq!(node.heard_of_nodes().await, []);
    let mut node = approved_node(&gateway, &key, &["system.which"]).await;
    admin.call("node.pair.remove", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(admin.call("node.invoke", which()).await.unwrap_err(), changed(), "removed");
    node.ended().await;
}

#[tokio::test]
async fn a_node_that_is_away_is_said_to_be_away() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let node = approved_node(&gateway, &key, &["system.which"]).await;
    let mut admin = gateway.admin().await;
    drop(node);
    gateway.until_gone(&key).await;
    let error = admin.call("node.invoke", ask_for(&key, "system.which")).await.unwrap_err();
    let expected = json!({
        "code": "UNAVAILABLE", "message": "node not connected",
        "details": {
            "code": "NOT_CONNECTED", "nodeError": {"code": "NOT_CONNECTED", "message": "node not connected"},
            "nodeCommandDispatched": false,
        },
    });
    assert_eq!(error, expected);
}
