//! The rules of approving, and its races (wire.md §6.2, §7.2).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};

fn device(seed: u8, scopes: &[&str]) -> Ask {
    Ask::cli(scopes).device(&Key::new(seed)).token(TOKEN)
}

async fn request(gateway: &TestGateway, ask: &Ask) -> String {
    gateway.remote().await.refused(ask).await.request_id()
}

/// A command line on this machine with the secret and just these scopes.
async fn operator(gateway: &TestGateway, scopes: &[&str]) -> Client {
    let mut client = gateway.local().await;
    client.enter(&Ask::cli(scopes).token(TOKEN)).await;
    client
}

#[tokio::test]
async fn an_approval_covers_only_what_was_shown() {
    let gateway = TestGateway::start().await;
    let request_id = request(&gateway, &device(1, &["operator.read"]).client("displayName", "Phone")).await;
    let mut owner = gateway.local().await;
    owner.enter(&Ask::admin().waiting()).await;
    let shown = owner.call("device.pair.list", json!({})).await.unwrap()["pending"][0].clone();

    let renamed = device(1, &["operator.read"]).client("displayName", "The owner's own phone");
    assert_eq!(request(&gateway, &renamed).await, request_id);
    let approval = json!({"requestId": request_id, "digest": shown["evidence"]["digest"]});
    let error = owner.call("device.pair.approve", approval).await.unwrap_err();
    assert_eq!((&error["code"], &error["details"]), (&json!("INVALID_REQUEST"), &json!({"code": "REQUEST_CHANGED"})));
    let list = owner.call("device.pair.list", json!({})).await.unwrap();
    assert_eq!(list["paired"], json!([]));
    assert_eq!(list["pending"][0]["requestId"], request_id.as_str());

    let digest = &list["pending"][0]["evidence"]["digest"];
    let approval = json!({"requestId": request_id, "digest": digest});
    assert_eq!(owner.call("device.pair.approve", approval).await.unwrap()["device"]["deviceId"], Key::new(1).id());
}

#[tokio::test]
async fn a_request_keeps_its_id_and_its_digest_over_fifty_attempts() {
    let gateway = TestGateway::start().await;
    let mut owner = gateway.local().await;
    owner.enter(&Ask::admin().waiting()).await;
    let request_id = request(&gateway, &device(1, &["operator.read", "operator.write"])).await;
    let before = owner.event("device.pair.requested").await;
    for attempt in 0..50 {
        gateway.clock.advance_ms(1000);
        let scopes: &[&str] = if attempt % 2 == 0 { &["operator.read"] } else { &["operator.write", "operator.read"] };
        assert_eq!(request(&gateway, &device(1, scopes)).await, request_id, "attempt {attempt}");
    }
    let after = owner.call("device.pair.list", json!({})).await.unwrap()["pending"][0].clone();
    assert_eq!(after["evidence"]["digest"], before["evidence"]["digest"]);
    assert_eq!((&after["ts"], &after["evidence"]["attempts"]), (&before["ts"], &json!(51)));
    assert_eq!(after["scopes"], json!(["operator.read", "operator.write"]));
}

#[tokio::test]
async fn a_wider_request_gets_a_new_id_and_the_old_one_is_dead() {
    let gateway = TestGateway::start().await;
    let mut owner = gateway.admin().await;
    let narrow = request(&gateway, &device(1, &["operator.read"])).await;
    assert_eq!(owner.event("device.pair.requested").await["requestId"], narrow.as_str());
    let wide = request(&gateway, &device(1, &["operator.pairing"])).await;
    assert_ne!(wide, narrow);
    let resolved = owner.event("device.pair.resolved").await;
    assert_eq!((&resolved["requestId"], &resolved["decision"]), (&json!(narrow), &json!("rejected")));
    let requested = owner.event("device.pair.requested").await;
    assert_eq!(requested["scopes"], json!(["operator.read", "operator.pairing"]));
    let stale = owner.denied("device.pair.approve", json!({"requestId": narrow})).await;
    assert_eq!(stale, "unknown requestId");
    owner.call("device.pair.approve", json!({"requestId": wide})).await.unwrap();
}

#[tokio::test]
async fn everyone_who_may_pair_hears_of_it_before_the_answer() {
    let gateway = TestGateway::start().await;
    let (mut approver, mut listener) = (gateway.admin().await, operator(&gateway, &["operator.pairing"]).await);
    let mut reader = operator(&gateway, &["operator.read"]).await;
    let request_id = request(&gateway, &device(1, &["operator.read"])).await;
    assert_eq!(approver.event("device.pair.requested").await["requestId"], request_id.as_str());
    let call = json!({"type": "req", "id": "a", "method": "device.pair.approve", "params": {"requestId": request_id}});
    approver.say(&call).await;
    let event = approver.next().await.text();
    assert_eq!((&event["event"], &event["seq"]), (&json!("device.pair.resolved"), &json!(2)));
    assert_eq!(event["payload"]["decision"], "approved");
    assert_eq!(approver.next().await.text()["id"], "a");
    assert_eq!(listener.event("device.pair.resolved").await, event["payload"]);
    assert!(reader.is_open().await);
    gateway.stop().await;
    assert_eq!(reader.next().await.text()["seq"], 1, "what it may not hear is not even counted");
}

#[tokio::test]
async fn of_two_approvals_at_once_one_succeeds() {
    let gateway = TestGateway::start().await;
    for seed in 1..=5 {
        let (mut first, mut second) = (gateway.admin().await, gateway.admin().await);
        let params = json!({"requestId": request(&gateway, &device(seed, &["operator.read"])).await});
        let answers = tokio::join!(
            first.call("device.pair.approve", params.clone()),
            second.call("device.pair.approve", params.clone())
        );
        let ((Ok(_), Err(error)) | (Err(error), Ok(_))) = answers else { panic!("{answers:?}") };
        assert_eq!(error, json!({"code": "INVALID_REQUEST", "message": "unknown requestId"}));
    }
}

#[tokio::test]
async fn nobody_grants_more_than_it_holds() {
    let gateway = TestGateway::start().await;
    let rows: [(&[&str], &[&str], Option<&str>); 5] = [
        (&["operator.pairing"], &["operator.read"], Some("missing scope: operator.read")),
        (
            &["operator.pairing", "operator.read"],
            &["operator.read", "operator.write"],
            Some("missing scope: operator.write"),
        ),
        (&["operator.pairing", "operator.write"], &["operator.admin"], Some("missing scope: operator.admin")),
        (&["operator.pairing", "operator.write"], &["operator.read", "operator.pairing"], None),
        (&["operator.admin"], &["operator.approvals", "operator.talk.secrets"], None),
    ];
    for (seed, (holds, asked, denied)) in (1..).zip(rows) {
        let request_id = request(&gateway, &device(seed, asked)).await;
        let mut approver = operator(&gateway, holds).await;
        let answer = approver.call("device.pair.approve", json!({"requestId": request_id})).await;
        assert_eq!(
            answer.as_ref().err().map(|error| error["message"].as_str().unwrap()),
            denied,
            "{holds:?} {asked:?}"
        );
        let is_paired = gateway.list().await["paired"].to_string().contains(&Key::new(seed).id());
        assert_eq!(is_paired, denied.is_none());
    }
}

#[tokio::test]
async fn only_an_admin_lets_a_node_in_or_learns_which_ids_exist() {
    let gateway = TestGateway::start().await;
    let node = gateway.remote().await.refused(&Ask::node().device(&Key::new(1)).token(TOKEN)).await.request_id();
    let mut operator = operator(&gateway, &["operator.pairing", "operator.write"]).await;
    for id in [node.as_str(), "no-such-request"] {
        let denied = operator.denied("device.pair.approve", json!({"requestId": id})).await;
        assert_eq!(denied, "device pairing approval denied");
    }
    let denied = operator.denied("device.pair.reject", json!({"requestId": "no-such-request"})).await;
    assert_eq!(denied, "device pairing rejection denied");
    gateway.approve(&node).await;
}

#[tokio::test]
async fn a_device_that_came_by_its_own_credential_sees_and_touches_only_itself() {
    let gateway = TestGateway::start().await;
    let scopes = ["operator.pairing", "operator.write"];
    let token = gateway.pair(&device(1, &scopes)).await;
    gateway.pair(&device(2, &["operator.read"])).await;
    let waiting = request(&gateway, &device(3, &["operator.read"])).await;
    let credentials = [
        Ask::cli(&scopes).device(&Key::new(1)).auth("deviceToken", &token),
        Ask::cli(&scopes).device(&Key::new(1)).waiting(),
    ];
    let other = json!({"deviceId": Key::new(2).id()});
    let with = |field: &str, value: &str| {
        let mut params = other.clone();
        params[field] = value.into();
        params
    };
    for ask in credentials {
        let mut client = gateway.remote().await;
        client.enter(&ask).await;
        let list = client.call("device.pair.list", json!({})).await.unwrap();
        let ids: Vec<&Value> = list["paired"].as_array().unwrap().iter().map(|device| &device["deviceId"]).collect();
        assert_eq!((ids, &list["pending"]), (vec![&json!(Key::new(1).id())], &json!([])));
        let rows = [
            ("device.pair.approve", json!({"requestId": waiting}), "device pairing approval denied"),
            ("device.pair.reject", json!({"requestId": waiting}), "device pairing rejection denied"),
            ("device.pair.remove", other.clone(), "device pairing removal denied"),
            ("device.pair.rename", with("label", "x"), "device pairing rename denied"),
            ("device.token.rotate", with("role", "operator"), "device token rotation denied"),
            ("device.token.revoke", with("role", "operator"), "device token revocation denied"),
        ];
        for (method, params, why) in rows {
            assert_eq!(client.denied(method, params).await, why, "{method}");
        }
    }
    let list = gateway.list().await;
    assert_eq!((list["paired"].as_array().unwrap().len(), list["pending"].as_array().unwrap().len()), (2, 1));
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_changed() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1, &["operator.read"])).await;
    let id = Key::new(1).id();
    let rows = [
        ("device.pair.approve", json!({"requestId": "x"}), "unknown requestId"),
        ("device.pair.reject", json!({"requestId": "x"}), "unknown requestId"),
        ("device.pair.remove", json!({"deviceId": "x"}), "unknown deviceId"),
        ("device.pair.rename", json!({"deviceId": "x", "label": "y"}), "unknown deviceId"),
        ("device.pair.rename", json!({"deviceId": id, "label": "  "}), "label required"),
        ("device.token.rotate", json!({"deviceId": "x", "role": "operator"}), "device token rotation denied"),
        ("device.token.rotate", json!({"deviceId": id, "role": "node"}), "device token rotation denied"),
        ("device.token.rotate", json!({"deviceId": id, "role": "boss"}), "device token rotation denied"),
        (
            "device.token.rotate",
            json!({"deviceId": id, "role": "operator", "scopes": ["operator.admin"]}),
            "device token rotation denied",
        ),
        ("device.token.revoke", json!({"deviceId": "x", "role": "operator"}), "device token revocation denied"),
        ("device.token.revoke", json!({"deviceId": id, "role": "node"}), "device token revocation denied"),
    ];
    let mut admin = gateway.admin().await;
    for (method, params, why) in rows {
        let error = admin.call(method, params.clone()).await.unwrap_err();
        assert_eq!(error, json!({"code": "INVALID_REQUEST", "message": why}), "{method} {params}");
    }
}

#[tokio::test]
async fn a_new_name_is_trimmed_stored_and_announced() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1, &["operator.read"])).await;
    let mut admin = gateway.admin().await;
    let renamed =
        admin.call("device.pair.rename", json!({"deviceId": Key::new(1).id(), "label": "  My Laptop "})).await;
    assert_eq!(renamed.unwrap(), json!({"deviceId": Key::new(1).id(), "label": "My Laptop"}));
    assert_eq!(admin.event("device.pair.changed").await, json!({}));
    assert_eq!(gateway.list().await["paired"][0]["operatorLabel"], "My Laptop");
}
