//! Backups, moving in and out, panic: as a person types them, with the gateway up and down.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use client::Identity;
use serde_json::{Value, json};

use super::gateway::{Gateway, command, run, thrown_out};

fn state_dir(home: &Path) -> PathBuf {
    home.join(".openclaw")
}

fn settings(home: &Path) -> String {
    std::fs::read_to_string(state_dir(home).join("openclaw.json")).unwrap()
}

/// The ids of the paired devices, whether a gateway runs or not.
fn paired(home: &Path) -> Vec<String> {
    let list = run(home, &["devices", "list", "--json"]).json();
    let ids = list["paired"].as_array().unwrap().iter();
    ids.map(|device| device["deviceId"].as_str().unwrap().to_owned()).collect()
}

fn log(home: &Path) -> String {
    std::fs::read_to_string(state_dir(home).join("logs/openclaw.log")).unwrap()
}

fn backup(home: &Path) -> String {
    home.join("backup.tar").to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_the_gateway_runs_brings_everything_back() {
    let mut gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let home = gateway.home.path().to_owned();
    let (out, before, text) = (backup(&home), paired(&home), settings(&home));
    let created = gateway.run(&["backup", "create", "--out", &out, "--json"]).json();
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let named: Vec<&str> =
        created["manifest"]["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["gateway.sqlite", "openclaw.json", "gateway.key", "gateway-identity.json"]);
    assert!(run(&home, &["backup", "verify", &out]).ok().contains("1 paired device"));
    let again = run(&home, &["backup", "create", "--out", &out]).refused();
    assert!(again.stderr.contains("hint: name a file that is not there yet"), "{}", again.stderr);

    let refused = run(&home, &["backup", "restore", &out, "--yes"]).refused();
    assert!(
        refused.stderr.contains("nothing was changed") && refused.stderr.contains("hint: stop it"),
        "{}",
        refused.stderr
    );

    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
    run(&home, &["devices", "remove", "Phone"]).ok();
    std::fs::write(state_dir(&home).join("openclaw.json"), "{}").unwrap();
    std::fs::remove_file(state_dir(&home).join("state/gateway.key")).unwrap();
    let unasked = run(&home, &["backup", "restore", &out]).refused();
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert_eq!(paired(&home), Vec::<String>::new());

    let restored = run(&home, &["backup", "restore", &out, "--yes", "--json"]).json();
    assert_eq!((paired(&home), settings(&home)), (before, text));
    let kept: Vec<&str> =
        restored["replaced"].as_array().unwrap().iter().filter_map(|one| one["before"].as_str()).collect();
    assert!(kept.iter().all(|file| Path::new(file).exists() && file.contains(".before-restore-")), "{kept:?}");
    let old = kept.iter().find(|file| file.contains("openclaw.json")).unwrap();
    assert_eq!(std::fs::read_to_string(old).unwrap(), "{}");
    assert_eq!(restored["replaced"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_one_wrong_byte_is_refused_before_anything_changes() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let home = gateway.home.path().to_owned();
    let out = backup(&home);
    gateway.run(&["backup", "create", "--out", &out]).ok();
    drop_process(gateway, |home| {
        let whole = std::fs::read(&out).unwrap();
        let (text, middle) = (settings(home), whole.len() / 2);
        let mut changed = whole.clone();
        changed[middle] ^= 1;
        let cut_off = whole[..middle].to_vec();
        for (content, why) in [(changed, "was changed"), (cut_off, "cut off"), (b"junk".to_vec(), "no sound backup")] {
            std::fs::write(&out, content).unwrap();
            for line in [&["backup", "verify", &out][..], &["backup", "restore", &out, "--yes"]] {
                let refused = run(home, line).refused();
                assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
            }
        }
        assert_eq!((settings(home), paired(home).len()), (text, 1));
    });
}

/// Ends the gateway as a power failure would, and goes on in its home.
fn drop_process(mut gateway: Gateway, then: impl FnOnce(&Path)) {
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
    then(gateway.home.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn panic_throws_everyone_out_and_says_how_to_get_back_in() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone\u{1b}[2J").await;
    let before = settings(gateway.home.path());
    let asked = gateway.run(&["panic"]).refused();
    assert!(asked.stderr.contains("openclaw panic --yes") && asked.stderr.contains("Nothing was changed"));
    let done = gateway.run(&["panic", "--yes"]);
    for expected in ["openclaw dashboard", "auth-token --show", "openclaw devices list"] {
        assert!(done.stderr.contains(expected), "{expected}: {}", done.stderr);
    }
    let said = done.ok();
    assert!(said.contains("Revoked 1 device") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(thrown_out(phone).await, 4001);
    assert_ne!(settings(gateway.home.path()), before);
    assert!(gateway.list()["paired"][0]["tokens"][0].get("revokedAtMs").is_some());
    assert!(gateway.run(&["devices", "list"]).ok().contains("operator (revoked)"));
    let log = log(gateway.home.path());
    assert!(log.contains("PANIC: the owner throws everyone out") && log.contains("PANIC: done"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn panic_works_on_the_store_while_no_gateway_runs_and_the_log_tells_of_it() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    drop_process(gateway, |home| {
        let (before, key) = (settings(home), std::fs::read(state_dir(home).join("state/gateway.key")).unwrap());
        std::fs::remove_file(state_dir(home).join("logs/openclaw.log")).unwrap();
        let done = run(home, &["panic", "--yes", "--json"]).json();
        assert_eq!(done["revoked"][0]["deviceId"], Identity::from_seed([1; 32]).device_id().as_str());
        assert_ne!(settings(home), before);
        assert_ne!(std::fs::read(state_dir(home).join("state/gateway.key")).unwrap(), key);
        assert!(log(home).contains("PANIC: done"));
    });
}

fn legacy(dir: &Path) {
    let identity = Identity::from_seed([7; 32]);
    let record = json!({
        "publicKey": identity.public_key().to_base64url(), "displayName": "Old phone", "clientId": "cli", "clientMode": "cli",
        "platform": "linux", "role": "operator", "roles": ["operator"], "scopes": ["operator.read"],
        "tokens": {"operator": {"token": "old-token", "role": "operator", "scopes": ["operator.read"], "createdAtMs": 1}},
        "createdAtMs": 1, "approvedAtMs": 1,
    });
    std::fs::create_dir_all(dir.join("devices")).unwrap();
    let records = json!({identity.device_id().as_str(): record, "damaged": {"publicKey": 7}});
    std::fs::write(dir.join("devices/paired.json"), records.to_string()).unwrap();
}

#[test]
fn migrate_takes_over_what_openclaw_left_in_the_same_directory_while_no_gateway_runs() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let nothing = run(home, &["migrate"]).refused();
    assert!(nothing.stderr.contains("hint: name its state directory"), "{}", nothing.stderr);
    legacy(&state_dir(home));
    let rehearsed = run(home, &["migrate", "--dry-run"]).ok();
    assert!(rehearsed.contains("1 would be taken over, 0 known already, 1 skipped"), "{rehearsed}");
    assert_eq!(paired(home), Vec::<String>::new());
    let moved = run(home, &["migrate"]).ok();
    for expected in ["taken over", "Old phone", "skipped", "it has no public key"] {
        assert!(moved.contains(expected), "{expected}: {moved}");
    }
    assert_eq!(paired(home), [Identity::from_seed([7; 32]).device_id().as_str()]);
    let again = run(home, &["migrate", "--json"]).json();
    let outcomes: Vec<_> =
        again["items"].as_array().unwrap().iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    assert_eq!((outcomes.contains(&"known"), outcomes.contains(&"imported")), (true, false));
}

#[test]
fn migrate_and_export_also_work_beside_a_gateway_that_runs() {
    let gateway = Gateway::start();
    let elsewhere = tempfile::tempdir().unwrap();
    legacy(elsewhere.path());
    // As typed in another folder than the gateway's.
    let mut migrate = command(gateway.home.path(), &["migrate", "--from", "."]);
    assert!(migrate.current_dir(elsewhere.path()).output().unwrap().status.success());
    assert_eq!(gateway.list()["paired"][0]["displayName"], "Old phone");
    let out = elsewhere.path().join("out");
    let export = ["export", "--out", out.to_str().unwrap()];
    assert!(gateway.run(&export).ok().contains("1 device"));
    let file = out.join("devices/paired.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let records: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(records[Identity::from_seed([7; 32]).device_id().as_str()]["displayName"], "Old phone");
    let again = gateway.run(&export).refused();
    assert!(again.stderr.contains("nothing was written"), "{}", again.stderr);
}
