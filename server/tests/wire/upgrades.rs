//! A device that is in asks for more and waits for the answer (wire.md §7.2).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{NOW, TOKEN, TestGateway};

const WIDER: [&str; 2] = ["operator.pairing", "operator.read"];

fn device() -> Ask {
    Ask::cli(&["operator.pairing"]).device(&Key::new(1))
}

/// A gateway with a paired device that holds `operator.pairing`.
async fn start() -> (TestGateway, Client) {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device()).await;
    let mut client = gateway.remote().await;
    client.enter(&device().auth("deviceToken", &token)).await;
    (gateway, client)
}

async fn ask(client: &mut Client) -> String {
    let asked = client.call("device.scopes.requestUpgrade", json!({"scopes": WIDER})).await.unwrap();
    asked["requestId"].as_str().unwrap().to_owned()
}

/// Starts to wait, as request `w`.
async fn wait(client: &mut Client, request_id: &str) {
    let params = json!({"requestId": request_id});
    client.say(&json!({"type": "req", "id": "w", "method": "device.scopes.waitUpgrade", "params": params})).await;
}

#[tokio::test]
async fn what_a_device_asks_for_waits_like_a_wider_connect() {
    let (gateway, mut client) = start().await;
    let mut ours = gateway.local().await;
    ours.enter(&Ask::admin().waiting()).await;
    let request_id = ask(&mut client).await;
    let shown = ours.event("device.pair.requested").await;
    assert_eq!((&shown["requestId"], &shown["deviceId"]), (&json!(request_id), &json!(Key::new(1).id())));
    assert_eq!((&shown["scopes"], &shown["isRepair"]), (&json!(WIDER), &json!(true)));
    let evidence = &shown["evidence"];
    assert_eq!((&evidence["reason"], &evidence["hasSecret"]), (&json!("scope-upgrade"), &json!(false)));
    let origin = json!({
        "address": "192.0.2.2",
        "network": "public",
        "resolved": "through the trusted proxy 127.0.0.1",
        "encrypted": false,
    });
    assert_eq!(evidence["origin"], origin);
    assert_eq!(
        (&shown["publicKey"], &shown["clientId"], &shown["role"]),
        (&json!(Key::new(1).public()), &json!("cli"), &json!("operator"))
    );
    assert_eq!(evidence["approvedScopes"], json!(["operator.pairing"]));
    assert_eq!(ask(&mut client).await, request_id, "asking again is the same request");
}

#[tokio::test]
async fn an_approval_brings_the_new_token() {
    let (gateway, mut client) = start().await;
    let request_id = ask(&mut client).await;
    wait(&mut client, &request_id).await;
    gateway.approve(&request_id).await;
    let answer = client.response("w").await["payload"].clone();
    assert_eq!((&answer["status"], &answer["requestId"]), (&json!("approved"), &json!(request_id)));
    assert_eq!(answer["scopes"], json!(WIDER));
    let wider = Ask::cli(&WIDER).device(&Key::new(1)).auth("deviceToken", answer["deviceToken"].as_str().unwrap());
    assert_eq!(gateway.remote().await.enter(&wider).await["auth"]["scopes"], json!(WIDER));
    assert!(client.is_open().await);
}

#[tokio::test]
async fn a_rejection_and_a_request_that_runs_out_are_told() {
    let (gateway, mut client) = start().await;
    let request_id = ask(&mut client).await;
    wait(&mut client, &request_id).await;
    gateway.admin().await.call("device.pair.reject", json!({"requestId": request_id})).await.unwrap();
    let answer = client.response("w").await["payload"].clone();
    assert_eq!(answer, json!({"status": "rejected", "requestId": request_id}));

    let request_id = ask(&mut client).await;
    wait(&mut client, &request_id).await;
    assert_eq!(gateway.list().await["pending"][0]["requestId"], request_id.as_str());
    gateway.pass_ms(300_000).await;
    let error = client.response("w").await["error"].clone();
    let gone = json!({"code": "INVALID_REQUEST", "message": "scope upgrade expired or not found"});
    assert_eq!(error, gone);
    let late = client.call("device.scopes.waitUpgrade", json!({"requestId": request_id})).await;
    assert_eq!(late, Err(gone));
}

#[tokio::test]
async fn only_its_own_request_is_waited_for() {
    let (gateway, mut client) = start().await;
    let other = Ask::cli(&["operator.read"]).device(&Key::new(2)).token(TOKEN);
    let request_id = gateway.remote().await.refused(&other).await.request_id();
    for id in [request_id.as_str(), "no-such"] {
        let denied = client.denied("device.scopes.waitUpgrade", json!({"requestId": id})).await;
        assert_eq!(denied, "scope upgrade expired or not found");
    }
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused() {
    let (gateway, mut client) = start().await;
    let table: [(Value, &str); 5] = [
        (json!(["operator.read"]), "requested scopes must include the connection's current scopes"),
        (json!(["operator.pairing", "operator.everything"]), "unknown scope: operator.everything"),
        (json!([]), "invalid device.scopes.requestUpgrade params: at /scopes: must not have fewer than 1 items"),
        (
            json!(["operator.pairing", "operator.pairing"]),
            "invalid device.scopes.requestUpgrade params: at /scopes: must not have duplicate items",
        ),
        (
            json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
            "invalid device.scopes.requestUpgrade params: at /scopes: must not have more than 8 items",
        ),
    ];
    for (scopes, message) in table {
        assert_eq!(client.denied("device.scopes.requestUpgrade", json!({"scopes": scopes})).await, message);
    }
    let error = gateway.admin().await.call("device.scopes.requestUpgrade", json!({"scopes": WIDER})).await.unwrap_err();
    let expected = json!({
        "code": "INVALID_REQUEST", "message": "device identity required",
        "details": {"code": "DEVICE_IDENTITY_REQUIRED", "recommendedNextStep": "reopen_control_ui_securely"},
    });
    assert_eq!(error, expected);
    assert_eq!(gateway.list().await["pending"], json!([]));
}

#[tokio::test]
async fn whoever_waits_is_let_go_when_the_gateway_stops() {
    let (gateway, mut client) = start().await;
    let request_id = ask(&mut client).await;
    wait(&mut client, &request_id).await;
    assert!(gateway.clock.now_ms() >= NOW);
    let started = std::time::Instant::now();
    gateway.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(3), "the stop had to wait for it");
}

#[tokio::test]
async fn whoever_is_thrown_out_waits_no_longer() {
    let (gateway, mut client) = start().await;
    let request_id = ask(&mut client).await;
    wait(&mut client, &request_id).await;
    gateway.admin().await.call("device.pair.remove", json!({"deviceId": Key::new(1).id()})).await.unwrap();
    assert_eq!(client.ended().await, Frame::close(4001, "device removed"));
}
