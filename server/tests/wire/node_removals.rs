//! What becomes of a node when its device, its role or its token is taken away, or it is given another
//! name (wire.md §7.3; pains E07, S4-01, S4-04).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};
use crate::nodes::{approved_node, described, local_node, waiting_id};

const WHICH: &[&str] = &["system.which"];

async fn nodes(admin: &mut Client) -> Value {
    admin.call("node.list", json!({})).await.unwrap()["nodes"].clone()
}

#[tokio::test]
async fn removing_a_device_removes_its_node_and_takes_its_request_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    approved_node(&gateway, &key, WHICH).await;
    let mut node = local_node(&gateway, &key, &["system.which", "system.run"]).await;
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    admin.call("device.pair.remove", json!({"deviceId": key.id()})).await.unwrap();
    assert_eq!(node.ended().await, Frame::close(4001, "device removed"));
    let resolved = admin.event("node.pair.resolved").await;
    assert_eq!((&resolved["requestId"], &resolved["decision"]), (&json!(id), &json!("rejected")));
    assert_eq!(nodes(&mut admin).await, json!([]));
    assert_eq!(admin.call("node.pair.list", json!({})).await.unwrap(), json!({"pending": [], "paired": []}));
    assert_eq!(admin.denied("node.describe", json!({"nodeId": key.id()})).await, "unknown nodeId");
}

#[tokio::test]
async fn removing_a_node_keeps_the_operator_that_the_same_device_is() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let operator = Ask::cli(&["operator.read"]).client("deviceFamily", "Linux").device(&key);
    let token = gateway.pair(&operator).await;
    let offer = Ask::offering(WHICH).device(&key).token(TOKEN);
    let refused = gateway.local().await.refused(&offer).await;
    assert_eq!(refused.error["details"]["reason"], "role-upgrade", "never without a person, even from here");
    gateway.approve(&refused.request_id()).await;
    let (mut node, mut phone) = (gateway.local().await, gateway.remote().await);
    node.enter(&offer).await;
    phone.enter(&operator.clone().auth("deviceToken", &token)).await;
    gateway.admin().await.call("node.pair.remove", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(node.ended().await, Frame::close(4001, "device removed"));
    assert!(phone.is_open().await);
    let device = &gateway.list().await["paired"][0];
    assert_eq!((&device["roles"], &device["role"]), (&json!(["operator"]), &json!("operator")));
    assert_eq!(device["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(nodes(&mut gateway.admin().await).await, json!([]));
    let refused = gateway.local().await.refused(&offer).await;
    assert_eq!(refused.error["details"]["reason"], "role-upgrade");
}

#[tokio::test]
async fn a_revoked_node_gets_back_only_what_is_approved_anew() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let revoke = json!({"deviceId": key.id(), "role": "node"});
    admin.call("device.token.revoke", revoke.clone()).await.unwrap();
    assert_eq!(node.ended().await, Frame::close(4001, "device removed"));
    let ask = json!({"nodeId": key.id(), "command": "system.which", "idempotencyKey": "k"});
    let unusable = |error: Value| assert_eq!(error["details"]["code"], "PAIRING_CHANGED");
    unusable(admin.call("node.invoke", ask.clone()).await.unwrap_err());
    assert_eq!(admin.call("node.pair.list", json!({})).await.unwrap()["paired"], json!([]));
    assert_eq!(nodes(&mut admin).await[0]["paired"], false);

    let offer = Ask::offering(WHICH).device(&key).token(TOKEN);
    let refused = gateway.local().await.refused(&offer).await;
    assert_eq!(refused.error["details"]["reason"], "role-upgrade");
    let rotate = json!({"deviceId": key.id(), "role": "node"});
    assert_eq!(admin.denied("device.token.rotate", rotate).await, "device token rotation denied");
    gateway.approve(&refused.request_id()).await;
    let _node = local_node(&gateway, &key, WHICH).await;
    unusable(admin.call("node.invoke", ask).await.unwrap_err());
    assert_eq!(described(&mut admin, &key).await["approvalState"], "pending-approval");
    waiting_id(&mut admin).await;
}

#[tokio::test]
async fn a_sibling_session_cannot_bring_a_revoked_node_back() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let operator = Ask::cli(&["operator.pairing"]).client("deviceFamily", "Linux").device(&key);
    let token = gateway.pair(&operator).await;
    let offer = Ask::offering(WHICH).device(&key).token(TOKEN);
    let id = gateway.remote().await.refused(&offer).await.request_id();
    gateway.approve(&id).await;
    let mut sibling = gateway.remote().await;
    sibling.enter(&operator.auth("deviceToken", &token)).await;
    let this_node = json!({"deviceId": key.id(), "role": "node"});
    gateway.admin().await.call("device.token.revoke", this_node.clone()).await.unwrap();
    assert_eq!(sibling.denied("device.token.rotate", this_node).await, "device token rotation denied");
    let id = gateway.remote().await.refused(&offer).await.request_id();
    assert_eq!(sibling.denied("device.pair.approve", json!({"requestId": id})).await, "device pairing approval denied");
    assert_eq!(gateway.list().await["pending"][0]["requestId"], id);
}

#[tokio::test]
async fn a_new_name_is_seen_in_every_list() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let _node = approved_node(&gateway, &key, WHICH).await;
    let _wider = local_node(&gateway, &key, &["system.which", "system.run"]).await;
    let mut admin = gateway.admin().await;
    for (method, params) in [
        ("node.rename", json!({"nodeId": key.id(), "displayName": "  Garage "})),
        ("device.pair.rename", json!({"deviceId": key.id(), "label": "Garage"})),
    ] {
        admin.call(method, params).await.unwrap();
        let list = admin.call("node.pair.list", json!({})).await.unwrap();
        assert_eq!(list["pending"][0]["displayName"], "Garage");
        assert_eq!(list["paired"][0]["displayName"], "Garage");
        assert_eq!(nodes(&mut admin).await[0]["displayName"], "Garage");
        assert_eq!(described(&mut admin, &key).await["displayName"], "Garage");
        assert_eq!(gateway.list().await["paired"][0]["operatorLabel"], "Garage");
        let other = json!({"deviceId": key.id(), "label": "Other"});
        admin.call("device.pair.rename", other).await.unwrap();
    }
    let rename = |name: &str| json!({"nodeId": key.id(), "displayName": name});
    assert_eq!(admin.denied("node.rename", rename("  ")).await, "label required");
    let long = admin.denied("node.rename", rename(&"x".repeat(65))).await;
    assert!(long.ends_with("at /displayName: must not have more than 64 characters"), "{long}");
    let unknown = json!({"nodeId": "nobody", "displayName": "x"});
    assert_eq!(admin.denied("node.rename", unknown).await, "unknown nodeId");
}

#[tokio::test]
async fn what_the_owner_allows_and_denies_counts_at_once() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let offer = ["system.which", "camera.snap"];
    let mut node = approved_node(&gateway, &key, &offer).await;
    gateway.change(|config| {
        config.policy.commands.deny = vec!["system.which".to_owned()];
        config.policy.commands.allow = vec!["camera.snap".to_owned()];
    });
    assert_eq!(node.ended().await, Frame::close(4001, "gateway policy changed"));
    let mut admin = gateway.admin().await;
    assert_eq!(described(&mut admin, &key).await["commands"], json!([]), "denied also while it is away");
    let _node = local_node(&gateway, &key, &offer).await;
    let ask = |command: &str| json!({"nodeId": key.id(), "command": command, "idempotencyKey": "k"});
    let denied = admin.denied("node.invoke", ask("system.which")).await;
    assert_eq!(denied, "node command not allowed: \"system.which\" is not in the allowlist for platform \"linux\"");
    assert_eq!(admin.call("node.invoke", ask("camera.snap")).await.unwrap_err()["details"]["code"], "PAIRING_CHANGED");
    let id = waiting_id(&mut admin).await;
    let approved = admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    assert_eq!(approved["node"]["commands"], json!(["camera.snap"]));
    assert_eq!(described(&mut admin, &key).await["commands"], json!(["camera.snap"]));
}

#[tokio::test]
async fn a_machine_that_contradicts_itself_may_offer_little() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let commands = ["system.run", "device.info", "system.notify"];
    let mut node = gateway.local().await;
    let offer = Ask::offering(&commands).client("deviceFamily", "Mac").device(&key).token(TOKEN);
    node.enter(&offer).await;
    let mut admin = gateway.admin().await;
    let list = admin.call("node.pair.list", json!({})).await.unwrap();
    assert_eq!(list["pending"][0]["commands"], json!(["system.notify"]));
    let ask = json!({"nodeId": key.id(), "command": "system.run", "idempotencyKey": "k"});
    let id = waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    let denied = admin.denied("node.invoke", ask).await;
    assert_eq!(denied, "node command not allowed: \"system.run\" is not in the allowlist for platform \"unknown\"");
    let other = Ask::offering(&commands).client("deviceFamily", "Linux").device(&key).token(TOKEN);
    let refused = gateway.local().await.refused(&other).await;
    assert_eq!(refused.error["details"]["reason"], "metadata-upgrade");
}
