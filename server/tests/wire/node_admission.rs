//! Who gets in as a node: nobody without a device that was let in (wire.md §2.3, §9.1; pains S3-16, E08).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::{TOKEN, TestGateway};

fn with_mode(auth: &Value) -> Value {
    json!({"auth": auth, "nodes": {"pairing": {"autoApproveLocal": false}}})
}

/// Connects as a node with this client id and mode, and is turned away; the result is why.
async fn why(gateway: &TestGateway, ask: &Ask) -> String {
    let refused = gateway.local().await.refused(ask).await;
    refused.why().to_owned()
}

#[tokio::test]
async fn nobody_is_a_node_without_a_device_that_was_let_in_whatever_it_calls_itself() {
    let modes = [
        json!({"mode": "token", "token": TOKEN}),
        json!({"mode": "password", "password": TOKEN}),
        json!({"mode": "none"}),
    ];
    let clients = [
        ("node-host", "node"),
        ("gateway-client", "backend"),
        ("cli", "cli"),
        ("openclaw-macos", "ui"),
        ("openclaw-probe", "probe"),
        ("test", "test"),
    ];
    for auth in modes {
        let gateway = TestGateway::start_with(&with_mode(&auth), &[]).await;
        for (index, (id, mode)) in clients.iter().enumerate() {
            let ask = Ask::node().client("id", id).client("mode", mode).token(TOKEN).auth("password", TOKEN);
            assert_eq!(why(&gateway, &ask).await, "DEVICE_IDENTITY_REQUIRED", "{auth} {id}");
            let key = Key::new(u8::try_from(index).unwrap() + 1);
            assert_eq!(why(&gateway, &ask.device(&key)).await, "PAIRING_REQUIRED", "{auth} {id}");
        }
        assert_eq!(gateway.state().registry.count(), 0);
    }
}

#[tokio::test]
async fn a_page_is_no_node_before_it_was_let_in_as_one() {
    let gateway = TestGateway::start_with(&with_mode(&json!({"token": TOKEN})), &[]).await;
    let origin = format!("http://{}", gateway.address());
    let page = Ask::page(&[]).param("role", json!("node")).token(TOKEN);
    let rows = [
        (page.clone(), "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"),
        (page.clone().device(&Key::new(1)), "PAIRING_REQUIRED"),
        (page.device(&Key::new(1)).client("mode", "node"), "PAIRING_REQUIRED"),
    ];
    for (ask, expected) in rows {
        let refused = gateway.open(&[("origin", &origin)]).await.refused(&ask).await;
        assert_eq!(refused.why(), expected);
    }
}

#[tokio::test]
async fn a_node_with_a_wrong_secret_or_another_nodes_token_stays_out() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&Ask::offering(&[]).device(&Key::new(1))).await;
    let other = Ask::offering(&[]).device(&Key::new(2));
    let refused = gateway.remote().await.refused(&other.clone().auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let refused = gateway.remote().await.refused(&other.token("wrong")).await;
    assert_eq!(refused.why(), "AUTH_TOKEN_MISMATCH");
    // The token of a node is none of an operator.
    let operator = Ask::cli(&["operator.read"]).client("deviceFamily", "Linux").device(&Key::new(1));
    let refused = gateway.remote().await.refused(&operator.auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn a_node_of_the_version_before_gets_in_and_works_like_any_other() {
    let gateway = TestGateway::start().await;
    let old = |min: u32, max: u32| {
        let ask = Ask::offering(&["system.which"]).device(&Key::new(1)).token(TOKEN);
        ask.param("minProtocol", json!(min)).param("maxProtocol", json!(max))
    };
    let mut node = gateway.local().await;
    assert_eq!(node.enter(&old(3, 3)).await["protocol"], 4);
    let mut admin = gateway.admin().await;
    let id = crate::nodes::waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    let call = admin.begin("node.invoke", crate::invoking::ask_for(&Key::new(1), "system.which")).await;
    crate::invoking::answer(&mut node, &Key::new(1), json!("old")).await;
    assert_eq!(admin.answer(&call).await.unwrap()["payload"], "old");
    for (min, max) in [(3, 3), (3, 4), (2, 3), (1, 4)] {
        gateway.local().await.enter(&old(min, max)).await;
    }
}

#[tokio::test]
async fn a_probe_of_the_version_before_gets_in_and_others_are_told_the_version() {
    let gateway = TestGateway::start().await;
    let speaks = |ask: Ask, min: u32, max: u32| {
        ask.param("minProtocol", json!(min)).param("maxProtocol", json!(max)).token(TOKEN)
    };
    let probe = || Ask::cli(&["operator.read"]).client("mode", "probe");
    for (min, max) in [(3, 3), (3, 4), (4, 9)] {
        assert_eq!(gateway.local().await.enter(&speaks(probe(), min, max)).await["protocol"], 4);
    }
    let node = || Ask::offering(&[]).device(&Key::new(1));
    let rows = [
        speaks(probe(), 1, 2),
        speaks(probe(), 5, 6),
        speaks(node(), 2, 2),
        speaks(node(), 5, 5),
        speaks(node().client("mode", "cli"), 3, 3),
        speaks(Ask::cli(&["operator.read"]), 3, 3),
    ];
    for ask in rows {
        let refused = gateway.local().await.refused(&ask).await;
        assert_eq!((refused.why(), refused.code), ("PROTOCOL_MISMATCH", 1002));
        let details = &refused.error["details"];
        assert_eq!((&details["expectedProtocol"], &details["minimumProbeProtocol"]), (&json!(4), &json!(3)));
    }
}

#[tokio::test]
async fn the_owner_socket_makes_nobody_a_node() {
    let gateway = TestGateway::start().await;
    let refused = gateway.owner().await.refused(&Ask::offering(&[]).device(&Key::new(1))).await;
    assert_eq!(refused.why(), "DEVICE_IDENTITY_REQUIRED");
    let mut worker = gateway.local().await;
    worker.ask(&Ask::node().param("role", json!("worker"))).await;
    assert_eq!(worker.next().await, Frame::close(1008, "invalid-handshake"));
}
