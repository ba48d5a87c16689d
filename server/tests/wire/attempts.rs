//! `doctor.*`: who came and what became of it, what a request would come to, and what is wrong (docs/protocol.md,
//! "The doctor").

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{REMOTE, TOKEN, TestGateway};

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).waiting()).await;
    owner
}

async fn attempts(client: &mut Client) -> Vec<Value> {
    client.call("doctor.attempts", json!({})).await.unwrap()["attempts"].as_array().unwrap().clone()
}

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed)).client("displayName", "Phone")
}

#[tokio::test]
async fn an_attempt_is_told_with_its_cause_and_its_fix() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let request_id = gateway.remote().await.refused(&device(1).token(TOKEN)).await.request_id();
    assert_eq!(owner.event("doctor.attempt").await, json!({"id": 1}));
    gateway.remote().await.refused(&device(2).token("wrong")).await;
    gateway.clock.advance_ms(5000);
    gateway.remote().await.refused(&device(2).token("wrong")).await;
    let seen = attempts(&mut owner).await;
    assert_eq!(seen.len(), 2, "{seen:#?}");
    let [wrong, waiting] = [&seen[0], &seen[1]];
    assert_eq!(
        (&wrong["outcome"], &wrong["code"], &wrong["count"]),
        (&json!("refused"), &json!("AUTH_TOKEN_MISMATCH"), &json!(2))
    );
    assert_eq!(wrong["atMs"].as_u64().unwrap() - wrong["firstAtMs"].as_u64().unwrap(), 5000);
    assert_eq!(wrong["cause"], "That is not the gateway's access token.");
    assert_eq!((&wrong["origin"]["address"], &wrong["peer"]), (&json!(REMOTE), &json!("127.0.0.1")));
    assert_eq!(wrong["forwarded"], json!([{"name": "x-forwarded-for", "value": REMOTE}]));
    assert_eq!((&waiting["outcome"], &waiting["name"]), (&json!("waiting"), &json!("Phone")));
    assert_eq!(waiting["fix"]["command"], format!("openclaw devices approve {request_id}"));
    gateway.approve(&request_id).await;
    gateway.remote().await.enter(&device(1).token(TOKEN)).await;
    let seen = attempts(&mut owner).await;
    assert_eq!(
        (&seen[0]["outcome"], &seen[0]["cause"]),
        (&json!("in"), &json!("Let in as operator by the gateway's secret."))
    );
    // The owner's own commands are no attempts.
    assert!(seen.iter().all(|one| one["peer"] == "127.0.0.1" && one["origin"]["address"] != "::"), "{seen:#?}");
}

/// Docker's bridge in front of the gateway, whose headers nobody was told to believe (C04, C06).
#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_named_with_the_setting_that_mends_it() {
    let gateway = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &[]).await;
    let refused = gateway.upgrade_refused(&["x-forwarded-for: 203.0.113.9", "origin: https://gw.example"]).await;
    assert_eq!(refused.status, 403);
    let mut owner = owner(&gateway).await;
    let seen = attempts(&mut owner).await.remove(0);
    assert_eq!((&seen["code"], &seen["peer"]), (&json!("proxy_attribution_required"), &json!("127.0.0.1")));
    assert_eq!(
        seen["cause"],
        "The request came through 127.0.0.1, which is not a trusted proxy, and carried X-Forwarded-For."
    );
    assert_eq!(seen["fix"]["setting"], json!({"path": "gateway.trustedProxies", "add": "127.0.0.1"}));

    // The fix, previewed by the very function that decides, then made.
    let question = |trusted: Option<Value>| {
        let mut params = json!({"peer": seen["peer"], "headers": seen["forwarded"]});
        if let Some(trusted) = trusted {
            params["trustedProxies"] = trusted;
        }
        params
    };
    let now = owner.call("doctor.explainRequest", question(None)).await.unwrap();
    assert_eq!((now.get("client"), &now["refused"]["code"]), (None, &json!("proxy_attribution_required")));
    let then = owner.call("doctor.explainRequest", question(Some(json!(["127.0.0.1"])))).await.unwrap();
    assert_eq!((&then["client"]["address"], &then["client"]["network"]), (&json!("203.0.113.9"), &json!("public")));
    assert_eq!(then["own"]["survives"], true);
    let hash = owner.call("config.get", json!({})).await.unwrap()["hash"].clone();
    let patch = json!({"raw": "{gateway: {trustedProxies: ['127.0.0.1']}}", "baseHash": hash});
    owner.call("config.patch", patch).await.unwrap();
    gateway.from("203.0.113.9").await.refused(&device(1).token(TOKEN)).await;
    assert_eq!(attempts(&mut owner).await[0]["origin"]["address"], "203.0.113.9");
}

#[tokio::test]
async fn the_lab_goes_hop_by_hop() {
    let gateway = TestGateway::start().await;
    let mut owner = owner(&gateway).await;
    let chain = "127.0.0.1, 203.0.113.9, nonsense, 10.0.0.2";
    let headers = json!([
        {"name": "X-Forwarded-For", "value": chain}, {"name": "X-Forwarded-Proto", "value": "https"},
        {"name": "Host", "value": "gw.example"}, {"name": "Origin", "value": "https://gw.example"},
    ]);
    let params =
        json!({"peer": "172.18.0.1", "headers": headers, "trustedProxies": ["172.18.0.0/16", "10.0.0.2", "*"]});
    let found = owner.call("doctor.explainRequest", params).await.unwrap();
    let words: Vec<&str> =
        found["steps"].as_array().unwrap().iter().map(|step| step["words"].as_str().unwrap()).collect();
    assert_eq!(
        words,
        [
            "172.18.0.1 is a trusted proxy, so what it says of the client counts.",
            "10.0.0.2 in X-Forwarded-For is a trusted proxy too, and is passed over.",
            "“nonsense” in X-Forwarded-For is no address, and is passed over.",
            "203.0.113.9 in X-Forwarded-For is the first that is none of ours: the client.",
            "“127.0.0.1” further left is hearsay: the client could have written it.",
            "The proxy says that the client speaks https.",
            "The page https://gw.example may talk to the gateway.",
        ]
    );
    let client = json!({
        "address": "203.0.113.9", "network": "public", "resolved": "through the trusted proxy 172.18.0.1",
        "encrypted": true,
    });
    assert_eq!((&found["client"], &found["unusable"]), (&client, &json!(["*"])));
    let denied = owner.denied("doctor.explainRequest", json!({"peer": "localhost", "headers": []})).await;
    assert!(denied.contains("at /peer: must be an IP address"), "{denied}");
}

#[tokio::test]
async fn whoever_would_cut_its_own_page_off_is_told() {
    let gateway = TestGateway::start().await;
    let mut page = gateway.from("192.168.1.20").await;
    let ask = Ask::cli(&["operator.admin"]).device(&Key::new(1));
    let request_id = gateway.from("192.168.1.20").await.refused(&ask.clone().token(TOKEN)).await.request_id();
    gateway.approve(&request_id).await;
    page.enter(&ask.token(TOKEN)).await;
    let own = async |page: &mut Client, trusted: Value| {
        let params = json!({"peer": "127.0.0.1", "headers": [], "trustedProxies": trusted});
        page.call("doctor.explainRequest", params).await.unwrap()["own"].clone()
    };
    assert_eq!(own(&mut page, json!(["127.0.0.1"])).await["survives"], true);
    let cut = own(&mut page, json!(["192.168.1.0/24"])).await;
    assert_eq!(cut["survives"], false);
    assert!(cut["words"].as_str().unwrap().contains("127.0.0.1, which is not a trusted proxy"), "{cut}");
}

/// Whatever strangers write is kept short, and comes back as they wrote it: as text (S1-07).
#[tokio::test]
async fn strangers_words_are_kept_short() {
    let gateway = TestGateway::start().await;
    let markup = "</script><img src=x onerror=alert(1)>";
    let headers = [("x-forwarded-for", REMOTE), ("x-forwarded-host", markup)];
    let long = "x".repeat(500);
    let agent = format!("{markup}{long}");
    let ask = device(1).client("displayName", markup).param("userAgent", json!(agent)).token("wrong");
    gateway.open(&headers).await.refused(&ask).await;
    let seen = attempts(&mut owner(&gateway).await).await.remove(0);
    assert_eq!(seen["forwarded"][1]["value"], markup);
    assert_eq!(seen["name"], markup);
    let agent = seen["userAgent"].as_str().unwrap();
    assert!(agent.starts_with(markup) && agent.chars().count() == 200, "{agent}");
}

#[tokio::test]
async fn a_device_without_admin_rights_sees_only_itself() {
    let gateway = TestGateway::start().await;
    let ask = Ask::cli(&["operator.pairing"]).device(&Key::new(1));
    let token = gateway.pair(&ask).await;
    gateway.from("203.0.113.9").await.refused(&device(2).token("wrong")).await;
    let mut own = gateway.remote().await;
    own.enter(&ask.auth("deviceToken", &token)).await;
    let seen = attempts(&mut own).await;
    assert!(!seen.is_empty() && seen.iter().all(|one| one["deviceId"] == Key::new(1).id()), "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_are_those_of_the_command_and_a_repair_is_written_down() {
    use std::os::unix::fs::PermissionsExt;
    let gateway = TestGateway::start().await;
    let file = gateway.state().paths.config_file.clone();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut owner = owner(&gateway).await;
    let checked = owner.call("doctor.run", json!({})).await.unwrap();
    let of = |checked: &Value| {
        checked["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "state-mode").cloned()
    };
    let finding = of(&checked).unwrap();
    assert_eq!((&finding["fixable"], &checked["ok"]), (&json!(true), &json!(false)));
    let repaired = owner.call("doctor.fix", json!({"id": "state-mode"})).await.unwrap();
    assert_eq!(repaired["failed"], json!([]));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(of(&owner.call("doctor.run", json!({})).await.unwrap()), None);
    let audit = owner.call("audit.list", json!({"actions": ["repaired"]})).await.unwrap();
    assert!(audit["entries"][0]["note"].as_str().unwrap().starts_with("state-mode: "), "{audit}");
}
