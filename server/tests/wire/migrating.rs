//! Moving in from OpenClaw: its real state, read and left alone, and devices that come in as before (wire.md §6.4).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{NOW, TOKEN, TestGateway};

/// The tables of a state database that the gateway of openclaw@2026.9.6 wrote, with three devices whose keys are
/// those of the seeds 1, 2 and 4, and its own node host.
const OFFICIAL: &str = include_str!("../fixtures/openclaw-2026.9.6.sql");

/// The tokens that it gave to the devices 1 and 2, and to 4, which was revoked.
const LAPTOP_TOKEN: &str = "S9z-MElnaEXh3tlqxQaI22U5g4Y32cqyr5YeFYwj4o4";
const SHED_TOKEN: &str = "OiG5_J_QiZgZi20vU2bW_8OS2snVJL7YuJTIW6F6ObA";
const OLD_TOKEN: &str = "f1gWMPn7spumEzuwxKu7Or3kp1b-GznLfLt8x1qbvvE";

/// A state directory of OpenClaw with that database.
async fn official() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("state")).unwrap();
    let mut database = open(dir.path()).await;
    sqlx::raw_sql(OFFICIAL).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    dir
}

async fn open(dir: &Path) -> SqliteConnection {
    let file = dir.join("state/openclaw.sqlite");
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap()
}

/// Every file below a directory, with its content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = std::fs::read(&path).unwrap();
            found.insert(path, content);
        }
    }
    found
}

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner
}

async fn migrate(gateway: &TestGateway, from: &Path) -> Value {
    owner(gateway).await.call("owner.migrate", json!({"from": from})).await.unwrap()
}

/// What became of the records, by outcome: names or ids.
fn outcomes(migrated: &Value, outcome: &str) -> Vec<String> {
    let items = migrated["items"].as_array().unwrap().iter().filter(|item| item["outcome"] == outcome);
    items.map(|item| item["name"].as_str().or(item["id"].as_str()).unwrap().to_owned()).collect()
}

fn reason<'a>(migrated: &'a Value, id: &str) -> &'a str {
    let item = migrated["items"].as_array().unwrap().iter().find(|item| item["id"] == id);
    item.unwrap_or_else(|| panic!("{id}: {migrated:#}"))["reason"].as_str().unwrap()
}

fn laptop() -> Ask {
    Ask::cli(&["operator.read", "operator.write"]).device(&Key::new(1))
}

fn shed() -> Ask {
    Ask::offering(&["system.run", "system.which"]).device(&Key::new(2))
}

/// A record as the legacy files have it.
fn legacy_record(seed: u8) -> Value {
    json!({
        "deviceId": Key::new(seed).id(), "publicKey": Key::new(seed).public(), "displayName": format!("Legacy {seed}"),
        "platform": "linux", "clientId": "cli", "clientMode": "cli", "role": "operator", "roles": ["operator"],
        "scopes": ["operator.read"], "createdAtMs": 7, "approvedAtMs": 8,
        "tokens": {"operator": {"token": format!("legacy-token-{seed}"), "role": "operator", "scopes": ["operator.read"], "createdAtMs": 7}},
    })
}

/// A state directory of an old OpenClaw, with these files.
fn legacy(contents: &[(&str, String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in contents {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    dir
}

#[tokio::test]
async fn devices_come_in_with_the_tokens_that_openclaw_gave_them() {
    let gateway = TestGateway::start().await;
    let migrated = migrate(&gateway, official().await.path()).await;
    assert_eq!(outcomes(&migrated, "imported").len(), 5, "four devices and this machine's key: {migrated:#}");

    let hello = gateway.remote().await.enter(&laptop().auth("deviceToken", LAPTOP_TOKEN)).await;
    let token = hello["auth"]["deviceToken"].as_str().unwrap();
    assert_ne!(token, LAPTOP_TOKEN, "what it gets from now on is of this gateway's making");
    for token in [token, LAPTOP_TOKEN] {
        gateway.remote().await.enter(&laptop().auth("deviceToken", token)).await;
    }
    gateway.remote().await.enter(&shed().auth("token", SHED_TOKEN)).await;
    let list = gateway.list().await;
    assert_eq!(list["pending"], json!([]));
    let named = |id: String| list["paired"].as_array().unwrap().iter().find(|device| device["deviceId"] == id).unwrap();
    let device = named(Key::new(1).id());
    assert_eq!((&device["operatorLabel"], &device["approvedVia"]), (&json!("Ada's laptop"), &json!("silent")));
    assert_eq!(
        (&device["createdAtMs"], &device["scopes"][1]),
        (&json!(1_795_282_052_337_u64), &json!("operator.write"))
    );
    let node = named(Key::new(2).id());
    assert_eq!(node["nodeSurface"]["commands"], json!(["system.run", "system.which"]));
    assert_eq!(node.get("pendingNodeSurface"), None, "what was approved there is approved here");
}

#[tokio::test]
async fn who_was_revoked_or_has_a_wrong_token_stays_out() {
    let gateway = TestGateway::start().await;
    migrate(&gateway, official().await.path()).await;
    let old = Ask::cli(&["operator.read"]).device(&Key::new(4));
    let refused = gateway.remote().await.refused(&old.clone().auth("deviceToken", OLD_TOKEN)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let again = gateway.remote().await.refused(&old.token(TOKEN)).await;
    assert_eq!(again.error["details"]["reason"], "role-upgrade");
    let swapped = gateway.remote().await.refused(&laptop().auth("deviceToken", SHED_TOKEN)).await;
    assert_eq!(swapped.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn a_rotation_and_a_removal_end_the_token_that_was_brought_along() {
    let gateway = TestGateway::start().await;
    migrate(&gateway, official().await.path()).await;
    let (laptop_id, shed_id) = (Key::new(1).id(), Key::new(2).id());
    let mut admin = gateway.admin().await;
    admin.call("device.token.rotate", json!({"deviceId": laptop_id, "role": "operator"})).await.unwrap();
    admin.call("device.pair.remove", json!({"deviceId": shed_id})).await.unwrap();
    let rotated = gateway.remote().await.refused(&laptop().auth("deviceToken", LAPTOP_TOKEN)).await;
    assert_eq!(rotated.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let removed = gateway.remote().await.refused(&shed().auth("deviceToken", SHED_TOKEN)).await;
    assert_eq!(removed.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn what_is_read_stays_as_it_is_to_the_byte_also_while_openclaw_writes() {
    let gateway = TestGateway::start().await;
    let dir = official().await;
    // As a gateway that runs leaves it: the last change is in the journal only.
    let mut running = open(dir.path()).await;
    let rename = "UPDATE device_pairing_paired SET operator_label = 'Renamed just now' WHERE display_name = 'Laptop'";
    sqlx::query(rename).execute(&mut running).await.unwrap();
    let before = files(dir.path());
    assert!(before.keys().any(|file| file.ends_with("openclaw.sqlite-wal")));
    let migrated = migrate(&gateway, dir.path()).await;
    assert!(outcomes(&migrated, "imported").contains(&"Renamed just now".to_owned()), "{migrated:#}");
    assert!(files(dir.path()) == before, "the source was changed");
    let left: Vec<_> = std::fs::read_dir(gateway.home.path().join("state")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".reading")), "{left:?}");
}

#[tokio::test]
async fn the_second_time_changes_nothing_and_what_is_known_here_is_not_overwritten() {
    let gateway = TestGateway::start().await;
    let dir = official().await;
    gateway.pair(&laptop()).await;
    let first = migrate(&gateway, dir.path()).await;
    assert_eq!(outcomes(&first, "known"), ["Ada's laptop"]);
    assert!(reason(&first, &Key::new(1).id()).contains("its own record stays"));
    let refused = gateway.remote().await.refused(&laptop().auth("deviceToken", LAPTOP_TOKEN)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let (list, stored) = (gateway.list().await, files(&gateway.home.path().join("state")));
    let second = migrate(&gateway, dir.path()).await;
    assert_eq!(outcomes(&second, "imported"), Vec::<String>::new());
    assert_eq!((gateway.list().await, outcomes(&second, "known").len()), (list, 5));
    let keys = ["cli-identity.json", "node.identity.json", "gateway.key", "gateway-identity.json"];
    let now = files(&gateway.home.path().join("state"));
    for key in keys.map(|name| gateway.home.path().join("state").join(name)) {
        assert_eq!(now[&key], stored[&key], "{}", key.display());
    }
}

#[tokio::test]
async fn who_was_removed_or_blocked_here_does_not_come_back_by_moving_in_again() {
    let gateway = TestGateway::start().await;
    let dir = official().await;
    migrate(&gateway, dir.path()).await;
    let (laptop_id, shed_id) = (Key::new(1).id(), Key::new(2).id());
    let mut admin = gateway.admin().await;
    admin.call("device.pair.remove", json!({"deviceId": laptop_id})).await.unwrap();
    admin.call("device.pair.block", json!({"deviceId": shed_id})).await.unwrap();
    gateway.clock.advance_ms(1000);
    let before = gateway.list().await;
    let mut owner = owner(&gateway).await;
    for params in
        [json!({"from": dir.path(), "dryRun": true}), json!({"from": dir.path()}), json!({"from": dir.path()})]
    {
        let again = owner.call("owner.migrate", params).await.unwrap();
        let removed = "was removed here on 2026-11-20T18:10:32Z; to let it in again: let it connect, then `openclaw devices approve`";
        assert_eq!(reason(&again, &laptop_id), removed);
        assert!(reason(&again, &shed_id).starts_with("it is blocked here; "), "{again:#}");
        assert_eq!((outcomes(&again, "skipped").len(), outcomes(&again, "imported").len()), (2, 0));
    }
    assert_eq!(gateway.list().await, before);
    let refused = gateway.remote().await.refused(&laptop().auth("deviceToken", LAPTOP_TOKEN)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");

    // Once it is let in again, its record is one like any other.
    gateway.pair(&laptop()).await;
    assert_eq!(outcomes(&migrate(&gateway, dir.path()).await, "known").len(), 4);
    // One that was blocked comes back no more easily than one that was removed.
    admin.call("device.pair.unblock", json!({"deviceId": shed_id})).await.unwrap();
    assert!(reason(&migrate(&gateway, dir.path()).await, &shed_id).starts_with("was removed here on "));
}

#[tokio::test]
async fn a_rehearsal_changes_nothing() {
    let gateway = TestGateway::start().await;
    let dir = official().await;
    let params = json!({"from": dir.path(), "dryRun": true});
    let rehearsed = owner(&gateway).await.call("owner.migrate", params).await.unwrap();
    assert_eq!((&rehearsed["dryRun"], outcomes(&rehearsed, "imported").len()), (&json!(true), 5));
    assert_eq!(gateway.list().await["paired"], json!([]));
    assert!(!gateway.state().paths.identity_file.exists());
}

#[tokio::test]
async fn the_key_of_this_machine_is_taken_over_where_there_is_none() {
    let gateway = TestGateway::start().await;
    migrate(&gateway, official().await.path()).await;
    let own = ::client::Identity::load_or_create(&gateway.state().paths.identity_file, 0).unwrap();
    assert_eq!(own.device_id().as_str(), "f58b0af53b83298d6d351beb38e8ca7c8e027e3385fb4a270162bd388b7f2821");
}

#[tokio::test]
async fn bad_records_are_skipped_with_a_reason_and_good_ones_come_in() {
    let gateway = TestGateway::start().await;
    let (good, mut incomplete, mut foreign, mut junk) =
        (legacy_record(11), legacy_record(12), legacy_record(13), legacy_record(14));
    incomplete.as_object_mut().unwrap().remove("createdAtMs");
    foreign["publicKey"] = Key::new(99).public().into();
    junk["junk"] = "x".repeat(10_000_000).into();
    let id = |seed| Key::new(seed).id();
    // Written by hand, because a map cannot hold one id twice.
    let paired = format!(
        "{{\"{}\": {good}, \"{}\": {incomplete}, \"{}\": {foreign}, \"{}\": {junk}, \"nothing\": 7, \"{}\": {incomplete}}}",
        id(11),
        id(12),
        id(13),
        id(14),
        id(11)
    );
    let dir = legacy(&[
        ("devices/paired.json", paired),
        ("devices/pending.json", "[]".to_owned()),
        ("nodes/paired.json", "{\"half".to_owned()),
    ]);
    let before = files(dir.path());
    let migrated = migrate(&gateway, dir.path()).await;
    assert_eq!(outcomes(&migrated, "imported"), ["Legacy 11"]);
    assert_eq!(reason(&migrated, &id(12)), "its createdAtMs is missing or no number");
    assert_eq!(reason(&migrated, &id(13)), "its id does not belong to its key");
    let said = migrated.to_string();
    for expected in
        ["too large", "`nothing` is no object", "a record of this id before it", "an object of records", "EOF"]
    {
        assert!(said.contains(expected), "{expected}: {migrated:#}");
    }
    assert!(files(dir.path()) == before);
    gateway
        .remote()
        .await
        .enter(&Ask::cli(&["operator.read"]).device(&Key::new(11)).auth("deviceToken", "legacy-token-11"))
        .await;
}

#[tokio::test]
async fn an_unreadable_database_does_not_keep_the_files_from_being_read() {
    let gateway = TestGateway::start().await;
    let dir = legacy(&[
        ("state/openclaw.sqlite", "this is no database, but long enough to be one".repeat(40)),
        ("devices/paired.json", json!({Key::new(11).id(): legacy_record(11)}).to_string()),
    ]);
    let migrated = migrate(&gateway, dir.path()).await;
    assert_eq!(outcomes(&migrated, "imported"), ["Legacy 11"]);
    assert!(migrated.to_string().contains("file is not a database"), "{migrated:#}");
}

#[tokio::test]
async fn requests_and_former_nodes_are_taken_over_too() {
    let gateway = TestGateway::start().await;
    let mut node = legacy_record(21);
    node["role"] = "node".into();
    node["roles"] = json!(["node"]);
    node["tokens"] = json!({"node": {"token": "legacy-node", "role": "node", "scopes": [], "createdAtMs": 7}});
    let mut waiting = legacy_record(22);
    waiting["requestId"] = "legacy-request".into();
    waiting["ts"] = NOW.into();
    let dir = legacy(&[
        ("devices/paired.json", json!({Key::new(21).id(): node}).to_string()),
        ("devices/pending.json", json!({"legacy-request": waiting}).to_string()),
        (
            "nodes/paired.json",
            json!({
                Key::new(21).id(): {"version": "1", "caps": ["system"], "commands": ["system.which"], "createdAtMs": 7, "approvedAtMs": 8},
                "orphan": {"commands": []},
            })
            .to_string(),
        ),
        ("identity/device.json", json!({"deviceId": Key::new(23).id(), "publicKey": "x", "privateKey": "FxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxc="}).to_string()),
    ]);
    let migrated = migrate(&gateway, dir.path()).await;
    assert!(reason(&migrated, "orphan").contains("no device of this id"));
    let list = gateway.list().await;
    assert_eq!(list["paired"][0]["nodeSurface"]["commands"], json!(["system.which"]));
    gateway.approve("legacy-request").await;
    let own = ::client::Identity::load_or_create(&gateway.state().paths.identity_file, 0).unwrap();
    assert_eq!(own.device_id().as_str(), Key::new(23).id());
}

#[tokio::test]
async fn a_pages_token_lives_as_long_as_the_secret_that_vouched_for_it() {
    let gateway = TestGateway::start().await;
    let with_issuer = |seed, generation: &str| {
        let mut record = legacy_record(seed);
        record["tokens"]["operator"]["issuer"] = json!({"kind": "shared-gateway-auth", "generation": generation});
        (Key::new(seed).id(), record)
    };
    // SHA-256 of "token", a zero, and the token, as OpenClaw computes it.
    let digest = <sha2::Sha256 as sha2::Digest>::digest(format!("token\0{TOKEN}"));
    let present = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
    let records: serde_json::Map<_, _> = [with_issuer(31, &present), with_issuer(32, "gone")].into_iter().collect();
    let dir = legacy(&[("devices/paired.json", Value::from(records).to_string())]);
    migrate(&gateway, dir.path()).await;
    let ask = |seed: u8| {
        Ask::cli(&["operator.read"]).device(&Key::new(seed)).auth("deviceToken", &format!("legacy-token-{seed}"))
    };
    gateway.remote().await.enter(&ask(31)).await;
    assert_eq!(gateway.remote().await.refused(&ask(32)).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    gateway.change_token("another-token-0123456789");
    assert_eq!(gateway.remote().await.refused(&ask(31)).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn what_is_exported_can_be_taken_over_again_by_a_gateway_that_knows_nothing() {
    let gateway = TestGateway::start().await;
    migrate(&gateway, official().await.path()).await;
    gateway.pair(&Ask::cli(&["operator.read"]).device(&Key::new(5))).await;
    let token =
        gateway.remote().await.enter(&laptop().auth("deviceToken", LAPTOP_TOKEN)).await["auth"]["deviceToken"].clone();
    gateway.remote().await.refused(&Ask::cli(&["operator.read"]).device(&Key::new(6)).token(TOKEN)).await;
    let exported = owner(&gateway).await.call("owner.export", json!({})).await.unwrap();
    let contents: Vec<(&str, String)> = exported["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["text"].as_str().unwrap().to_owned()))
        .collect();
    let dir = legacy(&contents);

    let other = TestGateway::start().await;
    let migrated = migrate(&other, dir.path()).await;
    assert_eq!(outcomes(&migrated, "skipped"), Vec::<String>::new(), "{migrated:#}");
    let bare = |mut list: Value| {
        for kind in ["paired", "pending"] {
            for record in list[kind].as_array_mut().unwrap() {
                record.as_object_mut().unwrap().remove("connected");
            }
        }
        list
    };
    assert_eq!(bare(other.list().await), bare(gateway.list().await));
    other.remote().await.enter(&laptop().auth("deviceToken", token.as_str().unwrap())).await;
}
