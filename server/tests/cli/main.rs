//! The command line as a person or a script uses it: the real binary, against a real gateway in a home of
//! its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod audit;
mod config;
mod conventions;
mod devices;
mod doctor;
mod elsewhere;
mod ending;
mod gateway;
#[path = "../guide/mod.rs"]
mod guide;
mod guides;
mod killing;
mod node;
mod operating;
mod other;
mod passkeys;
mod profiles;
mod reaching;
mod recovery;
mod references;
mod root;
mod service;
mod store;
mod tailscale;
mod terminal;
mod writers;

use std::process::{Command, Stdio};
use std::sync::mpsc;

use client::{ConnectError, Identity};
use serde_json::{Value, json};

use gateway::{Gateway, PATIENCE, command, lines, run, thrown_out};

#[tokio::test(flavor = "multi_thread")]
async fn lists_a_waiting_device_and_lets_it_in_by_its_id() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let (id, words) = (knock.pending.request_id.as_str(), knock.pending.fingerprint.words.join(" "));

    let shown = gateway.run(&["devices", "list"]).ok();
    for expected in ["Pending (1)", "Phone, asked", id, &words, "operator.read", "Paired (0)"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let list = gateway.list();
    assert_eq!(list["pending"][0]["requestId"], id);
    assert_eq!(list["paired"], json!([]));

    let approved = gateway.run(&["devices", "approve", id]).ok();
    assert_eq!(approved, "Approved Phone as operator: operator.read.\n");
    let mut phone = knock.opening.await.unwrap().unwrap();
    assert_eq!(phone.call("health", ()).await.unwrap()["ok"], true);
    assert!(gateway.run(&["devices", "list"]).ok().contains("connected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_of_an_id_is_enough_and_reject_turns_away() {
    let gateway = Gateway::start();
    let first = gateway.knock(1, "Phone").await;
    let approved = gateway.run(&["devices", "approve", &first.pending.request_id[..8], "--json"]).json();
    assert_eq!(approved["device"]["displayName"], "Phone");
    first.opening.await.unwrap().unwrap();

    let second = gateway.knock(2, "Stranger").await;
    gateway.run(&["devices", "reject", &second.pending.device_id.as_str()[..12]]).ok();
    let Err(ConnectError::Refused { error, .. }) = second.opening.await.unwrap() else { panic!("was let in") };
    assert_eq!(error.details.unwrap()["code"], "PAIRING_REJECTED");
    assert_eq!(gateway.list()["pending"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn approve_without_an_id_or_a_terminal_approves_nothing_and_says_what_would() {
    let gateway = Gateway::start();
    let nobody = gateway.run(&["devices", "approve", "--latest"]).refused();
    assert!(nobody.stderr.contains("No device waits"), "{}", nobody.stderr);

    let knock = gateway.knock(1, "Phone").await;
    let command = format!("openclaw devices approve {}\n", knock.pending.request_id);
    for line in [&["devices", "approve", "--latest"][..], &["devices", "approve"]] {
        let done = gateway.run(line).refused();
        assert_eq!(done.stdout, command);
        for expected in ["Phone", &knock.pending.fingerprint.words.join(" "), "127.0.0.1", "Nothing was approved"] {
            assert!(done.stderr.contains(expected), "{expected}: {}", done.stderr);
        }
    }
    let list = gateway.list();
    assert_eq!((list["pending"].as_array().unwrap().len(), &list["paired"]), (1, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_id_changes_nothing_and_shows_who_waits_now() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let before = gateway.list();
    let done = gateway.run(&["devices", "approve", "66c19716-e108-4e62-8acb-c2279f9cd1bf"]).refused();
    for expected in ["unknown, decided or expired", &knock.pending.request_id, "Phone", "hint: "] {
        assert!(done.stderr.contains(expected), "{expected}: {}", done.stderr);
    }
    assert_eq!(done.stdout, "");
    assert_eq!(gateway.list(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn renames_rotates_revokes_and_removes_a_device() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone").await;
    let id = Identity::from_seed([1; 32]).device_id().as_str().to_owned();

    let renamed = gateway.run(&["devices", "rename", "Phone", "Kitchen", "tablet"]).ok();
    assert_eq!(renamed, "Phone is now called Kitchen tablet.\n");
    assert_eq!(gateway.list()["paired"][0]["operatorLabel"], "Kitchen tablet");

    let rotated = gateway.run(&["devices", "rotate", &id, "operator", "--json"]).json();
    assert_eq!((rotated["role"].as_str(), rotated.get("token")), (Some("operator"), None));
    assert_eq!(thrown_out(phone).await, 4001);

    let revoked = gateway.run(&["devices", "revoke", "--device", &id[..12], "--role", "operator", "--json"]).json();
    assert_eq!((revoked["deviceId"].as_str(), revoked["role"].as_str()), (Some(id.as_str()), Some("operator")));

    let removed = gateway.run(&["devices", "remove", "kitchen tablet"]).ok();
    assert!(removed.contains("Kitchen tablet"), "{removed}");
    assert_eq!(gateway.list()["paired"], json!([]));
    let unknown = gateway.run(&["devices", "remove", &id]).refused();
    assert!(unknown.stderr.contains("No paired device goes by"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_connected_device_throws_it_out() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone").await;
    gateway.run(&["devices", "remove", "Phone"]).ok();
    assert_eq!(thrown_out(phone).await, 4001);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_where_it_runs_and_who_waits() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let _knock = gateway.knock(2, "Tablet").await;

    let json = gateway.run(&["gateway", "status", "--json"]).json();
    assert_eq!(json["running"], true);
    assert_eq!(json["url"], format!("http://127.0.0.1:{}", gateway.port));
    assert_eq!(json["healthy"], true);
    assert_eq!(json["devices"], json!({"paired": 1, "connected": 1, "pending": 1}));

    let full = gateway.run(&["gateway", "status"]);
    assert!(full.stderr.contains("openclaw devices list"), "{}", full.stderr);
    let full = full.ok();
    for expected in ["running at http://127.0.0.1:", "Access   token", "1 paired, 1 connected, 1 waiting", "Log  "] {
        assert!(full.contains(expected), "{expected}: {full}");
    }
    let short = gateway.run(&["status"]).ok();
    assert!(short.contains("Waiting  Tablet"), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_makes_a_link_that_keeps_its_secret_in_the_fragment() {
    let gateway = Gateway::start();
    let json = gateway.run(&["dashboard", "--no-open", "--json"]).json();
    let base = format!("http://127.0.0.1:{}/", gateway.port);
    assert_eq!((&json["ok"], &json["tokenIncluded"]), (&json!(true), &json!(false)));
    assert_eq!(json["httpUrl"], base);
    assert!(json["browserUrl"].as_str().unwrap().starts_with(&format!("{base}#bootstrapToken=")));

    let link = gateway.run(&["dashboard", "--no-open"]);
    assert!(link.stderr.contains("works once"), "{}", link.stderr);
    let link = link.ok();
    assert!(link.starts_with(&base) && link.lines().count() == 1, "{link}");
    assert_ne!(link.trim(), json["browserUrl"], "each link is new");
}

#[test]
fn qr_shows_one_code_for_one_phone_and_says_what_it_gives() {
    let gateway = Gateway::start();
    let line = ["qr", "--public-url", "https://gw.example"];
    let json = gateway.run(&[&line[..], &["--json"]].concat()).json();
    let code = json["setupCode"].as_str().unwrap().to_owned();
    assert_eq!(
        json,
        json!({"setupCode": code, "gatewayUrl": "wss://gw.example", "auth": "token", "urlSource": "publicUrl", "access": "full"})
    );
    let setup = protocol::SetupCode::decode(&code, 0).unwrap();
    assert_eq!(setup.url, "wss://gw.example");

    let only = gateway.run(&[&line[..], &["--setup-code-only"]].concat()).ok();
    assert!(protocol::SetupCode::decode(&only, 0).is_ok() && only.lines().count() == 1, "{only}");
    let shown = gateway.run(&[&line[..], &["--limited"]].concat());
    for expected in ["wss://gw.example", "not to change settings", "works once, for 10 min", "openclaw qr --page"] {
        assert!(shown.stderr.contains(expected), "{expected}: {}", shown.stderr);
    }
    let page = gateway.run(&[&line[..], &["--page"]].concat()).ok();
    assert!(page.starts_with("https://gw.example/#bootstrapToken=") && page.trim().ends_with("&bootstrapProfile=full"));
}

#[test]
fn qr_says_why_no_phone_could_reach_the_gateway_and_what_to_run() {
    let gateway = Gateway::start();
    let done = gateway.run(&["qr"]).refused();
    for expected in ["knows no address", "openclaw qr --public-url https://HOST", "openclaw gateway run --bind lan"] {
        assert!(done.stderr.contains(expected), "{expected}: {}", done.stderr);
    }
    assert_eq!(done.stdout, "");
    let plain = gateway.run(&["qr", "--public-url", "http://192.168.1.5:18789"]);
    assert!(plain.stderr.contains("gives no admin rights"), "{}", plain.stderr);
    let page = gateway.run(&["qr", "--page", "--public-url", "http://192.168.1.5:18789"]).refused();
    assert!(page.stderr.contains("without encryption"), "{}", page.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_code_makes_a_url_that_a_machine_can_fetch() {
    let gateway = Gateway::start();
    let settings = gateway.home.path().join(".openclaw/openclaw.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let url = format!("http://127.0.0.1:{}", gateway.port);
    let plugins = format!("plugins: {{ entries: {{ 'device-pair': {{ config: {{ publicUrl: '{url}' }} }} }} }},\n}}\n");
    std::fs::write(&settings, text.trim_end().trim_end_matches('}').to_owned() + &plugins).unwrap();
    // The gateway notices a change within a second or two.
    let made = loop {
        let done = gateway.run(&["devices", "join-code", "--json"]);
        if done.code == 0 {
            break done.json();
        }
        assert!(done.stderr.contains("knows no address"), "{}", done.stderr);
    };
    let join_url = made["joinUrl"].as_str().unwrap();
    assert_eq!(made["command"], format!("openclaw connect {join_url}"));
    assert_eq!(client::fetch_join(join_url).await.unwrap().url, gateway.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_url_it_is_a_device_that_waits_for_its_approval() {
    let gateway = Gateway::start();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut waiting = command(elsewhere.path(), &["devices", "list", "--json", "--url", &gateway.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (said, heard) = mpsc::channel();
    lines(waiting.stderr.take().unwrap(), said);
    let id = loop {
        let line = heard.recv_timeout(PATIENCE).unwrap();
        if let Some(id) = line.trim().strip_prefix("openclaw devices approve ") {
            break id.to_owned();
        }
    };
    gateway.run(&["devices", "approve", &id]).ok();
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success());
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["pending"], json!([]));

    // Approved once, it needs nobody the next time.
    run(elsewhere.path(), &["devices", "list", "--url", &gateway.url()]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_cannot_command_the_terminal() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "\u{1b}[2J\u{202e}Phone").await;
    let shown = gateway.run(&["devices", "list"]).ok();
    let preview = gateway.run(&["devices", "approve", "--latest"]).refused();
    let approved = gateway.run(&["devices", "approve", &knock.pending.request_id]).ok();
    for text in [shown, preview.stderr, approved] {
        assert!(text.contains("Phone") && !text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_told_to_end_says_goodbye_first() {
    let mut gateway = Gateway::start();
    let mut phone = gateway.pair(1, "Phone").await;
    assert!(Command::new("kill").arg(gateway.process.id().to_string()).status().unwrap().success());
    let goodbye = phone.next_event().await.unwrap();
    assert_eq!((goodbye.event.as_str(), goodbye.payload), ("shutdown", json!({"reason": "gateway stopping"})));
    assert_eq!(thrown_out(phone).await, 1012);
    assert!(gateway.process.wait().unwrap().success());
}

#[test]
fn a_gateway_whose_log_nobody_reads_any_more_goes_on() {
    let mut gateway = Gateway::start();
    for _ in 0..3 {
        assert_eq!(gateway.list(), json!({"pending": [], "paired": []}));
    }
    assert!(gateway.process.try_wait().unwrap().is_none());
}

#[test]
fn a_command_that_needs_a_gateway_says_how_to_start_one() {
    let home = tempfile::tempdir().unwrap();
    for line in
        [&["gateway", "status"][..], &["status"], &["dashboard", "--no-open"], &["qr"], &["devices", "join-code"]]
    {
        // Another gateway may use the standard port of this machine; ours must not be asked about it.
        let output = command(home.path(), line).env("OPENCLAW_GATEWAY_PORT", "1").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, "error: The gateway is not running.\n\nhint: start it with `openclaw gateway run`\n");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{line:?}");
    }
}

#[test]
fn a_secret_is_never_sent_in_clear_across_a_public_network() {
    let home = tempfile::tempdir().unwrap();
    let done = run(home.path(), &["devices", "list", "--url", "ws://gateway.example.com", "--token", "t"]).refused();
    assert!(done.stderr.contains("unencrypted") && done.stderr.contains("wss://"), "{}", done.stderr);
}

#[test]
fn it_tells_its_version_and_misuse_ends_with_two() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(run(home.path(), &["--version"]).ok(), "openclaw 0.1.0\n");
    assert_eq!(run(home.path(), &["devices", "approve", "abcd", "--latest"]).code, 2);
    assert_eq!(run(home.path(), &["devices", "rename", "abcd"]).code, 2);
}
