//! What can be lost, and what is lost with it: never a pairing (docs/recovery.md).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::ask::{Ask, Key};
use crate::client::{Client, patiently};
use crate::gateway::{TOKEN, TestGateway};

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed))
}

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner
}

async fn paired(gateway: &TestGateway) -> Vec<Value> {
    let list = owner(gateway).await.call("device.pair.list", json!({})).await.unwrap();
    list["paired"].as_array().unwrap().clone()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

async fn store(home: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(home.join("state/gateway.sqlite")).connect().await.unwrap()
}

/// Waits until the copy of the store has that many devices.
async fn until_copied(gateway: &TestGateway, devices: i64) -> PathBuf {
    let file = gateway.home.path().join("backups/last-good.sqlite");
    patiently(async {
        loop {
            if let Ok(mut copy) = SqliteConnectOptions::new().filename(&file).read_only(true).connect().await {
                let counted: Result<(i64,), _> =
                    sqlx::query_as("SELECT count(*) FROM devices").fetch_one(&mut copy).await;
                copy.close().await.unwrap();
                if counted.is_ok_and(|(count,)| count == devices) {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    file
}

#[tokio::test]
async fn losing_the_settings_costs_the_token_but_no_pairing() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let settings = gateway.home.path().join("openclaw.json");
    let gateway = gateway.restart_after(async |_: &Path| std::fs::remove_file(&settings).unwrap()).await;
    gateway.local().await.enter(&device(1).auth("deviceToken", &token)).await;
    let text = std::fs::read_to_string(gateway.home.path().join("openclaw.json")).unwrap();
    assert!(text.contains("token: \"") && !text.contains(TOKEN), "{text}");
    assert_eq!(gateway.local().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
}

#[tokio::test]
async fn losing_the_token_costs_nothing_but_a_new_one() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let without = json!({"gateway": {"trustedProxies": ["127.0.0.1"]}}).to_string();
    let gateway =
        gateway.restart_after(async |home: &Path| std::fs::write(home.join("openclaw.json"), without).unwrap()).await;
    gateway.remote().await.enter(&device(1).auth("deviceToken", &token)).await;
    let config = gateway.state().config();
    let new_token = config.shared_secret().unwrap().reveal();
    assert_ne!(new_token, TOKEN);
    gateway.local().await.enter(&Ask::cli(&["operator.admin"]).token(new_token)).await;
}

#[tokio::test]
async fn with_every_admin_gone_the_owner_of_the_machine_still_decides() {
    let gateway = TestGateway::start().await;
    let ask = Ask::cli(&["operator.admin"]).device(&Key::new(1));
    gateway.pair(&ask).await;
    let mut owner = owner(&gateway).await;
    let admin = json!({"deviceId": Key::new(1).id(), "role": "operator"});
    owner.call("device.token.revoke", admin).await.unwrap();
    let again = gateway.remote().await.refused(&ask.clone().token(TOKEN)).await;
    owner.call("device.pair.approve", json!({"requestId": again.request_id()})).await.unwrap();
    gateway.remote().await.enter(&ask.token(TOKEN)).await;
    assert_eq!(paired(&gateway).await.len(), 1);
}

#[tokio::test]
async fn losing_the_server_key_costs_tokens_but_no_pairing() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let gateway =
        gateway.restart_after(async |home: &Path| std::fs::remove_file(home.join("state/gateway.key")).unwrap()).await;
    let refused = gateway.remote().await.refused(&device(1).auth("deviceToken", &token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    gateway.remote().await.enter(&device(1).token(TOKEN)).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_set_aside_and_its_last_good_copy_takes_its_place() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let copy = until_copied(&gateway, 1).await;
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let junk = b"junk from a broken disk ".repeat(4000);
    let gateway = gateway
        .restart_after(async |home: &Path| std::fs::write(home.join("state/gateway.sqlite"), &junk).unwrap())
        .await;
    gateway.remote().await.enter(&device(1).auth("deviceToken", &token)).await;
    let kept = names(&gateway.home.path().join("quarantine"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(std::fs::read(gateway.home.path().join("quarantine").join(&kept[0])).unwrap(), junk);
    let rescues = gateway.rescues();
    assert!(rescues[0].contains("1 devices") && rescues[0].contains("openclaw devices list"), "{rescues:?}");
}

#[tokio::test]
async fn a_store_with_a_broken_page_is_noticed_at_the_start() {
    let gateway = TestGateway::start().await;
    for seed in 1..=4 {
        gateway.pair(&device(seed)).await;
    }
    until_copied(&gateway, 4).await;
    let damage = async |home: &Path| {
        let mut database = store(home).await;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut database).await.unwrap();
        let (root, size): (i64, i64) = sqlx::query_as(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'devices'",
        )
        .fetch_one(&mut database)
        .await
        .unwrap();
        database.close().await.unwrap();
        let file = home.join("state/gateway.sqlite");
        let mut bytes = std::fs::read(&file).unwrap();
        let start = usize::try_from((root - 1) * size).unwrap();
        bytes[start..start + 512].fill(0xff);
        std::fs::write(file, bytes).unwrap();
    };
    let gateway = gateway.restart_after(damage).await;
    assert_eq!(paired(&gateway).await.len(), 4);
    assert_eq!(gateway.rescues().len(), 1);
}

#[tokio::test]
async fn without_any_copy_the_gateway_starts_empty_and_says_where_the_old_store_is() {
    let gateway = TestGateway::start().await;
    gateway.pair(&device(1)).await;
    let gateway = gateway
        .restart_after(async |home: &Path| {
            std::fs::remove_dir_all(home.join("backups")).unwrap();
            std::fs::write(home.join("state/gateway.sqlite"), "junk".repeat(4000)).unwrap();
        })
        .await;
    assert_eq!(paired(&gateway).await, Vec::<Value>::new());
    assert!(gateway.rescues()[0].contains("openclaw backup restore"), "{:?}", gateway.rescues());
    gateway.pair(&device(1)).await;
}

#[tokio::test]
async fn one_bad_record_is_set_aside_and_takes_nobody_with_it() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    gateway.pair(&device(2)).await;
    gateway.remote().await.refused(&device(3).token(TOKEN)).await;
    let damage = async |home: &Path| {
        let mut database = store(home).await;
        for (statement, seed) in [
            ("UPDATE devices SET scopes = '{truncated' WHERE device_id = ?", 2),
            ("UPDATE pending_requests SET role = 'boss' WHERE device_id = ?", 3),
        ] {
            sqlx::query(statement).bind(Key::new(seed).id()).execute(&mut database).await.unwrap();
        }
        database.close().await.unwrap();
    };
    let gateway = gateway.restart_after(damage).await;
    gateway.remote().await.enter(&device(1).auth("deviceToken", &token)).await;
    let left = paired(&gateway).await;
    assert_eq!((left.len(), &left[0]["deviceId"]), (1, &json!(Key::new(1).id())));
    let kept = names(&gateway.home.path().join("quarantine"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    let text = std::fs::read_to_string(gateway.home.path().join("quarantine").join(&kept[0])).unwrap();
    for expected in [&*Key::new(2).id(), &Key::new(3).id(), "{truncated", "unknown role `boss`", "generation"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // The next start has nothing to say.
    assert_eq!(gateway.restart().await.rescues(), Vec::<String>::new());
}

#[tokio::test]
async fn copies_of_the_last_three_days_are_kept() {
    let gateway = TestGateway::start().await;
    for (day, seed) in (1..=5).enumerate() {
        gateway.pair(&device(seed)).await;
        until_copied(&gateway, i64::try_from(day).unwrap() + 1).await;
        gateway.clock.advance_ms(24 * 3_600_000);
    }
    // What a process that was killed has left goes with the next copy.
    for left in ["last-good.new", "last-good.new-journal"] {
        std::fs::write(gateway.home.path().join("backups").join(left), "half").unwrap();
    }
    gateway.pair(&device(6)).await;
    until_copied(&gateway, 6).await;
    let mut kept = Vec::new();
    gateway.restart_after(async |home: &Path| kept = names(&home.join("backups"))).await;
    let days = kept.iter().filter(|name| name.starts_with("day-")).count();
    assert_eq!((kept.len(), days), (4, 3), "{kept:?}");
}
