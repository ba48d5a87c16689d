//! Setup codes: what they hold, who may make them, and what they do for whom (wire.md §10.1–10.3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Refused};
use crate::gateway::{REMOTE, TOKEN, TestGateway};

const TEN_MINUTES: u64 = 600_000;
const URL: &str = "https://gw.example";

/// An admin that official clients are, and one of ours.
async fn ours(gateway: &TestGateway) -> Client {
    let mut admin = gateway.local().await;
    admin.enter(&Ask::admin().waiting()).await;
    admin
}

async fn make(gateway: &TestGateway, mut params: Value) -> Value {
    if params.get("publicUrl").is_none() {
        params["publicUrl"] = URL.into();
    }
    gateway.admin().await.call("device.pair.setupCode", params).await.unwrap()
}

/// What a code holds, read by hand.
fn payload(made: &Value) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(made["setupCode"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn token(made: &Value) -> String {
    payload(made)["bootstrapToken"].as_str().unwrap().to_owned()
}

fn iphone(seed: u8, code: &str) -> Ask {
    Ask::node()
        .client("id", "openclaw-ios")
        .client("platform", "iOS 18.4.0")
        .client("deviceFamily", "iPhone")
        .client("displayName", "Peter iPhone")
        .device(&Key::new(seed))
        .auth("bootstrapToken", code)
}

fn node(seed: u8, code: &str) -> Ask {
    Ask::node().device(&Key::new(seed)).auth("bootstrapToken", code)
}

#[track_caller]
fn assert_invalid(refused: &Refused) {
    assert_eq!(refused.why(), "AUTH_BOOTSTRAP_TOKEN_INVALID", "{refused:?}");
}

#[tokio::test]
async fn a_code_holds_an_address_and_a_ticket_and_no_secret() {
    let gateway = TestGateway::start().await;
    let made = make(&gateway, json!({})).await;
    let expires_at_ms = gateway.clock.now_ms() + TEN_MINUTES;
    let ticket = token(&made);
    assert_eq!(ticket.len(), 43);
    assert_eq!(
        payload(&made),
        json!({"url": "wss://gw.example", "bootstrapToken": ticket, "expiresAtMs": expires_at_ms})
    );
    assert!(made["qrDataUrl"].as_str().unwrap().starts_with("data:image/png;base64,iVBORw0KGgo"));
    let fields: Vec<&String> = made.as_object().unwrap().keys().collect();
    let recorded = ["setupId", "expiresAtMs", "setupCode", "qrDataUrl", "gatewayUrl", "auth", "urlSource", "access"];
    assert!(fields.len() == recorded.len() && recorded.iter().all(|name| made.get(name).is_some()), "{fields:?}");
    assert_eq!((&made["auth"], &made["access"]), (&json!("token"), &json!("full")));
    assert!(!made.to_string().contains(TOKEN));
    assert_ne!(make(&gateway, json!({"includeQr": false})).await["setupCode"], made["setupCode"]);
}

#[tokio::test]
async fn our_own_clients_get_what_they_can_draw_and_a_link_for_a_camera() {
    let gateway = TestGateway::start().await;
    let mut admin = ours(&gateway).await;
    let asked = json!({"publicUrl": "https://gw.example/claw/", "bootstrapProfile": "limited"});
    let made = admin.call("device.pair.setupCode", asked).await.unwrap();
    assert!(made["qrSvgPath"].as_str().unwrap().starts_with('M') && made["qrSize"].as_u64().unwrap() > 29);
    let link = format!("https://gw.example/claw/#bootstrapToken={}&bootstrapProfile=limited", token(&made));
    assert_eq!(made["page"]["url"], link);
    assert!(made["page"]["qrSvgPath"].as_str().unwrap().starts_with('M'));
    let plain = admin.call("device.pair.setupCode", json!({"publicUrl": "http://10.0.0.7"})).await.unwrap();
    assert!(plain.get("page").is_none() && plain["qrSize"].is_u64());
}

#[tokio::test]
async fn one_code_sets_a_phone_up_for_good() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let made = make(&gateway, json!({})).await;
    let status = json!({"setupId": made["setupId"]});
    assert_eq!(admin.call("device.pair.setupStatus", status.clone()).await.unwrap(), json!({}));

    let auth = gateway.remote().await.enter(&iphone(1, &token(&made))).await["auth"].clone();
    let now_ms = gateway.clock.now_ms();
    assert_eq!(
        (&auth["method"], &auth["role"], &auth["scopes"], &auth["issuedAtMs"]),
        (&json!("bootstrap-token"), &json!("node"), &json!([]), &json!(now_ms))
    );
    let scopes = json!([
        "operator.admin",
        "operator.approvals",
        "operator.questions",
        "operator.read",
        "operator.talk.secrets",
        "operator.write"
    ]);
    let [given] = auth["deviceTokens"].as_array().unwrap().as_slice() else { panic!("{auth}") };
    let operator_token = given["deviceToken"].as_str().unwrap();
    assert_eq!(
        given,
        &json!({"deviceToken": operator_token, "role": "operator", "scopes": scopes, "issuedAtMs": now_ms})
    );
    assert_ne!(auth["deviceToken"], operator_token);

    let completed = json!({
        "setupId": made["setupId"], "deviceId": Key::new(1).id(), "deviceName": "Peter iPhone", "access": "full",
        "ts": now_ms,
    });
    assert_eq!(admin.event("device.pair.setup.completed").await, completed);
    let told = admin.call("device.pair.setupStatus", status).await.unwrap();
    assert_eq!(told, json!({"completion": completed}));

    // Nothing is left to approve, for neither of its two connections.
    assert_eq!(gateway.list().await["pending"], json!([]));
    let operator = iphone(1, "").param("role", "operator".into()).param("scopes", scopes.clone());
    let operator = operator.param("auth", json!({"deviceToken": operator_token}));
    assert_eq!(gateway.remote().await.enter(&operator).await["auth"]["scopes"], scopes);
    let as_node = iphone(1, "").param("auth", json!({"deviceToken": auth["deviceToken"]}));
    gateway.remote().await.enter(&as_node).await;
    for seed in [1, 2] {
        assert_invalid(&gateway.remote().await.refused(&iphone(seed, &token(&made))).await);
    }
}

#[tokio::test]
async fn what_others_can_listen_to_gives_no_admin_rights() {
    let gateway = TestGateway::start().await;
    let made = make(&gateway, json!({"publicUrl": "ws://192.168.1.5:18789"})).await;
    assert_eq!((&made["access"], &made["accessDowngraded"]), (&json!("limited"), &json!(true)));
    let auth = gateway.remote().await.enter(&iphone(1, &token(&made))).await["auth"].clone();
    assert!(!auth["deviceTokens"].to_string().contains("operator.admin"), "{auth}");
    let near = make(&gateway, json!({"publicUrl": "ws://127.0.0.1:18789"})).await;
    assert_eq!((&near["access"], near.get("accessDowngraded")), (&json!("full"), None));
    let node = make(&gateway, json!({"publicUrl": "ws://192.168.1.5:18789", "bootstrapProfile": "node"})).await;
    assert_eq!((&node["access"], node.get("accessDowngraded")), (&json!("node"), None));
}

#[tokio::test]
async fn another_program_with_a_code_waits_for_a_person_and_the_code_waits_with_it() {
    let gateway = TestGateway::start().await;
    let made = make(&gateway, json!({"bootstrapProfile": "limited"})).await;
    let code = token(&made);
    let refused = gateway.remote().await.refused(&node(1, &code)).await;
    assert_eq!(refused.why(), "PAIRING_REQUIRED");
    let details = &refused.error["details"];
    assert_eq!(
        (&details["recommendedNextStep"], &details["retryable"], &details["pauseReconnect"]),
        (&json!("wait_then_retry"), &json!(true), &json!(false))
    );
    // It is bound to that device and role now.
    assert_invalid(&gateway.remote().await.refused(&node(2, &code)).await);
    let operator = Ask::cli(&["operator.read"]).device(&Key::new(1)).auth("bootstrapToken", &code);
    assert_invalid(&gateway.remote().await.refused(&operator).await);
    let pending = gateway.list().await["pending"].clone();
    assert_eq!((pending.as_array().unwrap().len(), &pending[0]["roles"]), (1, &json!(["node"])));

    gateway.approve(&refused.request_id()).await;
    let auth = gateway.remote().await.enter(&node(1, &code)).await["auth"].clone();
    assert_eq!((&auth["method"], auth.get("deviceTokens")), (&json!("bootstrap-token"), None));
    assert_invalid(&gateway.remote().await.refused(&node(1, &code)).await);
}

#[tokio::test]
async fn a_no_takes_the_code_away_too() {
    let gateway = TestGateway::start().await;
    let code = token(&make(&gateway, json!({"bootstrapProfile": "limited"})).await);
    let request_id = gateway.remote().await.refused(&node(1, &code)).await.request_id();
    gateway.admin().await.call("device.pair.reject", json!({"requestId": request_id})).await.unwrap();
    assert_invalid(&gateway.remote().await.refused(&node(1, &code)).await);
    assert_eq!(gateway.list().await["pending"], json!([]));
}

#[tokio::test]
async fn a_phones_browser_gets_in_by_the_link_and_for_no_more_than_it_gives() {
    let gateway = TestGateway::start().await;
    let code = token(&make(&gateway, json!({"bootstrapProfile": "limited"})).await);
    let page = async || {
        let headers = [("x-forwarded-for", REMOTE), ("host", "gw.example"), ("origin", URL)];
        gateway.open(&headers).await
    };
    let asks = |scopes: &[&str]| Ask::page(scopes).device(&Key::new(1)).auth("bootstrapToken", &code);
    assert_invalid(&page().await.refused(&asks(&["operator.admin"])).await);
    assert_invalid(&page().await.refused(&asks(&["operator.pairing"])).await);
    let auth = page().await.enter(&asks(&["operator.read", "operator.write"])).await["auth"].clone();
    assert_eq!((&auth["scopes"], auth.get("deviceTokens")), (&json!(["operator.read", "operator.write"]), None));
    let paired = gateway.list().await["paired"][0].clone();
    assert_eq!((&paired["roles"], &paired["approvedVia"]), (&json!(["operator"]), &json!("bootstrap")));
}

#[tokio::test]
async fn only_admins_make_codes_and_only_so_many() {
    let gateway = TestGateway::start().await;
    let hello = gateway.local().await.enter(&Ask::admin()).await;
    let methods = hello["features"]["methods"].as_array().unwrap();
    assert!(!methods.iter().any(|name| name.as_str().unwrap().contains("setup")));
    for scope in ["operator.read", "operator.write", "operator.pairing", "operator.approvals"] {
        let mut caller = gateway.local().await;
        caller.enter(&Ask::cli(&[scope]).token(TOKEN)).await;
        for (method, params) in
            [("device.pair.setupCode", json!({"publicUrl": URL})), ("device.pair.setupStatus", json!({"setupId": "x"}))]
        {
            assert_eq!(caller.denied(method, params).await, "missing scope: operator.admin");
        }
    }
    let mut admin = gateway.admin().await;
    let asked = json!({"publicUrl": URL, "includeQr": false});
    for _ in 0..30 {
        admin.call("device.pair.setupCode", asked.clone()).await.unwrap();
    }
    let error = admin.call("device.pair.setupCode", asked.clone()).await.unwrap_err();
    assert_eq!((&error["details"]["code"], &error["retryAfterMs"]), (&json!("TOO_MANY_SETUP_CODES"), &json!(60_000)));
    gateway.clock.advance_ms(60_000);
    admin.call("device.pair.setupCode", asked).await.unwrap();
}

#[tokio::test]
async fn without_a_reachable_address_it_says_what_to_set() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let error = admin.call("device.pair.setupCode", json!({})).await.unwrap_err();
    assert_eq!((&error["code"], &error["details"]["code"]), (&json!("INVALID_REQUEST"), &json!("SETUP_URL_UNKNOWN")));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("gateway.bind=lan") && message.contains("device-pair.config.publicUrl"), "{message}");
    gateway.change(|config| config.public_url = Some("http://127.0.0.1:38789/".to_owned()));
    let made = admin.call("device.pair.setupCode", json!({})).await.unwrap();
    assert_eq!(made["gatewayUrl"], "ws://127.0.0.1:38789");
    assert_eq!(made["urlSource"], "plugins.entries.device-pair.config.publicUrl");
}

#[tokio::test]
async fn parameters_are_refused_as_recorded() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    for (params, expected) in [
        (
            json!({"bootstrapProfile": "full"}),
            "invalid device.pair.setupCode params: at /bootstrapProfile: must be equal to one of the allowed values",
        ),
        (json!({"joinUrl": false}), "invalid device.pair.setupCode params: at /joinUrl: must be equal to constant"),
        (json!({"bootstrapProfile": "limited", "joinUrl": true}), "Join URLs require bootstrapProfile=node."),
    ] {
        assert_eq!(admin.denied("device.pair.setupCode", params).await, expected);
    }
    assert_eq!(admin.call("device.pair.setupStatus", json!({"setupId": "zzz"})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn of_two_phones_with_one_code_one_gets_in() {
    let gateway = TestGateway::start().await;
    let code = token(&make(&gateway, json!({})).await);
    let (mut first, mut second) = (gateway.remote().await, gateway.remote().await);
    first.ask(&iphone(1, &code)).await;
    second.ask(&iphone(2, &code)).await;
    let answers = [first.next().await.text(), second.next().await.text()];
    let let_in = answers.iter().filter(|answer| answer["ok"] == true).count();
    assert_eq!((let_in, gateway.list().await["paired"].as_array().unwrap().len()), (1, 1));
}
