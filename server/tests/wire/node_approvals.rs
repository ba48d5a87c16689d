//! Who may approve what a node offers, and what an approval covers (wire.md §7.3; pains A02, E01, E03).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};
use crate::nodes::{described, local_node, waiting_id};

/// A command line on this machine with these rights.
async fn operator(gateway: &TestGateway, scopes: &[&str]) -> Client {
    let mut operator = gateway.local().await;
    operator.enter(&Ask::cli(scopes).token(TOKEN)).await;
    operator
}

async fn check(commands: &[&str], scopes: &[&str], missing: Option<&str>) {
    let gateway = TestGateway::start().await;
    local_node(&gateway, &Key::new(1), commands).await;
    let mut operator = operator(&gateway, scopes).await;
    let id = waiting_id(&mut operator).await;
    let answer = operator.call("node.pair.approve", json!({"requestId": id})).await;
    let Some(scope) = missing else {
        assert_eq!(answer.unwrap()["node"]["commands"], json!(commands));
        return;
    };
    let expected = json!({
        "code": "FORBIDDEN", "message": format!("missing scope: {scope}"),
        "details": {"code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope]},
    });
    assert_eq!(answer.unwrap_err(), expected, "{commands:?} {scopes:?}");
    assert_eq!(waiting_id(&mut operator).await, id, "it still waits");
}

#[tokio::test]
async fn approving_takes_as_much_as_the_commands_are_worth() {
    let (pairing, write, admin) = ("operator.pairing", "operator.write", "operator.admin");
    check(&[], &[pairing], None).await;
    check(&["system.notify"], &[pairing], Some(write)).await;
    check(&["system.notify"], &[pairing, write], None).await;
    check(&["system.notify", "system.which"], &[pairing, write], Some(admin)).await;
    check(&["system.notify", "system.which"], &[admin], None).await;
}

#[tokio::test]
async fn a_device_without_admin_rights_sees_and_decides_only_its_own_affairs() {
    let gateway = TestGateway::start().await;
    let (key, phone_key) = (Key::new(1), Key::new(2));
    local_node(&gateway, &key, &[]).await;
    let id = waiting_id(&mut gateway.admin().await).await;
    let ask = Ask::cli(&["operator.pairing", "operator.write"]).device(&phone_key);
    let token = gateway.pair(&ask).await;
    let mut phone = gateway.remote().await;
    phone.enter(&ask.auth("deviceToken", &token)).await;
    assert_eq!(phone.call("node.pair.list", json!({})).await.unwrap(), json!({"pending": [], "paired": []}));
    for method in ["node.pair.approve", "node.pair.reject"] {
        assert_eq!(phone.denied(method, json!({"requestId": id})).await, "unknown requestId", "{method}");
    }
    assert_eq!(phone.denied("node.pair.remove", json!({"nodeId": key.id()})).await, "unknown nodeId");
    let rename = json!({"nodeId": key.id(), "displayName": "Mine"});
    assert_eq!(phone.denied("node.rename", rename).await, "device pairing rename denied");
    assert_eq!(waiting_id(&mut gateway.admin().await).await, id);
}

fn far(commands: &[&str]) -> Ask {
    Ask::offering(commands).device(&Key::new(1)).token(TOKEN)
}

/// A page of the owner's, which is shown what a node offers.
async fn page(gateway: &TestGateway) -> Client {
    let mut page = gateway.local().await;
    page.enter(&Ask::admin().waiting()).await;
    page
}

async fn shown(page: &mut Client) -> Value {
    page.call("device.pair.list", json!({})).await.unwrap()["pending"][0].clone()
}

#[tokio::test]
async fn one_approval_of_what_was_shown_makes_a_node_ready_for_work() {
    let gateway = TestGateway::start().await;
    let id = gateway.remote().await.refused(&far(&["system.which", "foo.bar"])).await.request_id();
    let mut page = page(&gateway).await;
    let request = shown(&mut page).await;
    assert_eq!(request["evidence"]["node"]["commands"], json!(["system.which"]), "only what it may offer at all");
    assert_eq!(request["requestId"], id);
    let digest = &request["evidence"]["digest"];
    page.call("device.pair.approve", json!({"requestId": id, "digest": digest})).await.unwrap();
    let mut node = gateway.remote().await;
    node.enter(&far(&["system.which", "foo.bar"])).await;
    let mut admin = gateway.admin().await;
    let state = described(&mut admin, &Key::new(1)).await;
    assert_eq!((&state["approvalState"], &state["commands"]), (&json!("approved"), &json!(["system.which"])));
    let ask = json!({"nodeId": Key::new(1).id(), "command": "system.which", "idempotencyKey": "k"});
    let call = admin.begin("node.invoke", ask).await;
    let asked = node.event("node.invoke.request").await;
    let answer = json!({"id": asked["id"], "nodeId": Key::new(1).id(), "ok": true});
    node.call("node.invoke.result", answer).await.unwrap();
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], Value::Null);
    assert_eq!(admin.heard_of_nodes().await, [], "nobody is asked a second time");
}

#[tokio::test]
async fn an_approval_of_an_older_offer_is_refused() {
    let gateway = TestGateway::start().await;
    let both = ["system.which", "system.run"];
    let id = gateway.remote().await.refused(&far(&both)).await.request_id();
    let mut page = page(&gateway).await;
    let first = shown(&mut page).await["evidence"]["digest"].clone();
    assert_eq!(gateway.remote().await.refused(&far(&["system.run"])).await.request_id(), id, "it offers less");
    let second = shown(&mut page).await["evidence"]["digest"].clone();
    assert_ne!(first, second);
    let stale = page.call("device.pair.approve", json!({"requestId": id, "digest": first})).await.unwrap_err();
    assert_eq!(stale["details"]["code"], "REQUEST_CHANGED");
    let wider = gateway.remote().await.refused(&far(&["system.run", "system.notify"])).await.request_id();
    assert_ne!(wider, id);
    let gone = page.denied("device.pair.approve", json!({"requestId": id, "digest": second})).await;
    assert_eq!(gone, "unknown requestId");
    assert_eq!(gateway.list().await["paired"], json!([]));
}

#[tokio::test]
async fn an_approval_by_somebody_who_was_not_shown_the_offer_leaves_it_waiting() {
    let gateway = TestGateway::start().await;
    gateway.pair(&Ask::offering(&["system.which"]).device(&Key::new(1))).await;
    let mut admin = gateway.admin().await;
    let state = described(&mut admin, &Key::new(1)).await;
    assert_eq!((&state["approvalState"], &state["commands"]), (&json!("pending-approval"), &json!([])));
    let id = waiting_id(&mut admin).await;
    assert_eq!(state["pendingRequestId"], json!(id));
    let device = &gateway.list().await["paired"][0];
    assert_eq!(device["pendingNodeSurface"]["requestId"], json!(id));
    let ask = json!({"nodeId": Key::new(1).id(), "command": "system.which", "idempotencyKey": "k"});
    assert_eq!(admin.call("node.invoke", ask).await.unwrap_err()["details"]["code"], "PAIRING_CHANGED");
    let mut reader = operator(&gateway, &["operator.read"]).await;
    let hidden = described(&mut reader, &Key::new(1)).await;
    assert_eq!((hidden.get("pendingRequestId"), hidden.get("pendingDeclaredCommands")), (None, None));
    assert_eq!(hidden["approvalState"], "pending-approval");
}
