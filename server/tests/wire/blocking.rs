//! Blocked devices: thrown out, refused whatever they show, and shown to nobody (docs/protocol.md, "Blocked
//! devices").

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};

const SCOPES: [&str; 2] = ["operator.read", "operator.pairing"];
const LAN: &str = "192.168.1.7";

fn device(seed: u8) -> Ask {
    Ask::cli(&SCOPES).device(&Key::new(seed))
}

async fn block(gateway: &TestGateway, seed: u8) -> Value {
    let params = json!({"deviceId": Key::new(seed).id()});
    gateway.admin().await.call("device.pair.block", params).await.unwrap()
}

async fn unblock(gateway: &TestGateway, seed: u8) {
    let params = json!({"deviceId": Key::new(seed).id()});
    gateway.admin().await.call("device.pair.unblock", params).await.unwrap();
}

async fn setup_code(gateway: &TestGateway) -> String {
    let params = json!({"publicUrl": "https://gw.example", "bootstrapProfile": "node"});
    let made = gateway.admin().await.call("device.pair.setupCode", params).await.unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(made["setupCode"].as_str().unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&bytes).unwrap();
    payload["bootstrapToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_is_thrown_out_and_what_it_asks_is_refused_and_shown_to_nobody() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let mut live = gateway.remote().await;
    live.enter(&device(1).auth("deviceToken", &token)).await;
    let blocked = block(&gateway, 1).await;
    assert_eq!(blocked["deviceId"], Key::new(1).id());
    assert_eq!(live.ended().await, Frame::close(4001, "device removed"));

    let command = format!("openclaw devices unblock {}", &Key::new(1).id()[..12]);
    let shows = [
        device(1).waiting(),
        device(1).token(TOKEN),
        device(1).token("wrong").waiting(),
        device(1).auth("deviceToken", &token),
        device(1).auth("bootstrapToken", &setup_code(&gateway).await),
    ];
    for ask in shows {
        let refused = gateway.from(LAN).await.refused(&ask).await;
        assert_eq!(refused.error["code"], "NOT_PAIRED");
        assert_eq!(refused.error["details"], json!({"code": "DEVICE_BLOCKED", "unblockCommand": command}));
        assert!(refused.error["message"].as_str().unwrap().contains(&command), "{refused:?}");
        assert_eq!((refused.code, refused.reason.as_str()), (1008, refused.error["message"].as_str().unwrap()));
    }
    // This machine vouches for nobody who is blocked.
    assert_eq!(gateway.local().await.refused(&device(1).token(TOKEN)).await.why(), "DEVICE_BLOCKED");
    assert_eq!(gateway.list().await, json!({"pending": [], "paired": []}));
}

#[tokio::test]
async fn unblocked_it_may_ask_and_has_nothing() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    block(&gateway, 1).await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.from(LAN).await.refused(&device(1).waiting()).await.why(), "DEVICE_BLOCKED");
    let listed = gateway.admin().await.call("device.pair.blocked", json!({})).await.unwrap();
    assert_eq!(listed["blocked"][0]["deviceId"], Key::new(1).id());

    unblock(&gateway, 1).await;
    let refused = gateway.remote().await.refused(&device(1).auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    gateway.from(LAN).await.held(&device(1)).await;
    let empty = gateway.admin().await.call("device.pair.blocked", json!({})).await.unwrap();
    assert_eq!(empty, json!({"blocked": []}));
}

#[tokio::test]
async fn one_that_waits_hears_that_it_is_blocked_and_others_that_it_is_gone() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let mut waiting = gateway.from(LAN).await;
    let pending = waiting.held(&device(1)).await;
    block(&gateway, 1).await;
    assert_eq!(waiting.refusal().await.why(), "DEVICE_BLOCKED");
    let resolved = admin.event("device.pair.resolved").await;
    assert_eq!((&resolved["requestId"], &resolved["decision"]), (&pending["requestId"], &json!("rejected")));
}

#[tokio::test]
async fn a_code_that_a_blocked_device_shows_is_still_good_for_another() {
    let gateway = TestGateway::start().await;
    block(&gateway, 1).await;
    let code = setup_code(&gateway).await;
    let node = |seed| Ask::node().device(&Key::new(seed)).auth("bootstrapToken", &code);
    assert_eq!(gateway.remote().await.refused(&node(1)).await.why(), "DEVICE_BLOCKED");
    gateway.remote().await.enter(&node(2)).await;
}

#[tokio::test]
async fn a_program_that_needs_no_pairing_stays_out_by_its_key_too() {
    let gateway = TestGateway::start().await;
    let ask = || {
        let backend = device(1).client("id", "gateway-client").client("mode", "backend");
        backend.token(TOKEN)
    };
    let mut live = gateway.local().await;
    live.enter(&ask()).await;
    block(&gateway, 1).await;
    assert!(matches!(live.ended().await, Frame::Close { code: 4001, .. }));
    assert_eq!(gateway.local().await.refused(&ask()).await.why(), "DEVICE_BLOCKED");
}

#[tokio::test]
async fn with_its_address_no_new_device_from_there_may_ask_and_those_that_are_in_go_on() {
    let gateway = TestGateway::start().await;
    let friend = gateway.pair(&device(2)).await;
    let mut waiting = gateway.from(LAN).await;
    waiting.held(&device(1)).await;
    let params = json!({"deviceId": Key::new(1).id(), "address": true});
    let blocked = gateway.admin().await.call("device.pair.block", params).await.unwrap();
    assert_eq!(blocked["address"], LAN);

    let refused = gateway.from(LAN).await.refused(&device(3).waiting()).await;
    let command = format!("openclaw devices unblock {LAN}");
    assert_eq!(refused.error["details"], json!({"code": "ADDRESS_BLOCKED", "unblockCommand": command}));
    gateway.from(LAN).await.enter(&device(2).auth("deviceToken", &friend)).await;
    gateway.from("192.168.1.8").await.held(&device(3)).await;
    unblock(&gateway, 1).await;
    gateway.from(LAN).await.held(&device(4)).await;
}

/// A device that got in by its own token.
async fn entered(gateway: &TestGateway, ask: &Ask) -> Client {
    let token = gateway.pair(ask).await;
    let mut client = gateway.remote().await;
    client.enter(&ask.clone().auth("deviceToken", &token)).await;
    client
}

#[tokio::test]
async fn who_sees_only_itself_blocks_nobody_and_nobody_blocks_itself() {
    let gateway = TestGateway::start().await;
    let mut confined = entered(&gateway, &device(1)).await;
    let other = json!({"deviceId": Key::new(2).id()});
    for method in ["device.pair.block", "device.pair.unblock"] {
        assert_eq!(confined.denied(method, other.clone()).await, "device blocking denied", "{method}");
    }
    assert_eq!(confined.denied("device.pair.blocked", json!({})).await, "device blocking denied");
    let mut admin = entered(&gateway, &Ask::cli(&["operator.admin"]).device(&Key::new(3))).await;
    let own = json!({"deviceId": Key::new(3).id()});
    assert_eq!(admin.denied("device.pair.block", own).await, "a device cannot block itself");
    let slip = json!({"deviceId": "Phone"});
    assert_eq!(admin.denied("device.pair.block", slip).await, "not a device id");
    assert_eq!(admin.denied("device.pair.unblock", other.clone()).await, "device is not blocked");
    assert_eq!(admin.call("device.pair.block", other).await.unwrap()["deviceId"], Key::new(2).id());
    let mut reader = entered(&gateway, &Ask::cli(&["operator.read"]).device(&Key::new(4))).await;
    assert_eq!(reader.denied("device.pair.blocked", json!({})).await, "missing scope: operator.pairing");
}

#[tokio::test]
async fn the_gateways_own_machine_cannot_be_blocked_with_a_device() {
    let gateway = TestGateway::start().await;
    gateway.local().await.held(&device(1)).await;
    let params = json!({"deviceId": Key::new(1).id(), "address": true});
    let denied = gateway.admin().await.denied("device.pair.block", params).await;
    assert_eq!(denied, "the device has no address that could be blocked");
}
