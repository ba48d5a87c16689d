//! What the page of settings asks: what is, what would be, and the way back (docs/protocol.md, "Settings on a page").

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{NOW, REMOTE, TOKEN, TestGateway};

const FILE: &str = "// Mine.\n{\n  gateway: {\n    auth: { token: 'wire-token-0123456789abcdef' }, // secret\n    \
                    trustedProxies: ['127.0.0.1'], /* nginx */\n  },\n}\n";

/// Takes the way of [`phone`] away.
const OTHER_PROXY: &str = "{gateway: {trustedProxies: ['10.9.9.9']}}";

/// A page of ours, as far as the wire is concerned, with every right, from far away.
fn phone() -> Ask {
    Ask::cli(&["operator.admin"]).device(&Key::new(1)).client("displayName", "Phone").waiting()
}

/// A gateway whose file is [`FILE`], and a phone that came in through its proxy.
async fn start() -> (TestGateway, Client) {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    std::fs::write(path(&gateway), FILE).unwrap();
    owner.event("config.changed").await;
    let mut client = gateway.remote().await;
    let waiting = client.held(&phone().token(TOKEN)).await;
    gateway.approve(waiting["requestId"].as_str().unwrap()).await;
    client.response("c1").await;
    (gateway, client)
}

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    owner
}

fn path(gateway: &TestGateway) -> PathBuf {
    gateway.state().paths.config_file.clone()
}

fn text(gateway: &TestGateway) -> String {
    std::fs::read_to_string(path(gateway)).unwrap()
}

async fn check(client: &mut Client, raw: &str) -> Value {
    client.call("config.check", json!({"raw": raw})).await.unwrap()
}

async fn describe(client: &mut Client) -> Value {
    client.call("config.describe", json!({})).await.unwrap()
}

/// Changes the settings with a way back within a minute. The result is the hash that confirms it.
async fn try_out(client: &mut Client, raw: &str) -> Value {
    let hash = describe(client).await["hash"].clone();
    let params = json!({"raw": raw, "baseHash": hash, "confirmWithinMs": 60_000});
    client.call("config.patch", params).await.unwrap()["hash"].clone()
}

async fn patch(client: &mut Client, raw: &str) -> Result<Value, Value> {
    let hash = describe(client).await["hash"].clone();
    client.call("config.patch", json!({"raw": raw, "baseHash": hash})).await
}

#[tokio::test]
async fn a_check_says_what_is_wrong_and_writes_nothing() {
    let (gateway, mut phone) = start().await;
    for (raw, path, words) in [
        ("{gateway: {port: 70000}}", "gateway.port", "expected a whole number from 1 to 65535"),
        ("{gateway: {trustedProxies: ['127.0.0.1', '172.18.*']}}", "gateway.trustedProxies", "172.18.0.0/16"),
        ("{gateway: {trustedProxies: ['0.0.0.0/0']}}", "gateway.trustedProxies", "every address"),
        (
            "{gateway: {controlUi: {allowedOrigins: ['bam.example/']}}}",
            "gateway.controlUi.allowedOrigins",
            "https://bam.example",
        ),
        ("{gateway: {auth: {token: ''}}}", "gateway.auth.token", "must not be missing"),
        ("{gateway: {port: 1, port: 2}}", "gateway.port", "twice"),
        ("{ broken", "", ""),
    ] {
        let checked = check(&mut phone, raw).await;
        let problem = &checked["problems"][0];
        assert_eq!(problem["path"], path, "{raw}: {checked}");
        assert!(problem.to_string().contains(words), "{checked}");
        let refused = patch(&mut phone, raw).await.unwrap_err();
        assert_eq!(refused["details"]["issues"][0]["path"], path, "a check says what a change would: {refused}");
    }
    let wide = check(&mut phone, "{gateway: {trustedProxies: ['127.0.0.1', '10.0.0.0/8']}}").await;
    assert_eq!((&wide["problems"], &wide["warnings"][0]["entry"]), (&json!([]), &json!("10.0.0.0/8")));
    let short = check(&mut phone, "{gateway: {auth: {token: 'short'}}}").await;
    assert_eq!(short["warnings"][0]["path"], "gateway.auth.token");
    assert_eq!(text(&gateway), FILE);
    assert!(phone.is_open().await);
}

#[tokio::test]
async fn a_check_names_who_would_be_disconnected_and_what_becomes_of_them() {
    let (gateway, mut phone) = start().await;
    let mut program = gateway.local().await;
    program.enter(&Ask::cli(&["operator.read"]).client("displayName", "Backup").token(TOKEN)).await;
    let rotated = check(&mut phone, "{gateway: {auth: {token: 'another-token-0123456789'}}}").await;
    assert_eq!(rotated["changedPaths"], json!(["gateway.auth.token"]));
    let backup = json!({"name": "Backup", "address": "127.0.0.1", "isYou": false, "then": "needs-secret"});
    let named = rotated["disconnects"]["named"].as_array().unwrap();
    assert!(named.contains(&backup), "{rotated}");
    assert_eq!(rotated["disconnects"]["count"], named.len());
    assert_eq!(rotated.get("cutOff"), None, "a key of its own survives the secret");

    let proxies = check(&mut phone, OTHER_PROXY).await;
    let you = json!({"name": "Phone", "address": REMOTE, "isYou": true, "then": "stays-out"});
    assert_eq!(proxies["disconnects"]["named"][0], you);
    assert_eq!(proxies["cutOff"], json!({"why": "proxy-untrusted", "proxy": "127.0.0.1"}));
    let nothing = check(&mut phone, "{gateway: {trustedProxies: ['127.0.0.1']}}").await;
    assert_eq!((&nothing["disconnects"]["count"], &nothing["changedPaths"]), (&json!(0), &json!([])));
    let bind = check(&mut phone, "{gateway: {bind: 'lan'}}").await;
    assert_eq!((&bind["requiresRestart"], bind.get("cutOff")), (&json!(true), None));
}

#[tokio::test]
async fn a_change_that_cuts_off_who_makes_it_needs_a_way_back() {
    let (gateway, mut phone) = start().await;
    let rows = [
        (OTHER_PROXY, json!({"why": "proxy-untrusted", "proxy": "127.0.0.1"})),
        (
            "{gateway: {trustedProxies: ['127.0.0.1', '192.0.2.0/24']}}",
            json!({"why": "client-unnamed", "address": "127.0.0.1"}),
        ),
        (
            "{gateway: {bind: 'custom', customBindHost: '192.168.1.5'}}",
            json!({"why": "not-listening", "address": "127.0.0.1"}),
        ),
    ];
    for (raw, why) in rows {
        let refused = patch(&mut phone, raw).await.unwrap_err();
        assert_eq!(refused["details"]["cutOff"], why, "{refused}");
    }
    assert_eq!(text(&gateway), FILE);
    let mut owner = owner(&gateway).await;
    patch(&mut owner, OTHER_PROXY).await.unwrap();
    assert_eq!(phone.ended().await, Frame::close(4001, "gateway policy changed"), "the owner is never cut off");
}

#[tokio::test]
async fn a_page_that_would_not_be_allowed_any_more_is_told_so() {
    let gateway = TestGateway::start_with(
        &json!({"auth": {"token": TOKEN}, "controlUi": {"allowedOrigins": ["https://gw.example"]}}),
        &[],
    )
    .await;
    let mut page = gateway.open(&[("origin", "https://gw.example")]).await;
    let waiting = page.held(&Ask::page(&["operator.admin"]).device(&Key::new(1)).waiting()).await;
    gateway.approve(waiting["requestId"].as_str().unwrap()).await;
    page.response("c1").await;
    let refused = patch(&mut page, "{gateway: {controlUi: {allowedOrigins: []}}}").await.unwrap_err();
    assert_eq!(refused["details"]["cutOff"], json!({"why": "page-not-allowed", "page": "https://gw.example"}));
}

#[tokio::test]
async fn what_nobody_confirms_is_taken_back_byte_for_byte_and_announced() {
    let (gateway, mut phone) = start().await;
    let mut owner = owner(&gateway).await;
    let hash = try_out(&mut phone, OTHER_PROXY).await;
    let trial = json!({
        "hash": hash, "state": "waits", "changedPaths": ["gateway.trustedProxies"], "deadlineMs": NOW + 60_000,
    });
    assert_eq!(owner.event("config.trial").await, trial);
    assert_eq!(phone.ended().await, Frame::close(4001, "gateway policy changed"));
    assert_eq!(describe(&mut owner).await["trial"], trial);
    assert_eq!(gateway.upgrade_refused(&["x-forwarded-for: 192.0.2.2"]).await.status, 403);
    assert!(text(&gateway).contains("10.9.9.9") && text(&gateway).contains("/* nginx */"));

    gateway.pass_ms(59_999).await;
    assert!(text(&gateway).contains("10.9.9.9"), "a minute is not over yet");
    gateway.pass_ms(1).await;
    assert_eq!(owner.event("config.trial").await["state"], "rolled-back");
    assert_eq!(owner.event("config.changed").await["hash"], describe(&mut owner).await["hash"]);
    assert_eq!(text(&gateway), FILE);
    assert!(!gateway.state().paths.config_trial.exists());
    gateway.remote().await.enter(&self::phone()).await;
}

#[tokio::test]
async fn what_is_confirmed_stays() {
    let (gateway, phone) = start().await;
    drop(phone);
    let mut owner = owner(&gateway).await;
    let hash = try_out(&mut owner, OTHER_PROXY).await;
    let unknown = owner.denied("config.confirm", json!({"hash": "another"})).await;
    assert_eq!(unknown, "no such change of the settings waits for its confirmation");
    let second = json!({"raw": "{}", "baseHash": hash, "confirmWithinMs": 60_000});
    assert_eq!(owner.denied("config.patch", second).await, "another change of the settings waits for its confirmation");
    assert_eq!(owner.call("config.confirm", json!({"hash": hash})).await.unwrap()["state"], "confirmed");
    gateway.pass_ms(120_000).await;
    assert!(text(&gateway).contains("10.9.9.9"));
    assert_eq!(describe(&mut owner).await.get("trial"), None);
    let gateway = gateway.restart().await;
    gateway.pass_ms(120_000).await;
    assert!(text(&gateway).contains("10.9.9.9"));
}

#[tokio::test]
async fn a_change_can_be_taken_back_at_once() {
    let (gateway, _phone) = start().await;
    let mut owner = owner(&gateway).await;
    let hash = try_out(&mut owner, OTHER_PROXY).await;
    assert_eq!(owner.call("config.rollback", json!({"hash": hash})).await.unwrap()["state"], "rolled-back");
    assert_eq!(text(&gateway), FILE);
    assert!(gateway.state().config().policy.trusted_proxies.contains("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn what_is_changed_meanwhile_is_not_lost_and_the_trial_says_so() {
    let (gateway, _phone) = start().await;
    let mut owner = owner(&gateway).await;
    let hash = try_out(&mut owner, OTHER_PROXY).await;
    owner.event("config.trial").await;
    patch(&mut owner, "{gateway: {pairing: {knock: 'off'}}}").await.unwrap();
    assert_eq!(owner.event("config.trial").await["state"], "overtaken");
    let after = text(&gateway);
    gateway.pass_ms(120_000).await;
    assert_eq!(text(&gateway), after);
    owner.denied("config.confirm", json!({"hash": hash})).await;

    let hash = try_out(&mut owner, "{gateway: {trustedProxies: []}}").await;
    owner.event("config.trial").await;
    let by_hand = text(&gateway).replace("// Mine.", "// By hand.");
    std::fs::write(path(&gateway), &by_hand).unwrap();
    gateway.pass_ms(60_000).await;
    let ended = owner.event("config.trial").await;
    assert_eq!((&ended["hash"], &ended["state"]), (&hash, &json!("overtaken")));
    assert_eq!(text(&gateway), by_hand);
}

#[tokio::test]
async fn a_restart_within_the_minute_does_not_lose_the_way_back() {
    let (gateway, mut phone) = start().await;
    try_out(&mut phone, OTHER_PROXY).await;
    gateway.clock.advance_ms(30_000);
    let gateway = gateway.restart().await;
    assert!(text(&gateway).contains("10.9.9.9"));
    let mut owner = owner(&gateway).await;
    assert_eq!(describe(&mut owner).await["trial"]["deadlineMs"], NOW + 60_000);
    gateway.pass_ms(30_000).await;
    assert_eq!(text(&gateway), FILE);
    gateway.remote().await.enter(&self::phone()).await;

    try_out(&mut owner, OTHER_PROXY).await;
    gateway.clock.advance_ms(60_000);
    let gateway = gateway.restart().await;
    assert_eq!(text(&gateway), FILE, "its time was over while no gateway ran");
    gateway.remote().await.enter(&self::phone()).await;
}

#[tokio::test]
async fn settings_on_trial_with_which_nothing_starts_are_taken_back_at_once() {
    let (gateway, mut phone) = start().await;
    try_out(&mut phone, "{gateway: {bind: 'custom', customBindHost: '203.0.113.77'}}").await;
    let gateway = gateway.restart().await;
    assert_eq!(text(&gateway), FILE);
    assert!(!gateway.state().paths.config_trial.exists());
}

#[tokio::test]
async fn the_page_of_settings_is_told_everything_but_secrets() {
    let canary = "canary-0123456789abcdef";
    let settings = json!({
        "auth": {"token": canary, "password": canary}, "trustedProxies": ["127.0.0.0/24", "fd00::/8"],
        "remote": {"url": format!("wss://user:{canary}@gw.example")},
    });
    let gateway = TestGateway::start_with(&settings, &[("OPENCLAW_GATEWAY_PASSWORD", canary)]).await;
    let mut owner = owner(&gateway).await;
    let mut remote = gateway.remote().await;
    remote.enter(&Ask::cli(&[]).token(canary)).await;
    let described = describe(&mut owner).await;
    assert!(!described.to_string().contains(canary), "{described:#}");
    let setting =
        |path: &str| described["settings"].as_array().unwrap().iter().find(|one| one["path"] == path).unwrap().clone();
    assert_eq!(setting("gateway.port")["overruledBy"], "--port");
    assert_eq!(setting("gateway.auth.password")["overruledBy"], "OPENCLAW_GATEWAY_PASSWORD");
    assert_eq!(setting("gateway.auth.token")["value"], "__OPENCLAW_REDACTED__");
    assert_eq!(
        setting("gateway.pairing.knock"),
        json!({"path": "gateway.pairing.knock", "default": "private", "needsRestart": false})
    );
    assert_eq!(described["secret"], json!({"mode": "token", "isSet": true, "connections": 1}));
    assert_eq!(described["restart"], json!({"isDue": false, "isPossible": false}));
    assert_eq!(described["you"], json!({"address": "127.0.0.1", "isEncrypted": false}));
    assert_eq!(described["limits"], json!({"waitingPerAddress": 8, "waiting": 256, "waitingMs": 300_000}));
    assert_eq!(described["warnings"][0]["entry"], "fd00::/8");
    let proxy = &described["proxies"]["trusted"][0];
    assert_eq!((&proxy["address"], &proxy["entry"]), (&json!("127.0.0.1"), &json!("127.0.0.0/24")));
    assert_eq!((&proxy["requests"], &proxy["lastAtMs"], &proxy["clients"]), (&json!(1), &json!(NOW), &json!([REMOTE])));
    let refused = owner.denied("gateway.restart", json!({})).await;
    assert_eq!(refused, "this gateway cannot start itself again");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_offered_with_what_it_did() {
    let gateway = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &[]).await;
    let mut owner = owner(&gateway).await;
    for _ in 0..3 {
        assert_eq!(gateway.http("GET /", &["x-forwarded-for: 192.0.2.2"]).await.status, 403);
    }
    let stranger = json!({"address": "127.0.0.1", "requests": 3, "unnamed": 0, "lastAtMs": NOW});
    assert_eq!(describe(&mut owner).await["proxies"], json!({"trusted": [], "strangers": [stranger]}));
    patch(&mut owner, "{gateway: {trustedProxies: ['127.0.0.1']}}").await.unwrap();
    assert_eq!(gateway.http("GET /healthz", &["x-forwarded-for: 127.0.0.1"]).await.status, 200);
    let proxies = describe(&mut owner).await["proxies"].clone();
    assert_eq!((&proxies["strangers"], &proxies["trusted"][0]["unnamed"]), (&json!([]), &json!(1)));
}

#[tokio::test]
async fn only_an_admin_is_shown_the_secret_or_the_page_of_settings() {
    let (gateway, mut phone) = start().await;
    assert_eq!(phone.call("config.secret", json!({})).await.unwrap(), json!({"mode": "token", "secret": TOKEN}));
    let mut reader = gateway.local().await;
    reader.enter(&Ask::cli(&["operator.read", "operator.write", "operator.pairing"]).token(TOKEN)).await;
    let params = [
        ("config.secret", json!({})),
        ("config.describe", json!({})),
        ("config.reach", json!({})),
        ("config.check", json!({"raw": "{}"})),
        ("config.confirm", json!({"hash": "x"})),
        ("config.rollback", json!({"hash": "x"})),
        ("gateway.restart", json!({})),
    ];
    for (method, params) in params {
        assert_eq!(reader.denied(method, params).await, "missing scope: operator.admin", "{method}");
    }
    let open = TestGateway::start_with(&json!({"auth": {"mode": "none"}}), &[]).await;
    let denied = owner(&open).await.denied("config.secret", json!({})).await;
    assert_eq!(denied, "the gateway asks for no secret");
}

#[tokio::test]
async fn the_ways_to_the_gateway_are_told_without_asking_another_machine() {
    let settings = json!({"auth": {"token": TOKEN}});
    let gateway = TestGateway::start_with(&settings, &[("PATH", "/nowhere")]).await;
    let mut owner = owner(&gateway).await;
    let reach = owner.call("config.reach", json!({})).await.unwrap();
    assert_eq!(reach, json!({"certificates": [], "tailscale": {"isInstalled": false, "leadsHere": false}}));
    patch(&mut owner, "{plugins: {entries: {'device-pair': {config: {publicUrl: 'https://gw.example'}}}}}")
        .await
        .unwrap();
    let reach = owner.call("config.reach", json!({})).await.unwrap();
    assert_eq!((&reach["publicUrl"], &reach["certificates"]), (&json!("https://gw.example"), &json!([])));
}
