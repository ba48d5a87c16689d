//! The owner of the machine: the owner socket, and the link for the owner's browser (wire.md §10.3–10.4).

use serde_json::{Value, json};
use server::state::Ending;

use crate::ask::{Ask, Key, OWNER_SCOPES};
use crate::client::{Client, Refused};
use crate::gateway::{TOKEN, TestGateway};

const TEN_MINUTES: u64 = 600_000;

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner
}

async fn link(gateway: &TestGateway) -> String {
    let link = owner(gateway).await.call("owner.link", json!({})).await.unwrap();
    link["bootstrapToken"].as_str().unwrap().to_owned()
}

fn browser(seed: u8, code: &str) -> Ask {
    Ask::page(&OWNER_SCOPES).device(&Key::new(seed)).auth("bootstrapToken", code)
}

async fn page(gateway: &TestGateway) -> Client {
    gateway.open(&[("origin", &format!("http://{}", gateway.address()))]).await
}

#[track_caller]
fn assert_invalid(refused: &Refused) {
    assert_eq!(refused.why(), "AUTH_BOOTSTRAP_TOKEN_INVALID", "{refused:?}");
    assert_eq!((refused.code, &refused.error["message"]), (1008, &json!(refused.reason)));
}

#[tokio::test]
async fn the_owner_needs_neither_secret_nor_pairing() {
    let gateway = TestGateway::start().await;
    let mut owner = gateway.owner().await;
    let hello = owner.enter(&Ask::cli(&["operator.admin"])).await;
    assert_eq!(hello["auth"], json!({"method": "owner", "role": "operator", "scopes": ["operator.admin"]}));
    let request_id =
        gateway.remote().await.refused(&Ask::cli(&[]).device(&Key::new(1)).token(TOKEN)).await.request_id();
    assert_eq!(owner.event("device.pair.requested").await["requestId"], request_id.as_str());
    let approved = owner.call("device.pair.approve", json!({"requestId": request_id})).await.unwrap();
    assert_eq!(approved["device"]["approvedVia"], "owner");
}

#[tokio::test]
async fn the_owner_asks_for_rights_as_anyone_and_is_no_node() {
    let gateway = TestGateway::start().await;
    let mut reader = gateway.owner().await;
    reader.enter(&Ask::cli(&["operator.read"])).await;
    assert_eq!(reader.denied("device.pair.list", json!({})).await, "missing scope: operator.pairing");
    let refused = gateway.owner().await.refused(&Ask::node().device(&Key::new(1))).await;
    assert_eq!(refused.why(), "DEVICE_IDENTITY_REQUIRED");
}

#[tokio::test]
async fn a_link_is_made_only_over_the_owner_socket() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    assert_eq!(admin.denied("owner.link", json!({})).await, "unknown method: owner.link");
    let hello = gateway.local().await.enter(&Ask::admin()).await;
    let methods: Vec<Value> = hello["features"]["methods"].as_array().unwrap().clone();
    assert!(!methods.contains(&json!("owner.link")) && methods.contains(&json!("device.pair.approve")));

    let link = owner(&gateway).await.call("owner.link", json!({})).await.unwrap();
    assert_eq!(
        (&link["port"], &link["tls"], &link["host"]),
        (&json!(gateway.state().port), &json!(false), &json!("127.0.0.1"))
    );
    assert_eq!(link["expiresAtMs"], gateway.clock.now_ms() + TEN_MINUTES);
}

#[tokio::test]
async fn a_link_lets_one_browser_in_for_good() {
    let gateway = TestGateway::start().await;
    let code = link(&gateway).await;
    let auth = page(&gateway).await.enter(&browser(1, &code)).await["auth"].clone();
    assert_eq!((&auth["method"], &auth["scopes"]), (&json!("bootstrap-token"), &json!(OWNER_SCOPES)));
    let token = auth["deviceToken"].as_str().unwrap();
    assert_eq!(gateway.list().await["paired"][0]["approvedVia"], "bootstrap");

    for seed in [1, 2] {
        assert_invalid(&page(&gateway).await.refused(&browser(seed, &code)).await);
    }
    let again = Ask::page(&OWNER_SCOPES).device(&Key::new(1)).auth("deviceToken", token);
    page(&gateway).await.enter(&again).await;
}

#[tokio::test]
async fn a_page_that_has_to_be_loaded_anew_does_not_use_the_link_up() {
    let gateway = TestGateway::start().await;
    page(&gateway).await.enter(&browser(1, &link(&gateway).await)).await;
    let code = link(&gateway).await;
    let stale = browser(1, &code).client("buildId", "0.0.1");
    assert_eq!(page(&gateway).await.refused(&stale).await.why(), "PROTOCOL_MISMATCH");
    page(&gateway).await.enter(&browser(1, &code)).await;
}

#[tokio::test]
async fn a_link_belongs_to_the_first_device_that_shows_it() {
    let gateway = TestGateway::start().await;
    let code = link(&gateway).await;
    let stale = browser(1, &code).client("buildId", "0.0.1");
    assert_eq!(page(&gateway).await.refused(&stale).await.why(), "PROTOCOL_MISMATCH");
    assert_invalid(&page(&gateway).await.refused(&browser(2, &code)).await);
    page(&gateway).await.enter(&browser(1, &code)).await;
}

#[tokio::test]
async fn a_link_is_for_the_page_and_for_exactly_the_owners_scopes() {
    let gateway = TestGateway::start().await;
    let code = link(&gateway).await;
    let fewer = Ask::page(&OWNER_SCOPES[..6]).device(&Key::new(1)).auth("bootstrapToken", &code);
    assert_invalid(&page(&gateway).await.refused(&fewer).await);
    let mut more = OWNER_SCOPES.to_vec();
    more.push("operator.talk");
    let more = Ask::page(&more).device(&Key::new(1)).auth("bootstrapToken", &code);
    assert_invalid(&page(&gateway).await.refused(&more).await);
    let program = Ask::cli(&OWNER_SCOPES).device(&Key::new(1)).auth("bootstrapToken", &code);
    assert_invalid(&gateway.local().await.refused(&program).await);
    assert_eq!(gateway.list().await["paired"], json!([]));
    let mut reversed = OWNER_SCOPES;
    reversed.reverse();
    page(&gateway).await.enter(&Ask::page(&reversed).device(&Key::new(1)).auth("bootstrapToken", &code)).await;
}

#[tokio::test]
async fn a_link_is_good_for_ten_minutes() {
    let gateway = TestGateway::start().await;
    let (first, second) = (link(&gateway).await, link(&gateway).await);
    gateway.clock.advance_ms(TEN_MINUTES - 1);
    page(&gateway).await.enter(&browser(1, &first)).await;
    gateway.clock.advance_ms(1);
    assert_invalid(&page(&gateway).await.refused(&browser(2, &second)).await);
}

#[tokio::test]
async fn a_link_works_through_a_restart_and_from_far_away() {
    let gateway = TestGateway::start().await;
    let code = link(&gateway).await;
    let gateway = gateway.restart().await;
    let headers = [("x-forwarded-for", "192.0.2.2"), ("host", "box.ts.net"), ("origin", "https://box.ts.net")];
    gateway.open(&headers).await.enter(&browser(1, &code)).await;
    assert_eq!(gateway.list().await["paired"][0]["remoteIp"], "192.0.2.2");
}

#[tokio::test]
async fn of_two_browsers_with_one_link_one_gets_in() {
    let gateway = TestGateway::start().await;
    let code = link(&gateway).await;
    let (mut first, mut second) = (page(&gateway).await, page(&gateway).await);
    first.ask(&browser(1, &code)).await;
    second.ask(&browser(2, &code)).await;
    let answers = [first.next().await.text(), second.next().await.text()];
    let let_in = answers.iter().filter(|answer| answer["ok"] == true).count();
    assert_eq!((let_in, gateway.list().await["paired"].as_array().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn only_the_owner_ends_the_gateway() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    assert_eq!(admin.denied("owner.stop", json!({})).await, "unknown method: owner.stop");
    assert_eq!(*gateway.state().ending.borrow(), None);
    let mut owner = owner(&gateway).await;
    assert!(owner.denied("owner.stop", json!({"restart": 1})).await.starts_with("invalid owner.stop params"));
    let answer = owner.call("owner.stop", json!({"restart": true})).await.unwrap();
    assert_eq!(answer, json!({"pid": std::process::id(), "restarts": true}));
    assert_eq!(*gateway.state().ending.borrow(), Some(Ending::Restart));
    owner.call("owner.stop", json!({})).await.unwrap();
    assert_eq!(*gateway.state().ending.borrow(), Some(Ending::Stop));
}

#[tokio::test]
async fn status_tells_where_the_secret_comes_from_and_whom_it_let_in() {
    let gateway = TestGateway::start().await;
    let secret = |status: &Value| (status["gateway"]["authSource"].clone(), status["gateway"]["bySecret"].clone());
    let mut owner = owner(&gateway).await;
    assert_eq!(secret(&owner.call("status", json!({})).await.unwrap()), (json!("config"), json!(0)));
    let mut admin = gateway.admin().await;
    assert_eq!(secret(&admin.call("status", json!({})).await.unwrap()), (json!("config"), json!(1)));
    let exported = [("OPENCLAW_GATEWAY_TOKEN", "exported-token")];
    let gateway = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &exported).await;
    let mut other = gateway.owner().await;
    other.enter(&Ask::cli(&["operator.admin"])).await;
    assert_eq!(secret(&other.call("status", json!({})).await.unwrap()), (json!("env"), json!(0)));
}
