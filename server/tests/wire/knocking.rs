//! Who may ask without any secret, and how many (product.md, "Who may do what").

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::gateway::{TOKEN, TestGateway};

fn stranger(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed))
}

#[tokio::test]
async fn the_neighbourhood_may_knock_and_the_world_may_not() {
    let gateway = TestGateway::start().await;
    for (seed, address) in (1..).zip(["10.1.2.3", "172.16.0.9", "192.168.1.7", "100.64.1.2", "fd00::2", "fe80::1"]) {
        let pending = gateway.from(address).await.held(&stranger(seed)).await;
        assert_eq!(pending["reason"], "not-paired", "{address}");
    }
    for address in ["192.0.2.2", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
        let refused = gateway.from(address).await.refused(&stranger(9).waiting()).await;
        assert_eq!(refused.why(), "AUTH_TOKEN_MISSING", "{address}");
    }
    assert!(gateway.list().await["pending"].as_array().unwrap().iter().all(|p| p["deviceId"] != Key::new(9).id()));
}

#[tokio::test]
async fn this_machine_may_knock_but_is_not_let_in_for_it() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.local().await;
    let pending = client.held(&stranger(1)).await;
    gateway.approve(pending["requestId"].as_str().unwrap()).await;
    assert_eq!(client.next().await.text()["payload"]["auth"]["method"], "device-key");
}

#[tokio::test]
async fn a_wrong_secret_is_no_knock() {
    let gateway = TestGateway::start().await;
    let rows = [
        (stranger(1).token("nope"), "AUTH_TOKEN_MISMATCH"),
        (stranger(1).auth("password", "nope"), "AUTH_TOKEN_MISMATCH"),
        (stranger(1).auth("deviceToken", "nope"), "AUTH_DEVICE_TOKEN_MISMATCH"),
        (stranger(1).auth("bootstrapToken", "nope"), "AUTH_BOOTSTRAP_TOKEN_INVALID"),
    ];
    for (ask, why) in rows {
        assert_eq!(gateway.from("192.168.1.7").await.refused(&ask.waiting()).await.why(), why);
    }
    gateway.from("192.168.1.7").await.held(&stranger(1).token("").auth("password", " ")).await;
}

#[tokio::test]
async fn without_the_cap_or_a_device_nobody_knocks() {
    let gateway = TestGateway::start().await;
    let refused = gateway.from("192.168.1.7").await.refused(&stranger(1)).await;
    assert_eq!(refused.why(), "AUTH_TOKEN_MISSING");
    let refused = gateway.from("192.168.1.7").await.refused(&Ask::cli(&["operator.read"]).waiting()).await;
    assert_eq!(refused.why(), "DEVICE_IDENTITY_REQUIRED");
}

#[tokio::test]
async fn the_owner_decides_who_may_knock() {
    let settings =
        |knock: &str| json!({"auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"], "pairing": {"knock": knock}});
    let closed = TestGateway::start_with(&settings("off"), &[]).await;
    for client in [closed.local().await, closed.from("192.168.1.7").await] {
        assert_eq!(client.refused(&stranger(1).waiting()).await.why(), "AUTH_TOKEN_MISSING");
    }
    let open = TestGateway::start_with(&settings("any"), &[]).await;
    open.remote().await.held(&stranger(1)).await;
}

#[tokio::test]
async fn the_ninth_from_one_address_takes_the_place_of_the_oldest() {
    let gateway = TestGateway::start().await;
    let mut held = Vec::new();
    for seed in 1..=8 {
        let mut client = gateway.from("192.168.1.7").await;
        client.held(&stranger(seed)).await;
        held.push(client);
        gateway.clock.advance_ms(1);
    }
    let mut elsewhere = gateway.from("192.168.1.8").await;
    elsewhere.held(&stranger(20)).await;
    let mut ninth = gateway.from("192.168.1.7").await;
    ninth.held(&stranger(9)).await;
    let refused = held[0].refusal().await;
    assert_eq!((refused.why(), refused.code), ("TOO_MANY_REQUESTS_WAITING", 1008));
    assert_eq!((&refused.error["code"], &refused.error["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));

    let list = gateway.list().await;
    let waiting: Vec<&Value> = list["pending"].as_array().unwrap().iter().map(|p| &p["deviceId"]).collect();
    let expected: Vec<String> = [9, 20, 8, 7, 6, 5, 4, 3, 2].map(|seed| Key::new(seed).id()).to_vec();
    assert_eq!(waiting.len(), 9);
    assert!(expected.iter().all(|id| waiting.iter().any(|waiting| *waiting == id)));
}

#[tokio::test]
async fn a_request_that_somebody_looks_at_is_not_crowded_out() {
    let gateway = TestGateway::start().await;
    let mut first = gateway.from("192.168.1.7").await;
    let shown = first.held(&stranger(1)).await;
    gateway.list().await;
    let mut crowd = Vec::new();
    for seed in 2..=9 {
        gateway.clock.advance_ms(1);
        let mut client = gateway.from("192.168.1.7").await;
        client.held(&stranger(seed)).await;
        crowd.push(client);
    }
    assert_eq!(crowd[0].refusal().await.why(), "TOO_MANY_REQUESTS_WAITING");
    gateway.approve(shown["requestId"].as_str().unwrap()).await;
    assert_eq!(first.next().await.text()["ok"], true);
}

#[tokio::test]
async fn only_our_own_clients_see_the_evidence() {
    let gateway = TestGateway::start().await;
    let (mut official, mut ours) = (gateway.local().await, gateway.local().await);
    official.enter(&Ask::admin()).await;
    ours.enter(&Ask::admin().waiting()).await;
    gateway.from("192.168.1.7").await.held(&stranger(1)).await;
    let (plain, shown) = (official.event("device.pair.requested").await, ours.event("device.pair.requested").await);
    let mut without_evidence = shown.clone();
    without_evidence.as_object_mut().unwrap().remove("evidence");
    assert_eq!(plain, without_evidence);
    let evidence = &shown["evidence"];
    assert_eq!((&evidence["hasSecret"], &evidence["attempts"]), (&json!(false), &json!(1)));
    assert_eq!(
        (&evidence["origin"]["address"], &evidence["origin"]["network"]),
        (&json!("192.168.1.7"), &json!("lan"))
    );
    for (client, expected) in [(&mut official, plain), (&mut ours, shown)] {
        assert_eq!(client.call("device.pair.list", json!({})).await.unwrap()["pending"], json!([expected]));
    }
}
