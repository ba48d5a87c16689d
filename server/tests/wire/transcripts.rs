//! The recorded sessions of the reference (OpenClaw 2026.9.6), played against us. The recordings are cut
//! to what is compared: without plugin, health and presence chatter, and with hellos reduced to `auth`.

use serde_json::json;

use crate::gateway::{TOKEN, TestGateway};
use crate::replay::Replay;

/// A token, and only this machine.
async fn a() -> TestGateway {
    TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &[]).await
}

/// A token, and clients from far away.
async fn b() -> TestGateway {
    let settings = json!({"auth": {"token": "wire-token-B-0123456789abcdef"}, "trustedProxies": ["127.0.0.1"]});
    TestGateway::start_with(&settings, &[]).await
}

/// A password, and nobody let in without asking.
async fn c() -> TestGateway {
    let settings = json!({
        "auth": {"mode": "password", "password": "wire-pass-C-0123456789abcdef"},
        "nodes": {"pairing": {"autoApproveLocal": false}},
    });
    TestGateway::start_with(&settings, &[]).await
}

#[tokio::test]
async fn failed_handshakes_end_as_recorded() {
    let recording = include_str!("../data/transcripts/raw-failures-handshake.jsonl");
    assert_eq!(Replay::new(vec![("A", a().await)]).play(recording).await, 42);
}

#[tokio::test]
async fn pairings_live_as_recorded() {
    let recording = include_str!("../data/transcripts/raw-pairing-lifecycle.jsonl");
    let gateways = vec![("A", a().await), ("B", b().await), ("C", c().await)];
    assert_eq!(Replay::new(gateways).play(recording).await, 36);
}

#[tokio::test]
async fn a_page_from_far_away_asks_as_recorded() {
    let recording = include_str!("../data/transcripts/control-ui-remote-pairing.jsonl");
    assert_eq!(Replay::new(vec![("B", b().await)]).play(recording).await, 5);
}
