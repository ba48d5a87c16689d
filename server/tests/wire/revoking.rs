//! Taking rights away: at once, and for good (wire.md §1.6, §7.2).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::{TOKEN, TestGateway};

const SCOPES: [&str; 2] = ["operator.read", "operator.pairing"];

fn device() -> Ask {
    Ask::cli(&SCOPES).device(&Key::new(1))
}

fn removed() -> Frame {
    Frame::close(4001, "device removed")
}

fn methods() -> [(&'static str, Value); 3] {
    let role = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    [
        ("device.token.rotate", role.clone()),
        ("device.token.revoke", role),
        ("device.pair.remove", json!({"deviceId": Key::new(1).id()})),
    ]
}

#[tokio::test]
async fn every_socket_of_the_device_is_closed_and_no_other() {
    for (method, params) in methods() {
        let gateway = TestGateway::start().await;
        let token = gateway.pair(&device()).await;
        let (mut one, mut two, mut other) = (gateway.remote().await, gateway.local().await, gateway.remote().await);
        one.enter(&device().auth("deviceToken", &token)).await;
        two.enter(&device().token(TOKEN)).await;
        let bystander = Ask::cli(&SCOPES).device(&Key::new(2));
        let bystander_token = gateway.pair(&bystander).await;
        other.enter(&bystander.auth("deviceToken", &bystander_token)).await;

        gateway.admin().await.call(method, params).await.unwrap();
        assert_eq!((one.ended().await, two.ended().await), (removed(), removed()), "{method}");
        assert!(other.is_open().await);
    }
}

#[tokio::test]
async fn a_device_that_does_it_to_itself_gets_its_answer_first() {
    for (method, params) in methods() {
        let gateway = TestGateway::start().await;
        let token = gateway.pair(&device()).await;
        let mut client = gateway.remote().await;
        client.enter(&device().auth("deviceToken", &token)).await;
        let answer = client.call(method, params).await.unwrap();
        assert_eq!(client.next().await, removed(), "{method}");
        if method == "device.token.rotate" {
            assert_eq!(answer["tokenDelivery"], "in-band");
            let fresh = answer["token"].as_str().unwrap();
            assert_ne!(fresh, token);
            gateway.remote().await.enter(&device().auth("deviceToken", fresh)).await;
        }
    }
}

#[tokio::test]
async fn a_new_token_is_told_only_to_the_device_whose_it_is_and_that_showed_the_old_one() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device()).await;
    let rotate = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    let mut by_secret = gateway.remote().await;
    by_secret.enter(&device().token(TOKEN)).await;
    for client in [&mut by_secret, &mut gateway.admin().await] {
        let rotated = client.call("device.token.rotate", rotate.clone()).await.unwrap();
        let expected = json!({
            "deviceId": Key::new(1).id(), "role": "operator", "scopes": ["operator.pairing", "operator.read"],
            "rotatedAtMs": gateway.clock.now_ms(), "tokenDelivery": "withheld-cross-device",
        });
        assert_eq!(rotated, expected);
    }
}

#[tokio::test]
async fn a_device_that_comes_in_while_it_is_thrown_out_does_not_stay() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    // A wish for more is written down before the hello, which leaves time for a decision in between.
    let wider = Ask::cli(&["operator.read", "operator.pairing", "operator.write"]).device(&Key::new(1)).waiting();
    for _ in 0..20 {
        for (method, params) in methods().into_iter().skip(1) {
            gateway.pair(&device()).await;
            let (mut early, mut late) = (gateway.remote().await, gateway.remote().await);
            early.ask(&wider).await;
            let ((), thrown_out) = tokio::join!(late.ask(&wider), admin.call(method, params));
            thrown_out.unwrap();
            for client in [&mut early, &mut late] {
                let code = if client.next().await.text()["ok"] == true { 4001 } else { 1008 };
                let end = client.ended().await;
                assert!(matches!(end, Frame::Close { code: said, .. } if said == code), "{method} {end:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_dead() {
    for (method, params) in methods() {
        let gateway = TestGateway::start().await;
        let token = gateway.pair(&device()).await;
        gateway.admin().await.call(method, params).await.unwrap();
        for ask in [device().auth("deviceToken", &token), device().auth("deviceToken", &token).token("wrong")] {
            let refused = gateway.remote().await.refused(&ask).await;
            assert_eq!((refused.why(), refused.code), ("AUTH_DEVICE_TOKEN_MISMATCH", 1008), "{method}");
        }
        let in_the_other_field = gateway.remote().await.refused(&device().token(&token)).await;
        assert_eq!(in_the_other_field.why(), "AUTH_TOKEN_MISMATCH", "{method}");
    }
}

#[tokio::test]
async fn the_token_of_a_removed_device_stays_dead_when_it_is_paired_again() {
    let gateway = TestGateway::start().await;
    let old = gateway.pair(&device()).await;
    gateway.admin().await.call("device.pair.remove", json!({"deviceId": Key::new(1).id()})).await.unwrap();
    let new = gateway.pair(&device()).await;
    assert_ne!(old, new);
    let refused = gateway.remote().await.refused(&device().auth("deviceToken", &old)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    gateway.remote().await.enter(&device().auth("deviceToken", &new)).await;
}

#[tokio::test]
async fn a_device_without_a_live_token_has_to_be_approved_again() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device()).await;
    let revoke = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    let revoked = gateway.admin().await.call("device.token.revoke", revoke).await.unwrap();
    assert_eq!(revoked["revokedAtMs"], gateway.clock.now_ms());
    let refused = gateway.remote().await.refused(&device().token(TOKEN)).await;
    let details = &refused.error["details"];
    assert_eq!((&details["reason"], &details["approvedRoles"]), (&json!("role-upgrade"), &json!(["operator"])));
    assert_eq!(details["approvedScopes"], json!(["operator.pairing", "operator.read"]));
    gateway.approve(&refused.request_id()).await;
    gateway.remote().await.enter(&device().token(TOKEN)).await;
}

#[tokio::test]
async fn a_client_of_ours_hears_whether_it_may_come_back_by_itself() {
    for ((method, params), why) in
        methods().into_iter().zip(["device token rotated", "device removed", "device removed"])
    {
        let gateway = TestGateway::start().await;
        gateway.pair(&device()).await;
        let (mut ours, mut official) = (gateway.remote().await, gateway.remote().await);
        ours.enter(&device().waiting()).await;
        official.enter(&device().token(TOKEN)).await;
        gateway.admin().await.call(method, params).await.unwrap();
        assert_eq!((ours.ended().await, official.ended().await), (Frame::close(4001, why), removed()), "{method}");
    }
}

#[tokio::test]
async fn a_rotation_may_narrow_what_the_token_allows() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device()).await;
    let mut client = gateway.remote().await;
    let token = client.enter(&device().waiting()).await["auth"]["deviceToken"].as_str().unwrap().to_owned();
    let rotate = json!({"deviceId": Key::new(1).id(), "role": "operator", "scopes": ["operator.read"]});
    let mut admin = gateway.admin().await;
    assert_eq!(admin.call("device.token.rotate", rotate).await.unwrap()["scopes"], json!(["operator.read"]));
    assert_eq!(client.ended().await, Frame::close(4001, "device token rotated"));
    let narrow = Ask::cli(&["operator.read"]).device(&Key::new(1));
    let refused = gateway.remote().await.refused(&narrow.clone().auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let hello = gateway.remote().await.enter(&narrow.waiting()).await;
    let fresh = hello["auth"]["deviceToken"].as_str().unwrap();
    let refused = gateway.remote().await.refused(&device().auth("deviceToken", fresh)).await;
    assert_eq!(refused.why(), "AUTH_SCOPE_MISMATCH");
}
