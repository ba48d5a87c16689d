//! `device.pair.explain`: why a device is in, and what became of it.

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::gateway::{NOW, REMOTE, TestGateway};

fn device(seed: u8, scopes: &[&str]) -> Ask {
    Ask::cli(scopes).device(&Key::new(seed))
}

async fn explain(gateway: &TestGateway, seed: u8) -> Value {
    let params = json!({"deviceId": Key::new(seed).id()});
    gateway.admin().await.call("device.pair.explain", params).await.unwrap()
}

#[tokio::test]
async fn it_remembers_who_approved_and_what_was_known_then() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1, &["operator.read"])).await;
    let found = explain(&gateway, 1).await;
    let origin = json!({"address": REMOTE, "network": "public", "resolved": "through the trusted proxy 127.0.0.1", "encrypted": false});
    let expected = json!({"by": {"kind": "program"}, "reason": "not-paired", "hasSecret": true, "origin": origin});
    assert_eq!(found["approval"], expected);

    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    let pending = gateway.from("192.168.1.7").await.held(&device(2, &["operator.read"])).await;
    owner.call("device.pair.approve", json!({"requestId": pending["requestId"]})).await.unwrap();
    let gateway = gateway.restart().await;
    let approval = &explain(&gateway, 2).await["approval"];
    assert_eq!((&approval["by"]["kind"], &approval["hasSecret"]), (&json!("owner"), &json!(false)));
}

#[tokio::test]
async fn it_names_the_device_that_approved() {
    let gateway = TestGateway::start().await;
    let laptop = device(1, &["operator.admin"]).client("displayName", "Laptop");
    let token = gateway.pair(&laptop).await;
    let mut laptop_line = gateway.remote().await;
    laptop_line.enter(&laptop.clone().auth("deviceToken", &token)).await;
    let pending = gateway.from("192.168.1.7").await.held(&device(2, &["operator.read"])).await;
    laptop_line.call("device.pair.approve", json!({"requestId": pending["requestId"]})).await.unwrap();
    let found = explain(&gateway, 2).await;
    assert_eq!(found["approval"]["by"], json!({"kind": "device", "deviceId": Key::new(1).id()}));
    assert_eq!(found["approvedByName"], "Laptop");
}

#[tokio::test]
async fn it_tells_where_the_device_is_and_where_it_was() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1, &["operator.read"])).await;
    gateway.clock.advance_ms(1000);
    let mut live = gateway.from("192.168.1.9").await;
    live.enter(&device(1, &["operator.read"]).auth("deviceToken", &token)).await;
    let found = explain(&gateway, 1).await;
    let here = json!({
        "role": "operator", "scopes": ["operator.read"], "version": "1.0.0", "address": "192.168.1.9", "network": "lan",
        "encrypted": false, "connectedAtMs": NOW + 1000,
    });
    assert_eq!(found["connections"].as_array().unwrap().last(), Some(&here));
    assert_eq!((&found["lastSeenAddress"], &found["device"]["connected"]), (&json!("192.168.1.9"), &json!(true)));
    let gateway = gateway.restart().await;
    let found = explain(&gateway, 1).await;
    assert_eq!((&found["lastSeenAddress"], &found["connections"]), (&json!("192.168.1.9"), &json!([])));
}

#[tokio::test]
async fn who_sees_only_itself_is_told_only_of_itself() {
    let gateway = TestGateway::start().await;
    let confined = device(1, &["operator.pairing"]);
    let token = gateway.pair(&confined).await;
    gateway.pair(&device(2, &["operator.read"])).await;
    let mut line = gateway.remote().await;
    line.enter(&confined.auth("deviceToken", &token)).await;
    let of = |seed| json!({"deviceId": Key::new(seed).id()});
    assert_eq!(line.call("device.pair.explain", of(1)).await.unwrap()["device"]["deviceId"], Key::new(1).id());
    assert_eq!(line.denied("device.pair.explain", of(2)).await, "missing scope: operator.admin");
    assert_eq!(gateway.admin().await.denied("device.pair.explain", of(9)).await, "unknown deviceId");
}
