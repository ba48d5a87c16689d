//! Which credential lets whom in, and what is said to the others (wire.md §3.3, §4.1–4.3).

use serde_json::{Value, json};

use crate::ask::{Ask, Key, Version};
use crate::client::Frame;
use crate::gateway::{TOKEN, TestGateway};

const PASSWORD: &str = "wire-pass-C-0123456789abcdef";

async fn with_password() -> TestGateway {
    let settings = json!({"auth": {"mode": "password", "password": PASSWORD}, "trustedProxies": ["127.0.0.1"]});
    TestGateway::start_with(&settings, &[]).await
}

fn cli() -> Ask {
    Ask::cli(&["operator.read"])
}

#[tokio::test]
async fn the_secret_may_come_in_either_field_and_the_fitting_one_counts() {
    let rows = [
        (TestGateway::start().await, TOKEN, "token", "password"),
        (with_password().await, PASSWORD, "password", "token"),
    ];
    for (gateway, secret, mode, other) in rows {
        let asks = [
            cli().auth(mode, secret),
            cli().auth(other, secret),
            cli().auth(mode, secret).auth(other, "wrong"),
            cli().auth(mode, "").auth(other, secret),
        ];
        for ask in asks {
            let hello = gateway.local().await.enter(&ask).await;
            assert_eq!(hello["auth"], json!({"method": mode, "role": "operator", "scopes": ["operator.read"]}));
        }
        let refused = gateway.remote().await.refused(&cli().auth(mode, "wrong").auth(other, secret)).await;
        assert_eq!(refused.why(), format!("AUTH_{}_MISMATCH", mode.to_uppercase()));
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said_in_words_for_the_client() {
    let (token, password) = (TestGateway::start().await, with_password().await);
    let local = "use this gateway's gateway.auth.token or pair the device";
    let key = Key::new(1);
    let app = || cli().client("id", "openclaw-ios").client("mode", "ui");
    let rows = [
        (&token, true, cli().device(&key), "gateway token missing", local),
        (&token, true, cli().token("x"), "gateway token mismatch", local),
        (
            &token,
            false,
            cli().device(&key),
            "gateway token missing",
            "set gateway.remote.token to match gateway.auth.token",
        ),
        (&token, false, app().device(&key).token("x"), "gateway token mismatch", "provide gateway auth token"),
        (&password, true, cli().device(&key), "gateway password missing", "use this gateway's gateway.auth.password"),
        (
            &password,
            false,
            cli().token("x"),
            "gateway password mismatch",
            "set gateway.remote.password to match gateway.auth.password",
        ),
        (&password, false, app().device(&key), "gateway password missing", "provide gateway auth password"),
    ];
    for (gateway, is_local, ask, what, hint) in rows {
        let client = if is_local { gateway.local().await } else { gateway.remote().await };
        let refused = client.refused(&ask).await;
        let message = format!("unauthorized: {what} ({hint})");
        assert_eq!(refused.error["message"], message);
        assert_eq!((refused.code, refused.reason), (1008, message));
    }
}

#[tokio::test]
async fn only_a_device_that_sent_a_lone_token_is_told_to_try_its_own() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let rows = [
        (cli().token("x").device(&key), true),
        (cli().token("x"), false),
        (cli().token("x").auth("password", "x").device(&key), false),
        (cli().auth("password", "x").device(&key), false),
    ];
    for (ask, may_retry) in rows {
        let details = gateway.remote().await.refused(&ask).await.error["details"].clone();
        let next = if may_retry { "retry_with_device_token" } else { "update_auth_credentials" };
        let expected = json!({
            "code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch", "canRetryWithDeviceToken": may_retry,
            "recommendedNextStep": next,
        });
        assert_eq!(details, expected);
    }
}

#[tokio::test]
async fn a_device_token_is_good_in_its_own_field_in_the_other_and_beside_a_wrong_secret() {
    let gateway = TestGateway::start().await;
    let device = cli().device(&Key::new(1));
    let token = gateway.pair(&device).await;
    let asks = [
        device.clone().auth("deviceToken", &token),
        device.clone().token(&token),
        device.clone().token("bad").auth("deviceToken", &token),
    ];
    for ask in asks {
        let auth = gateway.remote().await.enter(&ask).await["auth"].clone();
        assert_eq!((&auth["method"], &auth["deviceToken"]), (&json!("device-token"), &json!(token)));
    }
    let hello = gateway.remote().await.enter(&device.token(TOKEN).auth("deviceToken", "bad")).await;
    assert_eq!(hello["auth"]["method"], "token");
}

#[tokio::test]
async fn a_device_token_is_worth_nothing_to_another_device_role_or_wish() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&cli().device(&Key::new(1))).await;
    let rows = [
        (cli().device(&Key::new(2)), "AUTH_DEVICE_TOKEN_MISMATCH"),
        (Ask::node().device(&Key::new(1)), "AUTH_DEVICE_TOKEN_MISMATCH"),
        (Ask::cli(&["operator.read", "operator.admin"]).device(&Key::new(1)), "AUTH_SCOPE_MISMATCH"),
    ];
    for (ask, why) in rows {
        assert_eq!(gateway.remote().await.refused(&ask.auth("deviceToken", &token)).await.why(), why);
    }
    let without_device = gateway.remote().await.refused(&cli().auth("deviceToken", &token)).await;
    assert_eq!(without_device.why(), "DEVICE_IDENTITY_REQUIRED");
}

#[tokio::test]
async fn without_a_device_the_secret_gives_rights_only_to_programs_of_this_machine() {
    let gateway = TestGateway::start().await;
    let backend = || Ask::cli(&["operator.admin"]).client("id", "gateway-client").client("mode", "backend");
    let test = || Ask::cli(&["operator.admin"]).client("id", "test").client("mode", "test");
    let all = json!(["operator.admin"]);
    let rows = [
        (Ask::cli(&["operator.admin"]), &all, &json!([])),
        (backend(), &all, &json!([])),
        (test(), &json!([]), &json!([])),
    ];
    for (ask, here, far_away) in rows {
        let ask = ask.token(TOKEN);
        assert_eq!(&gateway.local().await.enter(&ask).await["auth"]["scopes"], here);
        let auth = gateway.remote().await.enter(&ask).await["auth"].clone();
        assert_eq!((&auth["scopes"], auth.get("deviceToken")), (far_away, None));
        let origin = format!("http://{}", gateway.address());
        let from_a_page = gateway.open(&[("origin", &origin)]).await.enter(&ask).await;
        assert_eq!(from_a_page["auth"]["scopes"], json!([]), "a page is no program");
    }
    let node = gateway.local().await.refused(&Ask::node().token(TOKEN)).await;
    assert_eq!((node.why(), &node.error["code"]), ("DEVICE_IDENTITY_REQUIRED", &json!("NOT_PAIRED")));
    assert_eq!(gateway.local().await.refused(&cli()).await.why(), "DEVICE_IDENTITY_REQUIRED");
}

#[tokio::test]
async fn without_authentication_a_program_still_needs_a_device() {
    let gateway = TestGateway::start_with(&json!({"auth": {"mode": "none"}}), &[]).await;
    assert_eq!(gateway.local().await.refused(&cli()).await.why(), "DEVICE_IDENTITY_REQUIRED");
    let auth = gateway.local().await.enter(&cli().device(&Key::new(1))).await["auth"].clone();
    assert_eq!((&auth["method"], &auth["scopes"]), (&json!("none"), &json!(["operator.read"])));
    let backend = cli().client("id", "gateway-client").client("mode", "backend");
    assert_eq!(gateway.local().await.enter(&backend).await["auth"]["method"], "none");
}

#[tokio::test]
async fn the_proof_of_a_device_is_checked_before_its_secret() {
    type Change = fn(&mut Value);
    let gateway = TestGateway::start().await;
    let rows: [(Change, &str, &str); 8] = [
        (|p| p["device"]["id"] = "0".repeat(64).into(), "identity mismatch", "device-id-mismatch"),
        (|p| p["device"]["publicKey"] = "!!!!".into(), "identity mismatch", "device-id-mismatch"),
        (|p| later(p, -120_001), "signature expired", "device-signature-stale"),
        (|p| later(p, 120_001), "signature expired", "device-signature-stale"),
        (|p| p["device"]["nonce"] = "  ".into(), "nonce required", "device-nonce-missing"),
        (|p| p["device"]["nonce"] = "another".into(), "nonce mismatch", "device-nonce-mismatch"),
        (|p| p["device"]["signature"] = "AAAA".into(), "signature invalid", "device-signature"),
        (|p| p["scopes"] = json!(["operator.admin"]), "signature invalid", "device-signature"),
    ];
    for (change, what, reason) in rows {
        let mut client = gateway.remote().await;
        let mut request = cli().device(&Key::new(1)).token("wrong").request(&client.challenge);
        change(&mut request["params"]);
        client.say(&request).await;
        let refused = client.refusal().await;
        let message = format!("device {what}");
        assert_eq!(refused.error["message"], message);
        assert_eq!(refused.error["details"]["reason"], reason);
        assert_eq!((refused.code, refused.reason), (1008, message));
    }
}

/// Signs again with another time.
fn later(params: &mut Value, by_ms: i64) {
    params["device"]["signedAt"] = (params["device"]["signedAt"].as_i64().unwrap() + by_ms).into();
    params["device"]["signature"] = Key::new(1).sign(params, Version::V3).into();
}

#[tokio::test]
async fn signatures_of_both_versions_and_times_up_to_two_minutes_off_are_good() {
    let gateway = TestGateway::start().await;
    let changes: [fn(&mut Value); 4] = [
        |p| p["device"]["signature"] = Key::new(1).sign(p, Version::V2).into(),
        |p| later(p, -120_000),
        |p| later(p, 120_000),
        |p| p["device"]["nonce"] = format!(" {} ", p["device"]["nonce"].as_str().unwrap()).into(),
    ];
    for change in changes {
        let mut client = gateway.local().await;
        let mut request = cli().device(&Key::new(1)).token(TOKEN).request(&client.challenge);
        change(&mut request["params"]);
        client.say(&request).await;
        assert_eq!(client.next().await.text()["ok"], true);
    }
}

#[tokio::test]
async fn a_proof_is_good_on_its_own_socket_only() {
    let gateway = TestGateway::start().await;
    let (mut first, mut second) = (gateway.local().await, gateway.local().await);
    let request = cli().device(&Key::new(1)).token(TOKEN).request(&first.challenge);
    second.say(&request).await;
    assert_eq!(second.refusal().await.error["details"]["reason"], "device-nonce-mismatch");
    first.say(&request).await;
    assert_eq!(first.next().await.text()["ok"], true);
    assert!(matches!(second.ended().await, Frame::Gone));
}

#[tokio::test]
async fn a_page_needs_a_device_and_must_be_of_this_build() {
    let gateway = TestGateway::start().await;
    let origin = format!("http://{}", gateway.address());
    let page = || Ask::page(&["operator.read"]).token(TOKEN);
    let refused = gateway.open(&[("origin", &origin)]).await.refused(&page()).await;
    assert_eq!(refused.why(), "CONTROL_UI_DEVICE_IDENTITY_REQUIRED");
    let old = page().device(&Key::new(1)).client("buildId", "0.0.1-old");
    let refused = gateway.open(&[("origin", &origin)]).await.refused(&old).await;
    assert_eq!(refused.error["details"]["reloadRequired"], true);
    assert_eq!((&refused.error["code"], &refused.error["retryable"]), (&json!("UNAVAILABLE"), &json!(false)));
    let current = refused.error["details"]["gatewayBuildId"].as_str().unwrap();
    let hello = gateway.open(&[("origin", &origin)]).await.enter(&old.client("buildId", current)).await;
    assert_eq!(hello["auth"]["method"], "token");
}
