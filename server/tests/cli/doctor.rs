//! `openclaw doctor`, where something is really wrong.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::gateway::{Gateway, command, run, start};

pub fn state(home: &Path) -> PathBuf {
    home.join(".openclaw")
}

/// The doctor's report, whatever it is.
pub fn report(home: &Path, line: &[&str]) -> Value {
    let done = run(home, &[&["doctor", "--json"], line].concat());
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done.code, i32::from(report["ok"] == false), "{report}");
    report
}

/// What is wrong, without the notes.
pub fn wrong(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["severity"] != "note").map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[track_caller]
pub fn finding<'a>(report: &'a Value, id: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no {id} in {report}"))
}

#[test]
fn a_gateway_that_is_well_has_no_findings() {
    let gateway = Gateway::start();
    let report = report(gateway.home.path(), &[]);
    assert_eq!((wrong(&report), &report["ok"], &report["repairs"]), (vec![], &json!(true), &json!([])));
    let told = gateway.run(&["doctor"]);
    assert!(told.stderr.contains("Nothing is wrong."), "{}", told.stderr);
}

#[test]
fn permissions_of_others_are_taken_away() {
    let gateway = Gateway::start();
    let settings = state(gateway.home.path()).join("openclaw.json");
    std::fs::set_permissions(&settings, Permissions::from_mode(0o644)).unwrap();
    let before = report(gateway.home.path(), &[]);
    assert_eq!(wrong(&before), ["state-mode"]);
    assert_eq!(finding(&before, "state-mode")["fixable"], true);
    let after = report(gateway.home.path(), &["--fix"]);
    assert_eq!((wrong(&after), &after["repairs"][0]["done"]), (vec![], &json!(true)));
    assert_eq!(std::fs::metadata(&settings).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_stopped_gateway_and_whoever_is_at_its_port_are_named() {
    let home = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let output = command(home.path(), &["doctor", "--json"]).env("OPENCLAW_GATEWAY_PORT", &port).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((wrong(&report), output.status.code()), (vec!["port-taken", "gateway-down"], Some(1)));
    let evidence = finding(&report, "port-taken")["evidence"][0].as_str().unwrap();
    assert!(evidence.contains(&format!("process {}", std::process::id())), "{evidence}");
    assert!(
        finding(&report, "gateway-down")["fix"].as_str().unwrap().starts_with("openclaw gateway run, or"),
        "{report}"
    );
}

#[test]
fn a_damaged_key_is_moved_aside_and_every_pairing_stays() {
    let gateway = Gateway::start();
    let key = state(gateway.home.path()).join("state/cli-identity.json");
    std::fs::write(&key, "{}").unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let pairings = gateway.list();
    assert_eq!(wrong(&report(gateway.home.path(), &[])), ["identity-damaged"]);
    assert_eq!(wrong(&report(gateway.home.path(), &["--fix"])), Vec::<&str>::new());
    let aside: Vec<_> =
        std::fs::read_dir(key.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(aside.iter().any(|name| name.to_str().unwrap().starts_with("cli-identity.json.aside-")), "{aside:?}");
    assert_eq!(gateway.list(), pairings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_put_aside_and_the_last_good_copy_takes_its_place() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone").await;
    drop(phone);
    let paired = gateway.list()["paired"][0]["deviceId"].clone();
    let home = gateway.stop();
    let (store, quarantine) = (state(home.path()).join("state/gateway.sqlite"), state(home.path()).join("quarantine"));
    // The newest copy of the day before is sound, the newest of all is not, so it is passed over.
    let backups = state(home.path()).join("backups");
    std::fs::copy(backups.join("last-good.sqlite"), backups.join("day-20200101.sqlite")).unwrap();
    let today = std::fs::read_dir(&backups).unwrap().map(|file| file.unwrap().path());
    for damaged in today.filter(|file| !file.ends_with("day-20200101.sqlite")) {
        std::fs::remove_file(&damaged).unwrap();
        std::fs::write(&damaged, "nonsense").unwrap();
    }
    let nonsense = vec![7; 8192];
    std::fs::write(&store, &nonsense).unwrap();

    let broken = run(home.path(), &["doctor"]).refused();
    for expected in ["[store-unreadable]", "day-20200101.sqlite, with 1 devices"] {
        assert!(broken.stdout.contains(expected), "{expected}: {}", broken.stdout);
    }
    assert_eq!(std::fs::read(&store).unwrap(), nonsense);
    let after = report(home.path(), &["--fix"]);
    assert_eq!(wrong(&after), ["gateway-down"]);
    let done = after["repairs"].as_array().unwrap().iter().find(|repair| repair["id"] == "store-unreadable").unwrap();
    assert!(done["what"].as_str().unwrap().contains(quarantine.to_str().unwrap()), "{done}");
    assert_eq!(run(home.path(), &["devices", "list", "--json"]).json()["paired"][0]["deviceId"], paired);
    let kept: Vec<_> = std::fs::read_dir(&quarantine).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(kept.iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>(), [nonsense]);
}

#[test]
fn settings_under_another_name_are_taken_over_where_nothing_is_lost() {
    let gateway = Gateway::start();
    let folder = state(gateway.home.path());
    let other = "{ gateway: { trustedProxies: ['172.18.0.0/16'], pairingRequired: false, auth: { token: 'x' } } }";
    std::fs::write(folder.join("openclaw.config.json"), other).unwrap();
    let settings = folder.join("openclaw.json");
    let before = std::fs::read_to_string(&settings).unwrap();
    let after = report(gateway.home.path(), &["--fix"]);
    assert_eq!((wrong(&after), after["repairs"].as_array().unwrap().len()), (vec![], 1));
    let text = std::fs::read_to_string(&settings).unwrap();
    assert!(text.contains("172.18.0.0/16") && text.contains("// A device that shows this token"), "{text}");
    assert!(!text.contains("pairingRequired") && before.len() < text.len(), "{text}");
    let switch = finding(&after, "pairing-switches")["what"].as_str().unwrap();
    assert!(switch.contains("is not obeyed"), "{switch}");
    assert_eq!(std::fs::read_to_string(folder.join("openclaw.config.json")).unwrap(), other);
}

#[test]
fn a_switch_that_is_not_obeyed_is_told_once() {
    let gateway = Gateway::start();
    gateway.run(&["config", "set", "gateway.controlUi.allowInsecureAuth", "true"]).ok();
    let report = report(gateway.home.path(), &[]);
    let findings = report["findings"].as_array().unwrap();
    let ids: Vec<_> = findings.iter().filter(|one| one.to_string().contains("allowInsecureAuth")).collect();
    assert_eq!((ids.len(), &ids[0]["id"]), (1, &json!("pairing-switches")), "{report}");
}

#[test]
fn a_clock_that_went_back_is_seen_by_the_files() {
    let gateway = Gateway::start();
    let file = std::fs::File::options().write(true).open(state(gateway.home.path()).join("openclaw.json")).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written + std::time::Duration::from_hours(1)).unwrap();
    assert_eq!(wrong(&report(gateway.home.path(), &[])), ["clock-skew"]);
}

#[test]
fn clocks_that_differ_are_seen() {
    let gateway = Gateway::start();
    let faketime = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/lib/libfaketime.so.1");
    assert!(Path::new(faketime).exists(), "the movable clock is missing; run: make test-tools");
    let mut doctor = command(gateway.home.path(), &["doctor", "--json"]);
    let output = doctor.env("LD_PRELOAD", faketime).env("FAKETIME", "+10m").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let evidence = finding(&report, "clock-skew")["evidence"][0].as_str().unwrap();
    assert!(evidence.starts_with("the gateway's clock is ") && evidence.ends_with("behind this one"), "{evidence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pairings_that_cannot_be_read_are_reported_and_left_alone() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let paired = state(gateway.home.path()).join("devices/paired.json");
    std::fs::create_dir(paired.parent().unwrap()).unwrap();
    std::fs::write(&paired, "{\"a\": {").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(state(gateway.home.path()).join("state/gateway.sqlite"));
    let mut store = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("UPDATE devices SET roles = 'nonsense'").execute(&mut store).await.unwrap();
    sqlx::Connection::close(store).await.unwrap();
    let report = report(gateway.home.path(), &["--fix"]);
    let evidence = finding(&report, "store-rows")["evidence"][0].as_str().unwrap();
    assert!(evidence.starts_with("device "), "{evidence}");
    let left = finding(&report, "openclaw-state");
    assert!(left["evidence"][0].as_str().unwrap().starts_with(paired.to_str().unwrap()), "{left}");
    assert_eq!(std::fs::read_to_string(&paired).unwrap(), "{\"a\": {");
}

#[test]
fn an_expired_certificate_is_found_where_a_proxy_shows_it() {
    let gateway = Gateway::start();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2024, 2, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    // Nobody obeys `gateway.tls`, so nobody reads its file.
    gateway.run(&["config", "set", "gateway.tls.certPath", "/nowhere.pem"]);
    gateway.run(&["config", "set", "plugins.entries.device-pair.config.publicUrl", &url]).ok();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let _ = connection.complete_io(&mut stream.unwrap());
        }
    });
    let report = report(gateway.home.path(), &[]);
    assert_eq!(wrong(&report), ["certificate"]);
    assert_eq!(finding(&report, "certificate")["evidence"], json!(["good until 2024-02-01"]));
    assert_eq!(finding(&report, "pairing-switches")["fix"], "openclaw config unset gateway.tls");
}

#[test]
fn what_openclaw_left_is_taken_over_once_and_its_files_stay() {
    let gateway = Gateway::start();
    let identity = client::Identity::from_seed([7; 32]);
    let record = json!({
        "publicKey": identity.public_key().to_base64url(), "displayName": "Old phone", "clientId": "cli", "clientMode": "cli",
        "platform": "linux", "role": "operator", "roles": ["operator"], "scopes": ["operator.read"],
        "tokens": {}, "createdAtMs": 1, "approvedAtMs": 1,
    });
    let text = json!({identity.device_id().as_str(): record, "damaged": {"publicKey": 7}}).to_string();
    let file = state(gateway.home.path()).join("devices/paired.json");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &text).unwrap();
    for secret in [&file, file.parent().unwrap()] {
        std::fs::set_permissions(secret, Permissions::from_mode(0o700)).unwrap();
    }
    let before = report(gateway.home.path(), &[]);
    assert_eq!(wrong(&before), ["openclaw-state"]);
    let after = report(gateway.home.path(), &["--fix"]);
    assert_eq!((wrong(&after), &after["repairs"][0]["done"]), (vec![], &json!(true)), "{after}");
    assert!(finding(&after, "openclaw-state")["evidence"][0].as_str().unwrap().starts_with("damaged in "), "{after}");
    assert_eq!(gateway.list()["paired"][0]["deviceId"], identity.device_id().as_str());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    // Whoever was removed here does not come back by itself.
    gateway.run(&["devices", "remove", "Old phone"]).ok();
    let removed = report(gateway.home.path(), &["--fix"]);
    assert_eq!((wrong(&removed), &removed["repairs"]), (vec![], &json!([])), "{removed}");
    assert_eq!(gateway.list()["paired"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_nobody_sees_are_told_and_forwarded_ones_that_are_refused() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let report = report(gateway.home.path(), &[]);
    let approve = format!("openclaw devices approve {}", knock.pending.request_id);
    assert_eq!(finding(&report, "requests-unseen")["fix"], approve);
    let words: Vec<&str> = approve.split(' ').skip(1).collect();
    gateway.run(&words).ok();
    knock.opening.await.unwrap().unwrap();
}

#[test]
fn a_proxy_that_is_not_trusted_is_named_with_the_setting() {
    use std::io::{Read, Write};
    let gateway = Gateway::start();
    let mut socket = std::net::TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 10.0.0.7\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    // The log is written behind.
    let report = loop {
        let report = report(gateway.home.path(), &[]);
        if wrong(&report) == ["untrusted-proxy"] {
            break report;
        }
        assert_eq!(wrong(&report), Vec::<&str>::new());
    };
    let fix = r#"openclaw config set gateway.trustedProxies '["127.0.0.1"]'"#;
    assert_eq!(finding(&report, "untrusted-proxy")["fix"], fix);
}

#[test]
fn a_command_line_with_a_new_home_each_time_stays_one_device() {
    let gateway = Gateway::start();
    let shared = state(gateway.home.path());
    let shared = shared.to_str().unwrap();
    for line in [&["status"][..], &["devices", "list", "--url", &gateway.url(), "--token", &token(&gateway)]] {
        for _ in 0..20 {
            let ephemeral = tempfile::tempdir().unwrap();
            let output = command(ephemeral.path(), line).env("OPENCLAW_STATE_DIR", shared).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(gateway.list()["paired"].as_array().unwrap().len() <= 1);
}

/// The access token in a gateway's settings.
pub fn token(gateway: &Gateway) -> String {
    let text = std::fs::read_to_string(state(gateway.home.path()).join("openclaw.json")).unwrap();
    text.split("token: \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn a_gateway_on_loopback_in_a_container_says_what_makes_it_reachable() {
    let home = tempfile::tempdir().unwrap();
    let line = ["gateway", "run", "--port", "0"];
    let (mut gateway, heard) = start(command(home.path(), &line).env("container", "podman"));
    let hint = loop {
        let line = heard.recv_timeout(super::gateway::PATIENCE).unwrap();
        if line.starts_with("This is a container") {
            break line;
        }
    };
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(hint.ends_with("run: openclaw gateway run --bind lan"), "{hint}");
}
