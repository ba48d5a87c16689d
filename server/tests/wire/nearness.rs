//! No header makes a client more local than it is (security table, row S2-01).

use serde_json::json;

use crate::ask::{Ask, Key};
use crate::gateway::{TOKEN, TestGateway};

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed)).token(TOKEN)
}

#[tokio::test]
async fn a_forwarded_client_is_never_let_in_as_a_local_one() {
    let gateway = TestGateway::start().await;
    let rows: [&[(&str, &str)]; 7] = [
        &[("x-forwarded-for", "192.0.2.2")],
        &[("x-forwarded-for", "127.0.0.1, 192.0.2.2")],
        &[("x-forwarded-for", "192.0.2.2, 127.0.0.1")],
        &[("x-forwarded-for", "::1"), ("x-forwarded-for", "192.0.2.2")],
        &[("x-forwarded-for", "192.0.2.2"), ("x-real-ip", "127.0.0.1")],
        &[("x-forwarded-for", "192.0.2.2"), ("host", "127.0.0.1")],
        &[("x-forwarded-for", "192.0.2.2"), ("forwarded", "for=127.0.0.1")],
    ];
    for (seed, headers) in (1..).zip(rows) {
        let refused = gateway.open(headers).await.refused(&device(seed)).await;
        assert_eq!(refused.error["details"]["reason"], "not-paired", "{headers:?}");
        let without_device = gateway.open(headers).await.enter(&Ask::admin()).await;
        assert_eq!(without_device["auth"]["scopes"], json!([]), "{headers:?}");
    }
    let list = gateway.list().await;
    assert_eq!(list["paired"], json!([]));
    let shown = list["pending"].as_array().unwrap();
    assert!(shown.len() == 7 && shown.iter().all(|pending| pending["remoteIp"] == "192.0.2.2"), "{shown:#?}");
}

#[tokio::test]
async fn a_client_that_claims_to_be_local_gets_no_socket() {
    let gateway = TestGateway::start().await;
    let rows = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.0.0.1, 127.0.0.2", "localhost", ""];
    for claimed in rows {
        let refused = gateway.upgrade_refused(&[&format!("x-forwarded-for: {claimed}")]).await;
        assert_eq!(refused.status, 403, "{claimed}");
    }
}

#[tokio::test]
async fn the_rightmost_stranger_is_the_client() {
    let gateway = TestGateway::start().await;
    let rows = [
        ("10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1", "10.0.0.1"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, nonsense, 127.0.0.1", "203.0.113.9"),
    ];
    for (seed, (chain, client)) in (1..).zip(rows) {
        gateway.from(chain).await.refused(&device(seed)).await;
        let list = gateway.list().await;
        let shown = list["pending"].as_array().unwrap().iter().find(|p| p["deviceId"] == Key::new(seed).id()).unwrap();
        assert_eq!(shown["remoteIp"], client, "{chain}");
    }
}

#[tokio::test]
async fn a_real_ip_counts_only_where_the_owner_says_so() {
    let settings = json!({"auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"], "allowRealIpFallback": true});
    let gateway = TestGateway::start_with(&settings, &[]).await;
    let real_ip = [("x-real-ip", "192.0.2.2")];
    assert_eq!(gateway.open(&real_ip).await.refused(&device(1)).await.why(), "PAIRING_REQUIRED");
    assert_eq!(gateway.list().await["pending"][0]["remoteIp"], "192.0.2.2");
    assert_eq!(gateway.upgrade_refused(&["x-real-ip: 127.0.0.1"]).await.status, 403);
}

#[tokio::test]
async fn the_name_a_client_calls_us_by_changes_nothing() {
    let gateway = TestGateway::start().await;
    let hello = gateway.open(&[("host", "gateway.example.com")]).await.enter(&device(1)).await;
    assert_eq!(hello["auth"]["scopes"], json!(["operator.read"]));
}
