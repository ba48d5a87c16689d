//! Web Push and the owner's own address: who is told, of what, how often, and what a service that fails costs
//! (docs/protocol.md, "Notifications"; T-A15.1, AT-S5-07 in the list of pains).

use serde_json::{Value, json};

use crate::ask::{Ask, Key, OWNER_SCOPES};
use crate::client::Client;
use crate::gateway::{NOW, REMOTE, TOKEN, TestGateway};
use crate::push_service::{Delivered, PushService};

const LAN: &str = "192.168.1.7";

fn owner() -> Ask {
    Ask::cli(&OWNER_SCOPES).device(&Key::new(200))
}

fn phone(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed)).client("displayName", "Pixel 9")
}

/// A gateway that may push to this machine.
async fn gateway() -> TestGateway {
    with_notify(&json!({"allowPrivate": true})).await
}

async fn with_notify(notify: &Value) -> TestGateway {
    let settings = json!({"auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"], "notify": notify});
    TestGateway::start_with(&settings, &[]).await
}

/// The owner's page, let in before.
async fn page(gateway: &TestGateway) -> Client {
    let token = gateway.pair(&owner()).await;
    let mut page = gateway.remote().await;
    page.enter(&owner().auth("deviceToken", &token)).await;
    page
}

async fn subscribed(gateway: &TestGateway, service: &PushService) -> Client {
    let mut page = page(gateway).await;
    page.call("push.subscribe", service.subscription("owner")).await.unwrap();
    page
}

async fn key(page: &mut Client) -> String {
    page.call("push.key", json!({})).await.unwrap()["publicKey"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_is_pushed_sealed_and_signed_with_what_there_is_to_compare() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    let mut device = gateway.from(LAN).await;
    let pending = device.held(&phone(1)).await;

    let delivered = service.next().await;
    assert_eq!(delivered.path, "/owner");
    let fingerprint = &pending["fingerprint"]["emoji"];
    let emoji: Vec<&str> = fingerprint.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let expected = json!({
        "kind": "request", "requestId": pending["requestId"], "deviceId": Key::new(1).id(), "name": "Pixel 9",
        "emoji": emoji.join(" "), "address": LAN, "network": "lan", "expiresAtMs": NOW + 300_000,
    });
    assert_eq!(delivered.opened(), expected);
    assert_eq!((delivered.head.get("ttl"), delivered.head.get("urgency")), (Some("300"), Some("high")));
    let topic = delivered.head.get("topic").unwrap();
    assert!(topic.len() == 32 && !Key::new(1).id().contains(topic), "{topic}");
    let claims = delivered.claims(&key(&mut page).await);
    assert_eq!(claims["aud"], service.url("").trim_end_matches('/'));
    assert_eq!(claims["exp"], (NOW + 12 * 3_600_000) / 1000);
}

#[tokio::test]
async fn a_device_is_pushed_once_however_often_it_retries_and_again_after_it_was_decided_or_expired() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    let ask = phone(1).token(TOKEN);
    let first = gateway.from(LAN).await.refused(&ask).await.request_id();
    for _ in 0..5 {
        assert_eq!(gateway.from(LAN).await.refused(&ask).await.request_id(), first);
    }
    // It asks for more, which is another request of the same device.
    let wider = Ask::cli(&["operator.read", "operator.write"]).device(&Key::new(1)).token(TOKEN);
    let second = gateway.from(LAN).await.refused(&wider).await.request_id();
    assert_ne!(second, first);
    assert_eq!(service.next().await.opened()["requestId"], first);

    page.call("device.pair.reject", json!({"requestId": second})).await.unwrap();
    let third = gateway.from(LAN).await.refused(&ask).await.request_id();
    assert_eq!(service.next().await.opened()["requestId"], third);

    gateway.pass_ms(300_001).await;
    let fourth = gateway.from(LAN).await.refused(&ask).await.request_id();
    assert_eq!(service.next().await.opened()["requestId"], fourth);
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_crowd_is_told_of_together() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    subscribed(&gateway, &service).await;
    for seed in 1..=8 {
        gateway.from(&format!("192.168.1.{seed}")).await.refused(&phone(seed).token(TOKEN)).await;
    }
    // Pairing the owner's page was one of the six.
    for _ in 0..5 {
        assert_eq!(service.next().await.opened()["kind"], "request");
    }
    assert!(service.is_empty());
    gateway.pass_ms(60_000).await;
    assert_eq!(service.next().await.opened(), json!({"kind": "crowd", "count": 3}));
}

#[tokio::test]
async fn who_may_not_decide_any_more_is_not_told_any_more() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    let other = Ask::cli(&OWNER_SCOPES).device(&Key::new(201));
    let token = gateway.pair(&other).await;
    let mut second = gateway.remote().await;
    second.enter(&other.clone().auth("deviceToken", &token)).await;
    second.call("push.subscribe", service.subscription("second")).await.unwrap();
    let count = async |page: &mut Client| {
        let list = page.call("push.list", json!({})).await.unwrap();
        list["subscriptions"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut page).await, 2);
    while service.next().await.path != "/owner" {}

    let params = json!({"deviceId": Key::new(201).id(), "role": "operator"});
    page.call("device.token.revoke", params).await.unwrap();
    assert_eq!(count(&mut page).await, 1);
    for seed in [1, 2] {
        gateway.from(LAN).await.refused(&phone(seed).token(TOKEN)).await;
        assert_eq!(service.next().await.path, "/owner");
    }
    assert!(service.is_empty());

    gateway.admin().await.call("device.pair.remove", json!({"deviceId": Key::new(200).id()})).await.unwrap();
    assert_eq!(gateway.state().store.list_subscriptions().await.unwrap(), []);
}

#[tokio::test]
async fn subscriptions_outlive_a_restart_and_end_with_the_key() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    let before = key(&mut page).await;
    let gateway = gateway.restart().await;
    gateway.from(LAN).await.refused(&phone(1).token(TOKEN)).await;
    service.next().await.claims(&before);

    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner.call("owner.panic", json!({})).await.unwrap();
    assert_eq!(gateway.state().store.list_subscriptions().await.unwrap(), []);
    assert_ne!(key(&mut owner).await, before);
}

#[tokio::test]
async fn a_browser_that_is_gone_is_forgotten() {
    for status in [404, 410] {
        let (gateway, mut service) = (gateway().await, PushService::start().await);
        let mut page = subscribed(&gateway, &service).await;
        service.answer(status);
        let tested = page.call("push.test", json!({})).await.unwrap();
        assert_eq!(
            (&tested["results"][0]["ok"], &tested["results"][0]["service"]),
            (&json!(false), &json!("127.0.0.1"))
        );
        assert_eq!(service.next().await.opened(), json!({"kind": "test"}));
        let list = page.call("push.list", json!({})).await.unwrap();
        assert_eq!(list, json!({"subscriptions": []}), "{status}");
        let error = page.call("push.test", json!({})).await.unwrap_err();
        assert_eq!(error["details"]["code"], "PUSH_NOBODY");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_refusal_is_told() {
    let (gateway, mut service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    for status in [302, 307, 403] {
        service.answer(status);
        let tested = page.call("push.test", json!({})).await.unwrap();
        let said = tested["results"][0]["said"].as_str().unwrap();
        assert!(said.contains(&format!("HTTP status {status}")), "{said}");
        assert_eq!(service.next().await.path, "/owner");
    }
    assert!(service.is_empty());
}

#[tokio::test]
async fn nobody_can_make_the_gateway_send_to_this_machine_or_its_neighbours() {
    let gateway = TestGateway::start().await;
    let service = PushService::start().await;
    let mut page = page(&gateway).await;
    let mut refused = async |endpoint: &str| {
        let mut params = service.subscription("x");
        params["endpoint"] = endpoint.into();
        page.call("push.subscribe", params).await.unwrap_err()["details"]["code"].as_str().unwrap().to_owned()
    };
    let private = [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]:8443/x",
        "https://10.0.0.1/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.7/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://0.0.0.0/x",
    ];
    for endpoint in private {
        assert_eq!(refused(endpoint).await, "PUSH_ENDPOINT_PRIVATE", "{endpoint}");
    }
    for endpoint in [&service.url("x"), "http://push.example/x", "file:///etc/passwd", "https://a:b@push.example/", "x"]
    {
        assert_eq!(refused(endpoint).await, "PUSH_SUBSCRIPTION_INVALID", "{endpoint}");
    }
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_place_that_was_public_when_it_was_named_is_looked_at_again_before_anything_is_sent() {
    let (gateway, service) = (gateway().await, PushService::start().await);
    let mut page = subscribed(&gateway, &service).await;
    gateway.change(|config| config.notify.allow_private = false);
    let tested = page.call("push.test", json!({})).await.unwrap();
    assert!(tested["results"][0]["said"].as_str().unwrap().contains("where nothing may be sent"), "{tested}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn keys_that_make_no_sense_are_refused_and_a_device_has_four_subscriptions_at_most() {
    let (gateway, service) = (gateway().await, PushService::start().await);
    let mut page = page(&gateway).await;
    for (field, value) in [("auth", "c2hvcnQ"), ("p256dh", "BBBB"), ("p256dh", &"BBBB".repeat(22)[..87])] {
        let mut params = service.subscription("x");
        params[field] = value.into();
        let error = page.call("push.subscribe", params).await.unwrap_err();
        assert_eq!(error["details"]["code"], "PUSH_SUBSCRIPTION_INVALID", "{field}");
    }
    for name in ["a", "b", "c", "d", "e", "e"] {
        page.call("push.subscribe", service.subscription(name)).await.unwrap();
    }
    let list = page.call("push.list", json!({})).await.unwrap();
    let endpoints: Vec<&str> =
        list["subscriptions"].as_array().unwrap().iter().map(|one| one["endpoint"].as_str().unwrap()).collect();
    assert_eq!(endpoints, ["e", "d", "c", "b"].map(|name| service.url(name)));
    let endpoint = json!({"endpoint": service.url("e")});
    let removed = page.call("push.unsubscribe", endpoint.clone()).await.unwrap();
    assert_eq!(removed, json!({"removed": true}));
    assert_eq!(page.call("push.unsubscribe", endpoint).await.unwrap(), json!({"removed": false}));
}

#[tokio::test]
async fn who_has_no_device_or_sees_only_itself_is_not_told() {
    let (gateway, service) = (gateway().await, PushService::start().await);
    let code = async |client: &mut Client| {
        let error = client.call("push.subscribe", service.subscription("x")).await.unwrap_err();
        error["details"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&mut gateway.admin().await).await, "PUSH_NEEDS_DEVICE");
    let helper = Ask::cli(&["operator.pairing", "operator.read"]).device(&Key::new(5));
    let token = gateway.pair(&helper).await;
    let mut confined = gateway.remote().await;
    confined.enter(&helper.clone().auth("deviceToken", &token)).await;
    assert_eq!(code(&mut confined).await, "PUSH_DENIED");
    let reader = Ask::cli(&["operator.read"]).device(&Key::new(6));
    let token = gateway.pair(&reader).await;
    let mut reading = gateway.remote().await;
    reading.enter(&reader.clone().auth("deviceToken", &token)).await;
    assert_eq!(code(&mut reading).await, "MISSING_SCOPE");

    // The owner's endpoint is the owner's business.
    let mut page = subscribed(&gateway, &service).await;
    let list = gateway.admin().await.call("push.list", json!({})).await.unwrap();
    assert_eq!(
        (&list["subscriptions"][0]["service"], &list["subscriptions"][0]["endpoint"]),
        (&json!("127.0.0.1"), &Value::Null)
    );
    assert_eq!(confined.call("push.list", json!({})).await.unwrap(), json!({"subscriptions": []}));
    let endpoint = json!({"endpoint": service.url("owner")});
    assert_eq!(confined.call("push.unsubscribe", endpoint).await.unwrap(), json!({"removed": false}));
    assert_eq!(page.call("push.list", json!({})).await.unwrap()["subscriptions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_push_service_that_never_answers_holds_nobody_up() {
    let gateway = gateway().await;
    // It accepts and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = PushService::start().await;
    let mut page = page(&gateway).await;
    let mut params = service.subscription("x");
    params["endpoint"] = format!("http://{}/x", silent.local_addr().unwrap()).into();
    page.call("push.subscribe", params).await.unwrap();
    let test = page.begin("push.test", json!({})).await;
    let (_held, _) = silent.accept().await.unwrap();
    let mut device = gateway.from(LAN).await;
    let pending = device.held(&phone(1)).await;
    page.call("device.pair.approve", json!({"requestId": pending["requestId"]})).await.unwrap();
    let hello = device.response("c1").await;
    assert_eq!(hello["ok"], true);
    assert!(page.is_open().await, "the test that is under way holds up no other call");
    drop(test);
}

fn header<'a>(delivered: &'a Delivered, name: &str) -> &'a str {
    delivered.head.get(name).unwrap_or_default()
}

#[tokio::test]
async fn the_owners_own_address_is_told_as_json_with_a_link() {
    let mut service = PushService::start().await;
    let gateway = with_notify(&json!({"url": service.url("hook"), "token": "tk_hidden"})).await;
    gateway.change(|config| config.public_url = Some("https://gw.example".to_owned()));
    let mut device = gateway.from(LAN).await;
    let pending = device.held(&phone(1)).await;
    let delivered = service.next().await;
    assert_eq!(delivered.path, "/hook");
    assert_eq!(header(&delivered, "authorization"), "Bearer tk_hidden");
    let told = delivered.json();
    let request_id = pending["requestId"].as_str().unwrap();
    assert_eq!((&told["kind"], &told["requestId"]), (&json!("request"), &json!(request_id)));
    assert_eq!((&told["title"], &told["network"]), (&json!("Pixel 9 wants in"), &json!("lan")));
    assert_eq!(told["link"], format!("https://gw.example/devices#request-{request_id}"));
    for secret in [TOKEN, "tk_hidden", "digest"] {
        assert!(!told.to_string().contains(secret), "{told}");
    }
}

#[tokio::test]
async fn the_owners_own_address_is_told_as_ntfy_wants_it_and_the_settings_are_live() {
    let mut service = PushService::start().await;
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    assert_eq!(admin.call("push.test", json!({"target": "url"})).await.unwrap_err()["details"]["code"], "PUSH_NOBODY");
    let hash = admin.call("config.get", json!({})).await.unwrap()["hash"].clone();
    let notify = json!({"url": service.url("topic"), "format": "ntfy", "token": "tk_hidden"});
    let patch = json!({"raw": json!({"gateway": {"notify": notify}}).to_string(), "baseHash": hash});
    admin.call("config.patch", patch).await.unwrap();
    let shown = admin.call("config.get", json!({})).await.unwrap();
    assert!(!shown.to_string().contains("tk_hidden"), "{shown}");
    let list = admin.call("push.list", json!({})).await.unwrap();
    assert_eq!(list["url"], json!({"host": "127.0.0.1", "format": "ntfy"}));

    gateway.from(REMOTE).await.refused(&phone(1).client("displayName", "Zoë\u{202e} phone").token(TOKEN)).await;
    let delivered = service.next().await;
    // The character that would turn the text around is seen as replaced: "Zoë� phone wants in".
    assert_eq!(header(&delivered, "title"), "=?UTF-8?B?Wm/Dq++/vSBwaG9uZSB3YW50cyBpbg==?=");
    assert_eq!((header(&delivered, "priority"), header(&delivered, "tags")), ("high", "closed_lock_with_key"));
    let text = String::from_utf8(delivered.body).unwrap();
    assert!(text.ends_with("\n192.0.2.2 (Public)"), "{text}");

    let tested = admin.call("push.test", json!({"target": "url"})).await.unwrap();
    assert_eq!(
        tested["results"],
        json!([{"service": "127.0.0.1", "ok": true, "said": "it was taken (HTTP status 201)"}])
    );
    assert_eq!(header(&service.next().await, "title"), "A test from your gateway");
}

#[tokio::test]
async fn an_address_that_fails_for_a_moment_is_tried_again() {
    let mut service = PushService::start().await;
    let gateway = with_notify(&json!({"url": service.url("hook")})).await;
    service.answer(503);
    let mut device = gateway.from(LAN).await;
    device.held(&phone(1)).await;
    let first = service.next().await.json();
    service.answer(200);
    assert_eq!(service.next().await.json(), first);
}
