//! The official node host, which knows nothing of waiting: it is sent away once, held silently the next
//! time, and let in the moment somebody approves (docs/protocol.md, "Official node hosts").

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};

const FIVE_MINUTES: u64 = 300_000;

fn host() -> Ask {
    Ask::offering(&["system.which"]).device(&Key::new(1)).token(TOKEN)
}

async fn sent_away(gateway: &TestGateway) -> String {
    let refused = gateway.remote().await.refused(&host()).await;
    let details = &refused.error["details"];
    assert_eq!((refused.error["code"].as_str(), refused.code), (Some("NOT_PAIRED"), 1008));
    assert_eq!(details["recommendedNextStep"], "wait_then_retry");
    assert_eq!((&details["retryable"], &details["pauseReconnect"]), (&json!(true), &json!(false)));
    refused.request_id()
}

/// A node host that has come back; it is held when this returns.
async fn held(gateway: &TestGateway) -> Client {
    let mut client = gateway.remote().await;
    client.ask(&host()).await;
    gateway.until_attempts(2).await;
    client
}

#[tokio::test]
async fn it_is_sent_away_once_then_held_and_let_in_at_once() {
    let gateway = TestGateway::start().await;
    let id = sent_away(&gateway).await;
    let mut client = held(&gateway).await;
    assert_eq!(gateway.list().await["pending"][0]["requestId"], json!(id));
    gateway.approve(&id).await;
    let response = client.next().await.text();
    assert_eq!((&response["ok"], &response["payload"]["auth"]["role"]), (&json!(true), &json!("node")));
    assert_eq!(response["payload"]["auth"]["deviceToken"].as_str().unwrap().len(), 43);
    assert!(client.is_open().await);
}

#[tokio::test]
async fn one_that_is_rejected_while_it_is_held_hears_so() {
    let gateway = TestGateway::start().await;
    let id = sent_away(&gateway).await;
    let mut client = held(&gateway).await;
    gateway.admin().await.call("device.pair.reject", json!({"requestId": id})).await.unwrap();
    let refused = client.refusal().await;
    assert_eq!(refused.error["details"]["code"], "PAIRING_REJECTED");
    assert_eq!(refused.code, 1008);
    assert_ne!(sent_away(&gateway).await, id, "it may ask again");
}

#[tokio::test]
async fn after_twelve_seconds_it_is_told_to_come_back_at_once_and_keeps_its_request() {
    let gateway = TestGateway::start().await;
    let id = sent_away(&gateway).await;
    let mut client = held(&gateway).await;
    tokio::time::pause();
    let start = Instant::now();
    let refused = client.refusal().await;
    tokio::time::resume();
    let took = start.elapsed();
    assert!(took > Duration::from_secs(10) && took < Duration::from_secs(14), "{took:?}");
    let error = &refused.error;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("UNAVAILABLE"), &json!(true)), "{error}");
    assert_eq!(error["retryAfterMs"], 100);
    assert_eq!(error["details"]["reason"], "startup-sidecars");
    assert_eq!(refused.code, 1013);
    let mut again = gateway.remote().await;
    again.ask(&host()).await;
    gateway.until_attempts(3).await;
    assert_eq!(gateway.list().await["pending"][0]["requestId"], json!(id));
    gateway.approve(&id).await;
    assert_eq!(again.next().await.text()["ok"], true);
}

#[tokio::test]
async fn one_whose_request_runs_out_while_it_is_held_hears_so() {
    let gateway = TestGateway::start().await;
    sent_away(&gateway).await;
    let mut client = held(&gateway).await;
    gateway.pass_ms(FIVE_MINUTES).await;
    let refused = client.refusal().await;
    assert_eq!((&refused.error["details"]["code"], refused.code), (&json!("PAIRING_EXPIRED"), 1008));
    assert_eq!(gateway.list().await["pending"], json!([]));
}

#[tokio::test]
async fn one_that_offers_more_is_asked_about_anew_and_the_one_that_is_held_is_sent_on() {
    let gateway = TestGateway::start().await;
    let id = sent_away(&gateway).await;
    let mut client = held(&gateway).await;
    let wider = Ask::offering(&["system.which", "system.run"]).device(&Key::new(1)).token(TOKEN);
    let refused = gateway.remote().await.refused(&wider).await;
    assert_ne!(refused.request_id(), id);
    assert_eq!(client.refusal().await.error["details"]["code"], "PAIRING_SUPERSEDED");
}

#[tokio::test]
async fn only_node_hosts_are_held_without_a_word() {
    let gateway = TestGateway::start().await;
    let app = host().client("id", "openclaw-ios").client("platform", "ios").client("deviceFamily", "iPhone");
    for _ in 0..3 {
        let refused = gateway.remote().await.refused(&app).await;
        assert_eq!(refused.error["details"]["recommendedNextStep"], Value::from("wait_then_retry"));
    }
}
