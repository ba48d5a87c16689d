//! Who guesses too often is locked out, and who does not is not (wire.md §4.5).

use std::time::{Duration, Instant};

use serde_json::json;

use crate::ask::{Ask, Key};
use crate::gateway::{TOKEN, TestGateway};

fn cli() -> Ask {
    Ask::cli(&["operator.read"])
}

async fn fail(gateway: &TestGateway, headers: &[(&str, &str)], times: usize) {
    for _ in 0..times {
        assert_eq!(gateway.open(headers).await.refused(&cli().token("wrong")).await.why(), "AUTH_TOKEN_MISMATCH");
    }
}

#[tokio::test]
async fn ten_wrong_secrets_lock_an_address_out_even_with_the_right_one() {
    let gateway = TestGateway::start().await;
    let far = [("x-forwarded-for", "192.0.2.2")];
    fail(&gateway, &far, 10).await;
    gateway.clock.advance_ms(25);
    for secret in ["wrong", TOKEN] {
        let refused = gateway.open(&far).await.refused(&cli().token(secret)).await;
        let expected = json!({
            "code": "INVALID_REQUEST",
            "message": "unauthorized: too many failed authentication attempts (retry later)",
            "retryable": true, "retryAfterMs": 299_975,
            "details": {
                "code": "AUTH_RATE_LIMITED", "authReason": "rate_limited", "canRetryWithDeviceToken": false,
                "recommendedNextStep": "wait_then_retry",
            },
        });
        assert_eq!(refused.error, expected);
    }
    gateway.from("192.0.2.3").await.enter(&cli().token(TOKEN)).await;
    gateway.local().await.enter(&cli().token(TOKEN)).await;

    gateway.clock.advance_ms(299_974);
    assert_eq!(gateway.open(&far).await.refused(&cli().token(TOKEN)).await.why(), "AUTH_RATE_LIMITED");
    gateway.clock.advance_ms(1);
    gateway.open(&far).await.enter(&cli().token(TOKEN)).await;
}

#[tokio::test]
async fn a_locked_address_does_not_keep_its_paired_devices_out() {
    let gateway = TestGateway::start().await;
    let device = cli().device(&Key::new(1));
    let token = gateway.pair(&device).await;
    fail(&gateway, &[("x-forwarded-for", "192.0.2.2")], 10).await;
    let asks = [
        device.clone().auth("deviceToken", &token),
        device.clone().token(&token),
        device.clone().token("wrong").auth("deviceToken", &token),
        device.clone().waiting(),
    ];
    for ask in asks {
        gateway.remote().await.enter(&ask).await;
    }
    let official = gateway.remote().await.refused(&device.token(TOKEN)).await;
    assert_eq!(official.why(), "AUTH_RATE_LIMITED");
}

#[tokio::test]
async fn only_wrong_secrets_in_a_row_and_within_a_minute_count() {
    let gateway = TestGateway::start().await;
    let far = [("x-forwarded-for", "192.0.2.2")];
    fail(&gateway, &far, 9).await;
    gateway.open(&far).await.enter(&cli().token(TOKEN)).await;
    fail(&gateway, &far, 9).await;
    gateway.clock.advance_ms(60_000);
    fail(&gateway, &far, 9).await;
    for _ in 0..3 {
        let missing = gateway.open(&far).await.refused(&cli().device(&Key::new(1))).await;
        assert_eq!(missing.why(), "AUTH_TOKEN_MISSING");
    }
    gateway.open(&far).await.enter(&cli().token(TOKEN)).await;
}

#[tokio::test]
async fn a_wrong_device_token_locks_only_device_tokens() {
    let gateway = TestGateway::start().await;
    let device = cli().device(&Key::new(1));
    let good = gateway.pair(&device).await;
    let wrong = device.clone().auth("deviceToken", "wrong");
    for _ in 0..10 {
        assert_eq!(gateway.remote().await.refused(&wrong).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    }
    assert_eq!(gateway.remote().await.refused(&wrong).await.why(), "AUTH_RATE_LIMITED");
    gateway.remote().await.enter(&device.clone().token(TOKEN)).await;
    gateway.remote().await.enter(&device.auth("deviceToken", &good)).await;
}

#[tokio::test]
async fn this_machine_is_answered_more_slowly_instead() {
    let gateway = TestGateway::start().await;
    for delay_ms in [250, 500] {
        let asked = Instant::now();
        fail(&gateway, &[], 1).await;
        assert!(asked.elapsed() >= Duration::from_millis(delay_ms), "{:?}", asked.elapsed());
    }
    gateway.local().await.enter(&cli().token(TOKEN)).await;
    let asked = Instant::now();
    fail(&gateway, &[("x-forwarded-for", "192.0.2.2")], 3).await;
    assert!(asked.elapsed() < Duration::from_millis(750), "others are locked out, not slowed down");
}

#[tokio::test]
async fn a_page_on_this_machine_is_locked_out_by_itself() {
    let gateway = TestGateway::start().await;
    let (bad, good) = ([("origin", "http://localhost:3000")], [("origin", "http://localhost:4000")]);
    fail(&gateway, &bad, 10).await;
    assert_eq!(gateway.open(&bad).await.refused(&cli().token(TOKEN)).await.why(), "AUTH_RATE_LIMITED");
    gateway.open(&good).await.enter(&cli().token(TOKEN)).await;
    gateway.local().await.enter(&cli().token(TOKEN)).await;
}

#[tokio::test]
async fn wrong_links_are_counted_too() {
    let gateway = TestGateway::start().await;
    let guess = Ask::page(&["operator.admin"]).device(&Key::new(1)).auth("bootstrapToken", "guess");
    let origin = format!("http://{}", gateway.address());
    let headers = [("x-forwarded-for", "192.168.1.7"), ("origin", origin.as_str())];
    for _ in 0..10 {
        assert_eq!(gateway.open(&headers).await.refused(&guess).await.why(), "AUTH_BOOTSTRAP_TOKEN_INVALID");
    }
    assert_eq!(gateway.open(&headers).await.refused(&guess).await.why(), "AUTH_RATE_LIMITED");
}
