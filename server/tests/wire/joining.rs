//! Join URLs (wire.md §10.5).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::gateway::TestGateway;

/// A join URL that leads back to this gateway.
async fn join_url(gateway: &TestGateway) -> String {
    let url = format!("http://{}", gateway.address());
    let asked = json!({"publicUrl": url, "bootstrapProfile": "node", "joinUrl": true, "includeQr": false});
    let made = gateway.admin().await.call("device.pair.setupCode", asked).await.unwrap();
    assert!(made.get("qrDataUrl").is_none());
    made["joinUrl"].as_str().unwrap().to_owned()
}

async fn path(gateway: &TestGateway) -> String {
    let url = join_url(gateway).await;
    let path = url.strip_prefix(&format!("http://{}", gateway.address())).unwrap().to_owned();
    assert_eq!((path.len(), path.starts_with("/j/")), (25, true));
    path
}

#[tokio::test]
async fn a_join_url_hands_its_code_out_once() {
    let gateway = TestGateway::start().await;
    let path = path(&gateway).await;
    let first = gateway.http(&format!("GET /any/prefix{path}"), &[]).await;
    assert_eq!((first.status, first.head.get("cache-control")), (200, Some("no-store")));
    let payload: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(payload["url"], format!("ws://{}", gateway.address()));
    assert_eq!(payload["expiresAtMs"], gateway.clock.now_ms() + 600_000);
    let again = gateway.http(&format!("GET {path}"), &[]).await;
    assert_eq!((again.status, again.body.as_str()), (404, r#"{"error":"not_found"}"#));
    assert_eq!(again.head.get("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn looking_ahead_does_not_spend_it() {
    let gateway = TestGateway::start().await;
    let path = path(&gateway).await;
    assert_eq!(gateway.http(&format!("HEAD {path}"), &[]).await.status, 405);
    assert_eq!(gateway.http(&format!("GET {path}?utm=1"), &[]).await.status, 404);
    assert_eq!(gateway.http(&format!("GET {path}"), &["sec-purpose: prefetch;prerender"]).await.status, 404);
    let stranger = gateway.http(&format!("GET {path}"), &["x-real-ip: 192.0.2.9"]).await;
    assert_eq!(stranger.status, 403, "a request that cannot be attributed spends nothing");
    assert_eq!(gateway.http(&format!("GET {path}"), &[]).await.status, 200);
}

#[tokio::test]
async fn a_machine_joins_with_what_it_fetched() {
    let gateway = TestGateway::start().await;
    let url = join_url(&gateway).await;
    let setup = client::fetch_join(&url).await.unwrap();
    let ask = Ask::node().device(&Key::new(1)).auth("bootstrapToken", setup.bootstrap_token.reveal());
    let auth = gateway.remote().await.enter(&ask).await["auth"].clone();
    assert_eq!((&auth["role"], auth.get("deviceTokens")), (&json!("node"), None));
    let spent = client::fetch_join(&url).await.unwrap_err();
    assert!(spent.to_string().contains("openclaw devices join-code"), "{spent}");
}

#[tokio::test]
async fn who_guesses_is_locked_out_and_nobody_else() {
    let gateway = TestGateway::start().await;
    let path = path(&gateway).await;
    let guess = "GET /j/AAAAAAAAAAAAAAAAAAAAAA";
    let from = ["x-forwarded-for: 203.0.113.9"];
    for _ in 0..10 {
        assert_eq!(gateway.http(guess, &from).await.status, 404);
    }
    let locked = gateway.http(&format!("GET {path}"), &from).await;
    assert_eq!((locked.status, locked.body.as_str()), (429, r#"{"error":"rate_limited"}"#));
    assert_eq!(gateway.http(&format!("GET {path}"), &["x-forwarded-for: 203.0.113.10"]).await.status, 200);
}

#[tokio::test]
async fn a_join_url_is_never_made_for_plain_http_across_a_network() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let asked = json!({"publicUrl": "http://192.168.1.5", "bootstrapProfile": "node", "joinUrl": true});
    let error = admin.call("device.pair.setupCode", asked).await.unwrap_err();
    assert_eq!(error["details"]["code"], "JOIN_URL_NEEDS_HTTPS");
    let asked = json!({"publicUrl": "wss://gw.example/claw", "bootstrapProfile": "node", "joinUrl": true});
    let made = admin.call("device.pair.setupCode", asked).await.unwrap();
    assert!(made["joinUrl"].as_str().unwrap().starts_with("https://gw.example/claw/j/"));
}

#[tokio::test]
async fn a_join_url_runs_out() {
    let gateway = TestGateway::start().await;
    let path = path(&gateway).await;
    gateway.clock.advance_ms(600_000);
    assert_eq!(gateway.http(&format!("GET {path}"), &[]).await.status, 404);
}
