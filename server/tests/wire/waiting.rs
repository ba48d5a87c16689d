//! A client of ours waits on its socket for a person (docs/protocol.md, "Waiting on the socket").

use protocol::PublicKey;
use serde_json::json;

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::{NOW, TOKEN, TestGateway};

const LAN: &str = "192.168.1.7";
const FIVE_MINUTES: u64 = 300_000;

fn phone() -> Ask {
    Ask::page(&["operator.read"]).device(&Key::new(1)).client("displayName", "Phone")
}

fn origin(gateway: &TestGateway) -> String {
    format!("http://{}", gateway.address())
}

async fn open(gateway: &TestGateway) -> crate::client::Client {
    gateway.open(&[("x-forwarded-for", LAN), ("origin", &origin(gateway))]).await
}

#[tokio::test]
async fn a_held_socket_hears_what_it_waits_for_and_then_its_hello() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone()).await;
    let fingerprint = PublicKey::parse(&Key::new(1).public()).unwrap().fingerprint();
    let request_id = pending["requestId"].as_str().unwrap().to_owned();
    let expected = json!({
        "requestId": request_id, "deviceId": Key::new(1).id(), "reason": "not-paired", "role": "operator",
        "scopes": ["operator.read"], "fingerprint": fingerprint, "nowMs": NOW, "expiresAtMs": NOW + FIVE_MINUTES,
    });
    assert_eq!(pending, expected);
    assert_eq!(gateway.list().await["pending"][0]["requestId"], request_id.as_str());

    gateway.approve(&request_id).await;
    let response = client.next().await.text();
    assert_eq!((&response["id"], &response["ok"]), (&json!("c1"), &json!(true)));
    let auth = &response["payload"]["auth"];
    assert_eq!((&auth["method"], &auth["scopes"]), (&json!("device-key"), &json!(["operator.read"])));
    assert_eq!(auth["deviceToken"].as_str().unwrap().len(), 43);
    assert_eq!(auth["issuedAtMs"], NOW);
    assert!(client.is_open().await);
}

#[tokio::test]
async fn one_that_showed_the_secret_is_let_in_by_it() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone().token(TOKEN)).await;
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    assert_eq!(client.next().await.text()["payload"]["auth"]["method"], "token");
}

#[tokio::test]
async fn a_rejected_one_hears_so_and_is_closed() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone()).await;
    let request = json!({"requestId": pending["requestId"]});
    let rejected = gateway.admin().await.call("device.pair.reject", request).await.unwrap();
    assert_eq!(rejected, json!({"requestId": pending["requestId"], "deviceId": Key::new(1).id()}));
    let refused = client.refusal().await;
    assert_eq!(refused.error["code"], "NOT_PAIRED");
    assert_eq!(refused.error["details"], json!({"code": "PAIRING_REJECTED", "requestId": pending["requestId"]}));
    assert_eq!((refused.code, &refused.reason), (1008, &refused.error["message"].as_str().unwrap().to_owned()));
    assert_eq!(gateway.list().await, json!({"pending": [], "paired": []}));
}

#[tokio::test]
async fn nobody_waits_for_longer_than_five_minutes() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone()).await;
    gateway.pass_ms(FIVE_MINUTES - 1).await;
    assert_eq!(gateway.list().await["pending"][0]["requestId"], pending["requestId"]);
    gateway.pass_ms(1).await;
    let refused = client.refusal().await;
    assert_eq!(refused.error["details"], json!({"code": "PAIRING_EXPIRED", "requestId": pending["requestId"]}));
    assert_eq!(refused.code, 1008);
    let late = gateway.admin().await.denied("device.pair.approve", json!({"requestId": pending["requestId"]})).await;
    assert_eq!(late, "unknown requestId");
}

#[tokio::test]
async fn asking_again_starts_the_five_minutes_anew() {
    let gateway = TestGateway::start().await;
    let mut first = open(&gateway).await;
    let pending = first.held(&phone()).await;
    gateway.pass_ms(FIVE_MINUTES - 1).await;
    let mut second = open(&gateway).await;
    let again = second.held(&phone()).await;
    assert_eq!(again["requestId"], pending["requestId"]);
    assert_eq!(again["expiresAtMs"], NOW + 2 * FIVE_MINUTES - 1);
    gateway.pass_ms(1).await;
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    assert_eq!(first.next().await.text()["ok"], true);
}

#[tokio::test]
async fn one_that_asked_for_less_is_superseded_by_the_same_device_asking_for_more() {
    let gateway = TestGateway::start().await;
    let mut first = open(&gateway).await;
    let pending = first.held(&phone()).await;
    let mut second = open(&gateway).await;
    let wider = second.held(&Ask::page(&["operator.read", "operator.admin"]).device(&Key::new(1))).await;
    assert_ne!(wider["requestId"], pending["requestId"]);
    let refused = first.refusal().await;
    assert_eq!(refused.error["details"], json!({"code": "PAIRING_SUPERSEDED", "requestId": pending["requestId"]}));
    gateway.approve(wider["requestId"].as_str().unwrap()).await;
    assert_eq!(second.next().await.text()["ok"], true);
}

#[tokio::test]
async fn two_tabs_of_one_device_get_in_together() {
    let gateway = TestGateway::start().await;
    let (mut first, mut second) = (open(&gateway).await, open(&gateway).await);
    let pending = first.held(&phone()).await;
    assert_eq!(second.held(&phone()).await["requestId"], pending["requestId"]);
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    let tokens = [first.next().await.text(), second.next().await.text()].map(|response| {
        assert_eq!(response["ok"], true);
        response["payload"]["auth"]["deviceToken"].clone()
    });
    assert_eq!(tokens[0], tokens[1]);
    assert!(first.is_open().await && second.is_open().await);
}

#[tokio::test]
async fn the_gateway_stops_without_keeping_anyone_waiting_and_remembers_who_asked() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone()).await;
    let gateway = gateway.restart().await;
    let refused = client.refusal().await;
    assert_eq!((refused.code, refused.reason.as_str()), (1012, "service restart"));

    let again = open(&gateway).await.held(&phone()).await;
    assert_eq!(again["requestId"], pending["requestId"]);
}

#[tokio::test]
async fn whoever_leaves_still_asks() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    let pending = client.held(&phone()).await;
    drop(client);
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    let hello = open(&gateway).await.enter(&phone().waiting()).await;
    assert_eq!(hello["auth"]["method"], "device-key");
}

#[tokio::test]
async fn one_that_talks_while_it_waits_is_cut_off() {
    let gateway = TestGateway::start().await;
    let mut client = open(&gateway).await;
    client.held(&phone()).await;
    let frames: Vec<_> = (0..15).map(|n| json!({"type": "req", "id": n.to_string(), "method": "health"})).collect();
    client.say_at_once(&frames).await;
    assert_eq!(client.next().await, Frame::close(1008, "too many pending handshake frames"));
}

#[tokio::test]
async fn without_the_cap_a_client_is_refused_exactly_as_by_the_reference() {
    let gateway = TestGateway::start().await;
    let refused = open(&gateway).await.refused(&phone().token(TOKEN)).await;
    let request_id = refused.request_id();
    let details = json!({
        "code": "PAIRING_REQUIRED", "reason": "not-paired", "requestId": request_id,
        "remediationHint": "Approve this device from the pending pairing requests.",
        "recommendedNextStep": "wait_then_retry", "retryable": true, "pauseReconnect": false,
        "deviceId": Key::new(1).id(), "requestedRole": "operator", "requestedScopes": ["operator.read"],
    });
    let message = "pairing required: device is not approved yet";
    assert_eq!(refused.error, json!({"code": "NOT_PAIRED", "message": message, "details": details}));
    assert_eq!((refused.code, refused.reason), (1008, format!("{message} (requestId: {request_id})")));
}
