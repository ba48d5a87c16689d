//! What goes out over HTTP: probes, pages, and the headers on all of it (wire.md §11).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::gateway::{TOKEN, TestGateway};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let gateway = TestGateway::start().await;
    let forwarded = "x-forwarded-for: nonsense";
    let rows: [(&str, &[&str], u16); 8] = [
        ("GET /", &[], 200),
        ("GET /devices", &[], 200),
        ("GET /healthz", &[], 200),
        ("GET /readyz", &[], 200),
        ("GET /nope.txt", &[], 404),
        ("GET /api/nope", &[], 404),
        ("GET /", &[forwarded], 403),
        ("GET /", &["connection: Upgrade", "upgrade: nonsense"], 400),
    ];
    for (request, lines, status) in rows {
        let answer = gateway.http(request, lines).await;
        assert_eq!(answer.status, status, "{request} {lines:?}");
        let header = |name| answer.head.get(name).unwrap_or_else(|| panic!("{request} has no {name}"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("permissions-policy"), "camera=(), microphone=(self), geolocation=()");
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.head.get("strict-transport-security"), None);
    }
}

#[tokio::test]
async fn transport_security_is_promised_when_the_owner_says_so() {
    let settings = json!({
        "auth": {"token": TOKEN},
        "http": {"securityHeaders": {"strictTransportSecurity": "max-age=31536000"}},
    });
    let gateway = TestGateway::start_with(&settings, &[]).await;
    for path in ["GET /", "GET /healthz", "GET /nope.txt"] {
        let answer = gateway.http(path, &[]).await;
        assert_eq!(answer.head.get("strict-transport-security"), Some("max-age=31536000"), "{path}");
    }
}

#[tokio::test]
async fn a_page_runs_only_its_own_scripts() {
    let gateway = TestGateway::start().await;
    let mut nonces = BTreeSet::new();
    for path in ["GET /", "GET /", "GET /devices", "GET /no/such/page"] {
        let page = gateway.http(path, &["accept: text/html"]).await;
        let policy = page.head.get("content-security-policy").unwrap();
        for forbidden in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "*"] {
            assert!(!policy.contains(forbidden), "{path} {policy}");
        }
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert!(page.body.contains(&format!("nonce=\"{nonce}\"")), "{path}");
        for script in page.body.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(nonce), "{path}: <script{tag}>");
        }
        assert!(!page.body.contains(" style=\"") && !page.body.contains(" onclick="), "{path}");
        nonces.insert(nonce.to_owned());
    }
    assert_eq!(nonces.len(), 4, "no nonce is used twice");
}

#[tokio::test]
async fn probes_say_whether_it_lives_and_whether_it_can_decide() {
    let gateway = TestGateway::start().await;
    let rows = [
        ("/health", json!({"ok": true, "status": "live"})),
        ("/healthz", json!({"ok": true, "status": "live"})),
        ("/ready", json!({"ready": true})),
        ("/readyz", json!({"ready": true})),
    ];
    for (path, expected) in rows {
        let answer = gateway.http(&format!("GET {path}"), &[]).await;
        assert_eq!((answer.status, answer.head.get("cache-control")), (200, Some("no-store")));
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), expected, "{path}");
        let head = gateway.http(&format!("HEAD {path}"), &[]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(gateway.http(&format!("POST {path}"), &["content-length: 0"]).await.status, 405);
    }
    gateway.state().store.close().await;
    let broken = gateway.http("GET /readyz", &[]).await;
    assert_eq!(broken.status, 503);
    assert_eq!(serde_json::from_str::<Value>(&broken.body).unwrap(), json!({"ready": false, "failing": ["store"]}));
    assert_eq!(gateway.http("GET /healthz", &[]).await.status, 200);
}
