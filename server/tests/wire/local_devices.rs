//! What the gateway's own machine may do without asking, and where that ends (wire.md §5.4).

use serde_json::json;

use crate::ask::{Ask, Key};
use crate::gateway::{TOKEN, TestGateway};

fn cli(scopes: &[&str]) -> Ask {
    Ask::cli(scopes).device(&Key::new(1)).token(TOKEN)
}

#[tokio::test]
async fn a_device_of_this_machine_that_knows_the_secret_is_let_in_at_once() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let auth = gateway.local().await.enter(&cli(&["operator.read"])).await["auth"].clone();
    assert_eq!(auth["deviceToken"].as_str().unwrap().len(), 43);
    let paired = gateway.list().await["paired"][0].clone();
    assert_eq!((&paired["approvedVia"], paired.get("remoteIp")), (&json!("silent"), None));

    let wider = gateway.local().await.enter(&cli(&["operator.read", "operator.write"])).await["auth"].clone();
    assert_eq!(wider["scopes"], json!(["operator.read", "operator.write"]));
    assert_ne!(wider["deviceToken"], auth["deviceToken"], "a wider grant is a new token");
    assert!(admin.is_open().await);
    gateway.stop().await;
    assert_eq!(admin.next().await.text()["seq"], 1, "nobody was asked");
}

#[tokio::test]
async fn the_secret_alone_is_not_enough_for_another_role_or_another_kind_of_device() {
    let gateway = TestGateway::start().await;
    gateway.local().await.enter(&cli(&["operator.read"])).await;
    let node = Ask::node().device(&Key::new(1)).token(TOKEN);
    let darwin = cli(&["operator.read"]).client("platform", "darwin");
    for (ask, reason) in [(node, "role-upgrade"), (darwin, "metadata-upgrade")] {
        assert_eq!(gateway.local().await.refused(&ask).await.error["details"]["reason"], reason);
    }
}

#[tokio::test]
async fn a_native_app_of_this_machine_may_change_its_metadata() {
    let gateway = TestGateway::start().await;
    let app = |platform: &str| {
        cli(&["operator.read"]).client("id", "openclaw-linux").client("mode", "ui").client("platform", platform)
    };
    gateway.local().await.enter(&app("linux")).await;
    gateway.local().await.enter(&app("freebsd")).await;
}

#[tokio::test]
async fn a_device_token_does_not_widen_itself() {
    let gateway = TestGateway::start().await;
    let hello = gateway.local().await.enter(&cli(&["operator.read"])).await;
    let token = hello["auth"]["deviceToken"].as_str().unwrap();
    let wider = Ask::cli(&["operator.admin"]).device(&Key::new(1)).auth("deviceToken", token);
    assert_eq!(gateway.local().await.refused(&wider).await.why(), "AUTH_SCOPE_MISMATCH");
    let by_key = Ask::cli(&["operator.read", "operator.admin"]).device(&Key::new(1)).waiting();
    let auth = gateway.local().await.enter(&by_key).await["auth"].clone();
    assert_eq!((&auth["scopes"], &auth["pendingScopes"]), (&json!(["operator.read"]), &json!(["operator.admin"])));
}

#[tokio::test]
async fn a_page_of_another_program_on_this_machine_has_to_ask() {
    let gateway = TestGateway::start().await;
    let origin = [("origin", "http://localhost:3000")];
    let refused = gateway.open(&origin).await.refused(&cli(&["operator.read"])).await;
    assert_eq!(refused.why(), "PAIRING_REQUIRED");
    let own_page = Ask::page(&["operator.read"]).device(&Key::new(2)).token(TOKEN);
    gateway.open(&origin).await.enter(&own_page).await;
}

#[tokio::test]
async fn the_owner_may_want_to_be_asked_about_this_machine_too() {
    let settings = json!({"auth": {"token": TOKEN}, "nodes": {"pairing": {"autoApproveLocal": false}}});
    let gateway = TestGateway::start_with(&settings, &[]).await;
    let refused = gateway.local().await.refused(&cli(&["operator.read"])).await;
    assert_eq!(refused.error["details"]["reason"], "not-paired");
    assert_eq!(gateway.list().await["pending"][0].get("remoteIp"), None);
    gateway.approve(&refused.request_id()).await;
    let hello = gateway.local().await.enter(&cli(&["operator.read"])).await;
    assert_eq!(hello["auth"]["method"], "token");
}

#[tokio::test]
async fn nodes_of_a_listed_range_are_let_in_but_never_through_a_proxy_on_this_machine() {
    let settings = json!({
        "auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"],
        "nodes": {"pairing": {"autoApproveCidrs": ["192.0.2.0/24"]}},
    });
    let gateway = TestGateway::start_with(&settings, &[]).await;
    let node = Ask::node().device(&Key::new(1)).token(TOKEN);
    assert_eq!(gateway.remote().await.refused(&node).await.why(), "PAIRING_REQUIRED");
}
