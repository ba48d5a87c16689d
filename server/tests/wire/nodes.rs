//! What a node offers, and how people decide about it (wire.md §7.3, §9).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{NOW, TOKEN, TestGateway};

const WHICH: &[&str] = &["system.which"];

/// A node on the gateway's machine, which is let in as a device without asking.
pub async fn local_node(gateway: &TestGateway, key: &Key, commands: &[&str]) -> Client {
    let mut node = gateway.local().await;
    node.enter(&Ask::offering(commands).device(key).token(TOKEN)).await;
    node
}

/// The id under which what the node offers waits.
pub async fn waiting_id(admin: &mut Client) -> String {
    let list = admin.call("node.pair.list", json!({})).await.unwrap();
    list["pending"][0]["requestId"].as_str().unwrap().to_owned()
}

/// A node that may be asked all that it offers.
pub async fn approved_node(gateway: &TestGateway, key: &Key, commands: &[&str]) -> Client {
    let mut node = local_node(gateway, key, commands).await;
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    node.event("node.pair.resolved").await;
    node
}

/// A node as the gateway describes it.
pub async fn described(admin: &mut Client, key: &Key) -> Value {
    admin.call("node.describe", json!({"nodeId": key.id()})).await.unwrap()
}

#[tokio::test]
async fn what_a_new_node_offers_waits_for_a_person_and_is_announced() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut admin = gateway.admin().await;
    let mut node = local_node(&gateway, &key, &["system.which", "foo.bar"]).await;
    let asked = admin.event_frame("node.pair.requested").await;
    let id = asked["payload"]["requestId"].as_str().unwrap().to_owned();
    let expected = json!({
        "requestId": id, "nodeId": key.id(), "clientId": "node-host", "clientMode": "node", "platform": "linux",
        "version": "1.0.0", "deviceFamily": "Linux", "caps": ["system"], "commands": ["system.which"],
        "requiredApproveScopes": ["operator.pairing", "operator.admin"], "silent": true, "ts": NOW,
    });
    assert_eq!(asked["payload"], expected);
    assert_eq!(admin.call("node.pair.list", json!({})).await.unwrap(), json!({"pending": [expected], "paired": []}));
    let shown = described(&mut admin, &key).await;
    assert_eq!((&shown["approvalState"], &shown["commands"]), (&json!("pending-approval"), &json!([])));
    assert_eq!((&shown["pendingRequestId"], &shown["connected"]), (&json!(id), &json!(true)));

    let told = node.call("node.event", json!({"event": "node.presence.alive"})).await.unwrap_err();
    assert_eq!((&told["code"], &told["details"]["code"]), (&json!("UNAVAILABLE"), &json!("PAIRING_CHANGED")));
    let told = node.call("node.runnerInventory.update", json!({})).await.unwrap_err();
    let words = format!(
        "node capability surface is awaiting operator approval; run `openclaw nodes approve {id}` (see `openclaw nodes pending`), then this node retries automatically"
    );
    assert_eq!(told["message"], words);
}

#[tokio::test]
async fn an_approval_takes_effect_on_the_live_connection_and_both_sides_are_told() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = local_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    let approved = admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    assert_eq!((&approved["requestId"], &approved["node"]["commands"]), (&json!(id), &json!(WHICH)));
    let news = json!({"requestId": id, "nodeId": key.id(), "decision": "approved", "ts": NOW});
    let heard = admin.event_frame("node.pair.resolved").await;
    assert_eq!((&heard["payload"], heard["seq"].is_u64()), (&news, true));
    let heard = node.event_frame("node.pair.resolved").await;
    assert_eq!((&heard["payload"], heard.get("seq")), (&news, None));
    assert_eq!(described(&mut admin, &key).await["commands"], json!(WHICH));
    let alive = node.call("node.event", json!({"event": "node.presence.alive"})).await.unwrap();
    assert_eq!(alive, json!({"ok": true, "event": "node.presence.alive", "handled": true, "reason": "persisted"}));
    assert_eq!(node.call("node.runnerInventory.update", json!({})).await.unwrap(), json!({"nodeId": key.id()}));
}

#[tokio::test]
async fn a_node_that_is_removed_is_thrown_out_and_forgotten_in_both_lists() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let removed = admin.call("node.pair.remove", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(removed, json!({"nodeId": key.id()}));
    let heard = admin.event_frame("node.pair.resolved").await;
    let news = json!({"requestId": "", "nodeId": key.id(), "decision": "removed", "ts": NOW});
    assert_eq!(heard["payload"], news);
    assert_eq!(node.ended().await, Frame::close(4001, "device removed"));
    assert_eq!(gateway.list().await["paired"], json!([]));
    assert_eq!(admin.call("node.list", json!({})).await.unwrap()["nodes"], json!([]));
    let again = admin.call("node.pair.remove", json!({"nodeId": key.id()})).await.unwrap_err();
    assert_eq!(again, json!({"code": "INVALID_REQUEST", "message": "unknown nodeId"}));
}
