//! What a node offers changes, and what was approved stays (wire.md §9.3; pains E01, E02, E03).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};
use crate::nodes::{approved_node, described, local_node, waiting_id};

const WHICH: &[&str] = &["system.which"];
const BOTH: &[&str] = &["system.which", "system.run"];

fn state_of(described: &Value) -> (Value, Value) {
    (described["approvalState"].clone(), described["commands"].clone())
}

async fn names_of_nodes_news(admin: &mut Client) -> Vec<String> {
    let heard = admin.heard_of_nodes().await;
    heard.into_iter().map(|(name, payload)| format!("{name} {}", payload["decision"].as_str().unwrap_or("-"))).collect()
}

#[tokio::test]
async fn a_wider_offer_waits_while_what_was_approved_stays_usable() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let first = approved_node(&gateway, &key, WHICH).await;
    drop(first);
    let mut admin = gateway.admin().await;
    let mut node = local_node(&gateway, &key, BOTH).await;
    let id = waiting_id(&mut admin).await;
    let shown = described(&mut admin, &key).await;
    assert_eq!(state_of(&shown), (json!("pending-reapproval"), json!(WHICH)));
    assert_eq!(shown["pendingRequestId"], json!(id));
    assert_eq!(shown["pendingDeclaredCommands"], json!(["system.run", "system.which"]), "sorted");
    assert_eq!((&shown["paired"], &shown["connected"]), (&json!(true), &json!(true)));
    let ask = json!({"nodeId": key.id(), "command": "system.run", "idempotencyKey": "k"});
    let denied = admin.denied("node.invoke", ask).await;
    assert_eq!(denied, "node command not allowed: \"system.run\" is not in the allowlist for platform \"linux\"");
    let ask = json!({"nodeId": key.id(), "command": "system.which", "idempotencyKey": "k"});
    let call = admin.begin("node.invoke", ask).await;
    let asked = node.event("node.invoke.request").await;
    let answer = json!({"id": asked["id"], "nodeId": key.id(), "ok": true, "payload": 7});
    node.call("node.invoke.result", answer).await.unwrap();
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], 7);
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    assert_eq!(state_of(&described(&mut admin, &key).await), (json!("approved"), json!(BOTH)));
}

#[tokio::test]
async fn the_same_offer_in_any_order_keeps_its_id_and_is_announced_once() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    local_node(&gateway, &key, BOTH).await;
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    for turn in 0..20 {
        let commands = if turn % 2 == 0 { ["system.run", "system.which"] } else { ["system.which", "system.run"] };
        local_node(&gateway, &key, &commands).await;
        assert_eq!(waiting_id(&mut admin).await, id);
    }
    assert_eq!(admin.heard_of_nodes().await, []);
    let list = admin.call("node.pair.list", json!({})).await.unwrap();
    assert_eq!(list["pending"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_offer_takes_the_old_request_back_and_is_a_new_one() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let _first = local_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let old = waiting_id(&mut admin).await;
    let _second = local_node(&gateway, &key, BOTH).await;
    let heard = admin.heard_of_nodes().await;
    let [(first, resolved), (second, requested)] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("node.pair.resolved", "node.pair.requested"));
    assert_eq!((&resolved["requestId"], &resolved["decision"]), (&json!(old), &json!("rejected")));
    assert_ne!(requested["requestId"], json!(old));
    assert_eq!(requested["commands"], json!(BOTH));
    assert_eq!(admin.denied("node.pair.approve", json!({"requestId": old})).await, "unknown requestId");
    assert_eq!(described(&mut admin, &key).await["commands"], json!([]));
}

#[tokio::test]
async fn a_narrower_offer_needs_nobody_and_takes_a_wider_one_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    approved_node(&gateway, &key, BOTH).await;
    let mut admin = gateway.admin().await;
    let _node = local_node(&gateway, &key, WHICH).await;
    assert_eq!(state_of(&described(&mut admin, &key).await), (json!("approved"), json!(WHICH)));
    assert_eq!(names_of_nodes_news(&mut admin).await, Vec::<String>::new());

    let _wider = local_node(&gateway, &key, &["system.which", "system.notify"]).await;
    assert_eq!(names_of_nodes_news(&mut admin).await, ["node.pair.requested -"]);
    let _again = local_node(&gateway, &key, BOTH).await;
    assert_eq!(names_of_nodes_news(&mut admin).await, ["node.pair.resolved rejected"]);
    assert_eq!(state_of(&described(&mut admin, &key).await), (json!("approved"), json!(BOTH)));
}

#[tokio::test]
async fn a_rejected_offer_leaves_what_was_approved_and_the_node_is_not_told() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let mut node = local_node(&gateway, &key, BOTH).await;
    let id = waiting_id(&mut admin).await;
    let rejected = admin.call("node.pair.reject", json!({"requestId": id})).await.unwrap();
    assert_eq!(rejected, json!({"requestId": id, "nodeId": key.id()}));
    let news = names_of_nodes_news(&mut admin).await;
    assert_eq!(news, ["node.pair.requested -", "node.pair.resolved rejected"]);
    assert_eq!(node.heard_of_nodes().await, []);
    assert_eq!(state_of(&described(&mut admin, &key).await), (json!("approved"), json!(WHICH)));
    assert_eq!(admin.denied("node.pair.reject", json!({"requestId": id})).await, "unknown requestId");
    let _back = local_node(&gateway, &key, BOTH).await;
    assert_ne!(waiting_id(&mut admin).await, id, "it may ask again");
}

#[tokio::test]
async fn an_offer_that_waits_and_one_that_was_approved_survive_a_restart() {
    let gateway = TestGateway::start().await;
    let (key, other) = (Key::new(1), Key::new(2));
    approved_node(&gateway, &other, WHICH).await;
    local_node(&gateway, &key, BOTH).await;
    let before = gateway.admin().await.call("node.pair.list", json!({})).await.unwrap();
    let gateway = gateway.restart().await;
    let after = gateway.admin().await.call("node.pair.list", json!({})).await.unwrap();
    assert_eq!((&before["pending"], before["paired"][0]["commands"].clone()), (&after["pending"], json!(WHICH)));
    assert_eq!(before["paired"][0]["approvedAtMs"], after["paired"][0]["approvedAtMs"]);
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    let gateway = gateway.restart().await;
    let _node = local_node(&gateway, &key, BOTH).await;
    assert_eq!(state_of(&described(&mut gateway.admin().await, &key).await), (json!("approved"), json!(BOTH)));
}

#[tokio::test]
async fn a_node_that_a_rule_let_in_comes_back_by_its_token_and_asks_nobody_anew() {
    let settings = json!({
        "auth": {"token": TOKEN},
        "nodes": {"pairing": {"autoApproveLocal": false, "autoApproveCidrs": ["127.0.0.0/8"]}},
    });
    for gateway in [TestGateway::start().await, TestGateway::start_with(&settings, &[]).await] {
        let key = Key::new(1);
        let mut node = gateway.local().await;
        let hello = node.enter(&Ask::offering(WHICH).device(&key).token(TOKEN)).await;
        let token = hello["auth"]["deviceToken"].as_str().unwrap().to_owned();
        let id = waiting_id(&mut gateway.admin().await).await;
        let gateway = gateway.restart().await;
        let mut admin = gateway.admin().await;
        let mut node = gateway.local().await;
        let hello = node.enter(&Ask::offering(WHICH).device(&key).auth("deviceToken", &token)).await;
        assert_eq!((&hello["auth"]["method"], &hello["auth"]["deviceToken"]), (&json!("device-token"), &json!(token)));
        let heard = admin.heard().await;
        assert!(heard.iter().all(|(name, _)| name == "presence"), "{heard:?}");
        assert_eq!(waiting_id(&mut admin).await, id);
    }
}
