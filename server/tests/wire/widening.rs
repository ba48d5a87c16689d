//! A paired device of ours needs no token, and goes on with what it has when it asks for more.

use serde_json::json;

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::TestGateway;

fn device(scopes: &[&str]) -> Ask {
    Ask::cli(scopes).device(&Key::new(1))
}

#[tokio::test]
async fn a_paired_device_gets_in_by_its_key_from_anywhere_and_gets_its_token_again() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(&["operator.read"])).await;
    let asks = [
        device(&["operator.read"]),
        device(&["operator.read"]).auth("deviceToken", "stale"),
        device(&["operator.read"]).token("stale"),
    ];
    for ask in asks {
        let hello = gateway.remote().await.enter(&ask.waiting()).await;
        assert_eq!(hello["auth"]["method"], "device-key");
        assert_eq!(hello["auth"]["deviceToken"], token.as_str());
    }
}

#[tokio::test]
async fn a_rotated_token_is_replaced_in_the_hello() {
    let gateway = TestGateway::start().await;
    let stale = gateway.pair(&device(&["operator.read"])).await;
    let rotate = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    gateway.admin().await.call("device.token.rotate", rotate).await.unwrap();
    let by_token = device(&["operator.read"]).auth("deviceToken", &stale);
    assert_eq!(gateway.remote().await.refused(&by_token).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let hello = gateway.remote().await.enter(&by_token.waiting()).await;
    let fresh = hello["auth"]["deviceToken"].as_str().unwrap();
    assert_ne!(fresh, stale);
    gateway.remote().await.enter(&device(&["operator.read"]).auth("deviceToken", fresh)).await;
}

#[tokio::test]
async fn a_revoked_device_has_no_key_to_get_in_by() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(&["operator.read"])).await;
    let revoke = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    gateway.admin().await.call("device.token.revoke", revoke).await.unwrap();
    let refused = gateway.remote().await.refused(&device(&["operator.read"]).waiting()).await;
    assert_eq!(refused.why(), "AUTH_TOKEN_MISSING");
    let pending = gateway.from("192.168.1.7").await.held(&device(&["operator.read"])).await;
    assert_eq!(pending["reason"], "role-upgrade");
}

#[tokio::test]
async fn a_device_that_asks_for_more_gets_in_with_what_it_has_until_somebody_decides() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(&["operator.read"])).await;
    let wider = device(&["operator.read", "operator.pairing"]).waiting();
    let mut client = gateway.remote().await;
    let auth = client.enter(&wider).await["auth"].clone();
    assert_eq!(auth["scopes"], json!(["operator.read"]));
    assert_eq!(auth["pendingScopes"], json!(["operator.pairing"]));
    let request_id = auth["pendingRequestId"].as_str().unwrap();
    assert_eq!(client.denied("device.pair.list", json!({})).await, "missing scope: operator.pairing");

    let mut untouched = gateway.remote().await;
    untouched.enter(&device(&["operator.read"]).waiting()).await;
    gateway.approve(request_id).await;
    assert_eq!(client.next().await, Frame::close(1012, "device scopes changed"));
    assert!(untouched.is_open().await);

    let auth = gateway.remote().await.enter(&wider).await["auth"].clone();
    assert_eq!(auth["scopes"], json!(["operator.read", "operator.pairing"]));
    assert_eq!((auth.get("pendingScopes"), auth.get("pendingRequestId")), (None, None));
}

#[tokio::test]
async fn a_refused_wish_changes_nothing() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(&["operator.read"])).await;
    let mut client = gateway.remote().await;
    let hello = client.enter(&device(&["operator.read", "operator.admin"]).waiting()).await;
    let request = json!({"requestId": hello["auth"]["pendingRequestId"]});
    gateway.admin().await.call("device.pair.reject", request).await.unwrap();
    assert!(client.is_open().await);
    assert_eq!(gateway.list().await["paired"][0]["scopes"], json!(["operator.read"]));
}

#[tokio::test]
async fn a_device_that_has_nothing_of_what_it_asks_for_waits() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(&["operator.read"])).await;
    let mut client = gateway.remote().await;
    let pending = client.held(&device(&["operator.pairing"])).await;
    assert_eq!(pending["reason"], "scope-upgrade");
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    assert_eq!(client.next().await.text()["payload"]["auth"]["scopes"], json!(["operator.pairing"]));
}

#[tokio::test]
async fn a_device_that_became_something_else_waits() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(&["operator.read"])).await;
    let mut client = gateway.remote().await;
    let pending = client.held(&device(&["operator.read"]).client("platform", "darwin")).await;
    assert_eq!(pending["reason"], "metadata-upgrade");
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    assert_eq!(client.next().await.text()["ok"], true);
}
