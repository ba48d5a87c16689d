//! What takes a passkey, and what does not pass for one (docs/protocol.md, "Step-up").

use serde_json::{Value, json};

use crate::ask::{Ask, Key, OWNER_SCOPES};
use crate::client::Client;
use crate::gateway::{REMOTE, TOKEN, TestGateway};
use crate::passkey::Authenticator;

const ORIGIN: &str = "https://gw.example.com";
const LAN: &str = "192.168.1.7";

/// The owner's page, which came through the proxy, with every right.
async fn page(gateway: &TestGateway, seed: u8, origin: &str) -> Client {
    let ask = Ask::cli(&["operator.admin"]).device(&Key::new(seed)).waiting();
    let host = origin.split("://").nth(1).unwrap();
    let headers = [("x-forwarded-for", LAN), ("host", host), ("origin", origin)];
    let mut page = gateway.open(&headers).await;
    page.ask(&ask).await;
    let first = page.next().await.text();
    if first["event"] == "device.pair.pending" {
        gateway.owner_approves(first["payload"]["requestId"].as_str().unwrap()).await;
        page.response("c1").await;
    }
    page
}

impl TestGateway {
    /// Approves over the owner socket, where nobody asks for a passkey.
    async fn owner_approves(&self, request_id: &str) {
        let mut owner = self.owner().await;
        owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
        owner.call("device.pair.approve", json!({"requestId": request_id})).await.unwrap();
    }
}

async fn register(page: &mut Client, authenticator: &Authenticator) -> Result<Value, Value> {
    let offer = page.call("passkey.begin", json!({})).await?;
    page.call("passkey.finish", authenticator.create(&offer)).await
}

/// A gateway with a passkey, the owner's page, and the authenticator.
async fn start() -> (TestGateway, Client, Authenticator) {
    let gateway = TestGateway::start().await;
    let mut page = page(&gateway, 1, ORIGIN).await;
    let authenticator = Authenticator::new(7, ORIGIN);
    register(&mut page, &authenticator).await.unwrap();
    (gateway, page, authenticator)
}

/// What a refusal asks to be proved.
fn purpose(refused: &Result<Value, Value>) -> Value {
    let error = refused.as_ref().unwrap_err();
    assert_eq!(error["details"]["code"], "STEP_UP_REQUIRED", "{error}");
    error["details"]["purpose"].clone()
}

async fn prove(page: &mut Client, authenticator: &mut Authenticator, purpose: &Value) -> Result<Value, Value> {
    let offer = page.call("stepUp.begin", json!({"purpose": purpose})).await?;
    let answer = authenticator.get(&offer);
    page.call("stepUp.finish", answer).await
}

fn code(result: &Result<Value, Value>) -> &str {
    result.as_ref().unwrap_err()["details"]["code"].as_str().unwrap()
}

/// A device that asks for these scopes from there. The result says how to approve it as it was displayed.
async fn knock(gateway: &TestGateway, seed: u8, address: &str, scopes: &[&str]) -> Value {
    let ask = Ask::cli(scopes).device(&Key::new(seed)).token(TOKEN);
    let request_id = gateway.from(address).await.refused(&ask).await.request_id();
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    let list = owner.call("device.pair.list", json!({})).await.unwrap();
    let pending = list["pending"].as_array().unwrap().iter().find(|one| one["requestId"] == request_id).unwrap();
    json!({"requestId": request_id, "digest": pending["evidence"]["digest"]})
}

async fn approve(page: &mut Client, request: &Value) -> Result<Value, Value> {
    page.call("device.pair.approve", request.clone()).await
}

#[tokio::test]
async fn an_admin_from_the_internet_takes_a_passkey_and_others_do_not() {
    let (gateway, mut page, mut authenticator) = start().await;
    let stranger = knock(&gateway, 2, REMOTE, &OWNER_SCOPES).await;
    let refused = approve(&mut page, &stranger).await;
    let purpose = purpose(&refused);
    assert_eq!(purpose, json!({"kind": "approve", "requestId": stranger["requestId"], "digest": stranger["digest"]}));
    prove(&mut page, &mut authenticator, &purpose).await.unwrap();
    approve(&mut page, &stranger).await.unwrap();

    for (seed, address, scopes) in [(3, LAN, &OWNER_SCOPES[..]), (4, REMOTE, &["operator.read"][..])] {
        let request = knock(&gateway, seed, address, scopes).await;
        approve(&mut page, &request).await.unwrap();
    }
    // Giving less than admin rights takes none either.
    let mut less = knock(&gateway, 5, REMOTE, &OWNER_SCOPES).await;
    less["scopes"] = json!(["operator.read"]);
    approve(&mut page, &less).await.unwrap();
}

#[tokio::test]
async fn without_a_passkey_nobody_is_locked_out_unless_the_owner_wants_that() {
    let gateway = TestGateway::start().await;
    let mut page = page(&gateway, 1, ORIGIN).await;
    let first = knock(&gateway, 2, REMOTE, &OWNER_SCOPES).await;
    assert_eq!(approve(&mut page, &first).await.unwrap()["passkeyAdvised"], true);
    let near = knock(&gateway, 9, LAN, &OWNER_SCOPES).await;
    assert_eq!(approve(&mut page, &near).await.unwrap().get("passkeyAdvised"), None);
    assert_eq!(page.call("config.secret", json!({})).await.unwrap()["secret"], TOKEN);
    gateway.change(|config| config.step_up = access::policy::StepUp::Always);
    let second = knock(&gateway, 3, LAN, &["operator.read"]).await;
    let refused = approve(&mut page, &second).await;
    assert_eq!(code(&refused), "STEP_UP_NO_PASSKEY");
    let mut authenticator = Authenticator::new(7, ORIGIN);
    register(&mut page, &authenticator).await.unwrap();
    let wanted = purpose(&approve(&mut page, &second).await);
    prove(&mut page, &mut authenticator, &wanted).await.unwrap();
    approve(&mut page, &second).await.unwrap();
    gateway.change(|config| config.step_up = access::policy::StepUp::Off);
    let third = knock(&gateway, 4, REMOTE, &OWNER_SCOPES).await;
    approve(&mut page, &third).await.unwrap();
}

#[tokio::test]
async fn the_secret_codes_settings_and_passkeys_themselves_take_one() {
    let (gateway, mut page, mut authenticator) = start().await;
    let hash = page.call("config.describe", json!({})).await.unwrap()["hash"].clone();
    let open = json!({"raw": "{gateway: {stepUp: 'off'}}", "baseHash": hash});
    let proxies = json!({"raw": "{gateway: {trustedProxies: ['127.0.0.1', '10.0.0.9']}}", "baseHash": hash});
    let token = json!({"raw": "{gateway: {auth: {token: 'one-that-a-thief-knows'}}}", "baseHash": hash});
    let calls = [
        ("config.secret", json!({})),
        ("device.pair.setupCode", json!({"publicUrl": "https://gw.example.com"})),
        ("config.patch", open),
        ("config.patch", proxies),
        ("config.patch", token),
        ("passkey.begin", json!({})),
        ("passkey.remove", json!({"id": authenticator.id()})),
    ];
    for (method, params) in &calls {
        let refused = page.call(method, params.clone()).await;
        purpose(&refused);
    }
    let harmless = json!({"raw": "{gateway: {notify: {format: 'ntfy'}}}", "baseHash": hash});
    page.call("config.patch", harmless).await.unwrap();
    let limited = json!({"publicUrl": "https://gw.example.com", "bootstrapProfile": "limited"});
    page.call("device.pair.setupCode", limited).await.unwrap();

    // Each of them is done with a proof, and takes another one the next time.
    for (method, params) in [&calls[0], &calls[1]] {
        let wanted = purpose(&page.call(method, params.clone()).await);
        prove(&mut page, &mut authenticator, &wanted).await.unwrap();
        page.call(method, params.clone()).await.unwrap();
        purpose(&page.call(method, params.clone()).await);
    }
    let wanted = purpose(&page.call("passkey.remove", calls[6].1.clone()).await);
    prove(&mut page, &mut authenticator, &wanted).await.unwrap();
    page.call("passkey.remove", calls[6].1.clone()).await.unwrap();
    assert_eq!(page.call("passkey.list", json!({})).await.unwrap()["passkeys"], json!([]));
    drop(gateway);
}

#[tokio::test]
async fn a_proof_for_one_thing_is_none_for_another_nor_on_another_connection() {
    let (gateway, mut page, mut authenticator) = start().await;
    let (first, second) =
        (knock(&gateway, 2, REMOTE, &OWNER_SCOPES).await, knock(&gateway, 3, REMOTE, &OWNER_SCOPES).await);
    let wanted = purpose(&approve(&mut page, &first).await);
    prove(&mut page, &mut authenticator, &wanted).await.unwrap();
    purpose(&approve(&mut page, &second).await);
    purpose(&page.call("config.secret", json!({})).await);

    // The same device on another socket has proved nothing.
    let mut twin = self::page(&gateway, 1, ORIGIN).await;
    purpose(&approve(&mut twin, &first).await);
    // And an answer to this socket's challenge is none on that one.
    let offer = page.call("stepUp.begin", json!({"purpose": wanted})).await.unwrap();
    let answer = authenticator.get(&offer);
    assert_eq!(code(&twin.call("stepUp.finish", answer.clone()).await), "STEP_UP_STALE");
    page.call("stepUp.finish", answer.clone()).await.unwrap();
    assert_eq!(code(&page.call("stepUp.finish", answer).await), "STEP_UP_STALE", "it was answered already");
    approve(&mut page, &first).await.unwrap();
}

/// Makes an authenticator, or the browser around it, do something wrong.
type Spoil = fn(&mut Authenticator);

#[tokio::test]
async fn what_does_not_pass_for_a_proof() {
    let (_gateway, mut page, authenticator) = start().await;
    let wanted = json!({"kind": "secret"});
    let rows: [(&str, Spoil); 5] = [
        ("another page was asked", |one| one.origin = "https://evil.example".to_owned()),
        ("another page was asked", |one| one.origin = "https://gw.example.com:444".to_owned()),
        ("it is for another host", |one| one.host = "example.com".to_owned()),
        ("the user was not verified", |one| one.flags = 0x01),
        ("nobody was there", |one| one.flags = 0x04),
    ];
    for (why, spoil) in rows {
        let mut spoilt = authenticator.clone();
        spoil(&mut spoilt);
        let error = prove(&mut page, &mut spoilt, &wanted).await.unwrap_err();
        assert_eq!(error["message"], format!("invalid passkey answer: {why}"));
    }
    // Signed by another key, under the id of the known one.
    let offer = page.call("stepUp.begin", json!({"purpose": wanted})).await.unwrap();
    let mut forged = Authenticator::new(9, ORIGIN).get(&offer);
    forged["id"] = json!(authenticator.id());
    let error = page.call("stepUp.finish", forged).await.unwrap_err();
    assert_eq!(error["message"], "invalid passkey answer: its signature is wrong");
    // An unknown one, and a challenge of nobody's.
    let mut stranger = Authenticator::new(9, ORIGIN);
    assert_eq!(code(&prove(&mut page, &mut stranger, &wanted).await), "PASSKEY_UNKNOWN");
    let made_up = authenticator.clone().get(&json!({"challenge": "AAAA"}));
    assert_eq!(code(&page.call("stepUp.finish", made_up).await), "STEP_UP_STALE");
    purpose(&page.call("config.secret", json!({})).await);
}

#[tokio::test]
async fn a_challenge_and_a_proof_end_after_two_minutes() {
    let (gateway, mut page, mut authenticator) = start().await;
    let wanted = json!({"kind": "secret"});
    let offer = page.call("stepUp.begin", json!({"purpose": wanted})).await.unwrap();
    gateway.clock.advance_ms(120_000);
    let answer = authenticator.get(&offer);
    assert_eq!(code(&page.call("stepUp.finish", answer).await), "STEP_UP_STALE");
    let done = prove(&mut page, &mut authenticator, &wanted).await.unwrap();
    assert_eq!(done["untilMs"], gateway.clock.now_ms() + 120_000);
    gateway.clock.advance_ms(120_000);
    purpose(&page.call("config.secret", json!({})).await);
    prove(&mut page, &mut authenticator, &wanted).await.unwrap();
    gateway.clock.advance_ms(119_999);
    page.call("config.secret", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_written_down() {
    let (gateway, mut page, mut authenticator) = start().await;
    let mut copy = authenticator.clone();
    prove(&mut page, &mut authenticator, &json!({"kind": "secret"})).await.unwrap();
    let refused = prove(&mut page, &mut copy, &json!({"kind": "secret"})).await;
    assert_eq!(code(&refused), "PASSKEY_COUNTER");
    let listed = page.call("audit.list", json!({"actions": ["passkey-refused"]})).await.unwrap();
    assert_eq!(listed["entries"][0]["note"], "Key (gw.example.com): its counter went back");
    assert!(page.call("audit.verify", json!({})).await.unwrap()["ok"] == true);
    drop(gateway);
}

#[tokio::test]
async fn what_was_done_with_passkeys_is_written_down_and_survives_a_restart() {
    let (gateway, mut page, mut authenticator) = start().await;
    prove(&mut page, &mut authenticator, &json!({"kind": "code"})).await.unwrap();
    let listed = page.call("audit.list", json!({"search": "gw.example.com"})).await.unwrap();
    let notes: Vec<_> =
        listed["entries"].as_array().unwrap().iter().map(|entry| (&entry["action"], &entry["note"])).collect();
    let (used, added) = (json!("Key (gw.example.com) for code"), json!("Key (gw.example.com)"));
    assert_eq!(notes, [(&json!("passkey-used"), &used), (&json!("passkey-added"), &added)]);
    let now_ms = gateway.clock.now_ms();
    drop(page);
    let gateway = gateway.restart().await;
    let mut page = self::page(&gateway, 1, ORIGIN).await;
    let list = page.call("passkey.list", json!({})).await.unwrap();
    let known = json!({"id": authenticator.id(), "name": "Key", "host": "gw.example.com", "createdAtMs": now_ms, "lastUsedAtMs": now_ms});
    assert_eq!(list, json!({"passkeys": [known], "host": "gw.example.com", "stepUp": "public-admin"}));
    prove(&mut page, &mut authenticator, &json!({"kind": "secret"})).await.unwrap();
    page.call("config.secret", json!({})).await.unwrap();
}

#[tokio::test]
async fn who_cannot_show_one_is_told_what_to_do() {
    let (gateway, _page, authenticator) = start().await;
    let stranger = knock(&gateway, 2, REMOTE, &OWNER_SCOPES).await;
    // A program with the secret, on this machine or not.
    assert_eq!(code(&gateway.admin().await.call("device.pair.approve", stranger.clone()).await), "STEP_UP_NOT_A_PAGE");
    // The owner's page at another address, and at one in numbers.
    for origin in ["https://gw.tail1234.ts.net", "https://192.168.1.5:18789"] {
        let mut elsewhere = page(&gateway, 1, origin).await;
        let refused = approve(&mut elsewhere, &stranger).await;
        assert_eq!(code(&refused), "STEP_UP_OTHER_ADDRESS", "{origin}");
        assert_eq!(refused.unwrap_err()["details"]["hosts"], json!(["gw.example.com"]));
        assert!(elsewhere.call("passkey.begin", json!({})).await.is_err());
    }
    let mut numbers = page(&gateway, 1, "https://192.168.1.5:18789").await;
    assert_eq!(code(&numbers.call("passkey.begin", json!({})).await), "STEP_UP_ADDRESS_UNFIT");
    let begun = numbers.call("stepUp.begin", json!({"purpose": {"kind": "secret"}})).await;
    assert_eq!(code(&begun), "STEP_UP_ADDRESS_UNFIT");
    // The owner of the machine needs none, and takes a lost one away.
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    owner.call("device.pair.approve", stranger).await.unwrap();
    owner.call("passkey.remove", json!({"id": authenticator.id()})).await.unwrap();
}

#[tokio::test]
async fn a_passkey_that_was_not_made_as_asked_is_not_registered() {
    let (_gateway, mut page, mut authenticator) = start().await;
    let begin = async |page: &mut Client, authenticator: &mut Authenticator| {
        prove(page, authenticator, &json!({"kind": "add-passkey"})).await.unwrap();
        page.call("passkey.begin", json!({})).await.unwrap()
    };
    let offer = begin(&mut page, &mut authenticator).await;
    assert_eq!(offer["known"], json!([{"id": authenticator.id(), "transports": ["internal"]}]));
    assert_eq!(code(&page.call("passkey.finish", authenticator.create(&offer)).await), "PASSKEY_KNOWN");
    assert_eq!(code(&page.call("passkey.finish", authenticator.create(&offer)).await), "STEP_UP_STALE");
    let mut unverified = Authenticator::new(8, ORIGIN);
    unverified.flags = 0x01;
    let elsewhere = Authenticator::new(8, "https://evil.example");
    for other in [unverified, elsewhere] {
        let offer = begin(&mut page, &mut authenticator).await;
        assert_eq!(code(&page.call("passkey.finish", other.create(&offer)).await), "PASSKEY_INVALID");
    }
    // A challenge for a proof makes no passkey.
    let offer = page.call("stepUp.begin", json!({"purpose": {"kind": "secret"}})).await.unwrap();
    let made = Authenticator::new(8, ORIGIN).create(&offer);
    assert_eq!(code(&page.call("passkey.finish", made).await), "STEP_UP_STALE");
    let offer = begin(&mut page, &mut authenticator).await;
    page.call("passkey.finish", Authenticator::new(8, ORIGIN).create(&offer)).await.unwrap();
}

#[tokio::test]
async fn of_two_that_would_be_the_first_only_one_is() {
    let gateway = TestGateway::start().await;
    let (mut owner, mut thief) = (page(&gateway, 1, ORIGIN).await, page(&gateway, 2, ORIGIN).await);
    let begun = thief.call("passkey.begin", json!({})).await.unwrap();
    register(&mut owner, &Authenticator::new(7, ORIGIN)).await.unwrap();
    let late = thief.call("passkey.finish", Authenticator::new(8, ORIGIN).create(&begun)).await;
    assert_eq!(code(&late), "STEP_UP_STALE");
    purpose(&thief.call("passkey.begin", json!({})).await);
}

#[tokio::test]
async fn who_may_not_give_admin_rights_is_told_so_and_asked_for_no_passkey() {
    let (gateway, _page, _authenticator) = start().await;
    let stranger = knock(&gateway, 2, REMOTE, &OWNER_SCOPES).await;
    let mut helper = gateway.local().await;
    helper.enter(&Ask::cli(&["operator.pairing"]).token(TOKEN)).await;
    assert_eq!(helper.denied("device.pair.approve", stranger).await, "missing scope: operator.admin");
}

#[tokio::test]
async fn a_panic_takes_the_passkeys_along() {
    let (gateway, _page, _authenticator) = start().await;
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    owner.call("owner.panic", json!({})).await.unwrap();
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    assert_eq!(owner.call("passkey.list", json!({})).await.unwrap()["passkeys"], json!([]));
}
