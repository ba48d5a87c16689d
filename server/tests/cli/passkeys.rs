//! `openclaw passkeys`: the way back when one is lost, with the gateway up and down.

use std::path::Path;

use serde_json::json;

use super::gateway::{Gateway, run};

/// Puts passkeys into the store of this home, as pages would have added them.
async fn add(home: &Path, passkeys: &[(&str, &str)]) {
    let store = home.join(".openclaw/state/gateway.sqlite");
    let pool =
        sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&store)).await.unwrap();
    for (id, name) in passkeys {
        sqlx::query("INSERT INTO passkeys VALUES (?, 'gw.example.com', ?, x'a0', 0, '[]', 1, NULL)")
            .bind(id)
            .bind(name)
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_listed_and_removed_with_the_gateway_up_and_down() {
    let gateway = Gateway::start();
    let none = gateway.run(&["passkeys", "list"]).ok();
    assert_eq!(none, "No passkey is registered. Add one in the Control UI, under Settings.\n");
    let id = |start: &str| format!("{start}{}", "A".repeat(20));
    let (phone, laptop, other) = (id("PhoNe"), id("LapTop"), id("PhoX"));
    add(gateway.home.path(), &[(&phone, "Phone"), (&laptop, "Laptop"), (&other, "Key")]).await;
    let listed = gateway.run(&["passkeys", "list"]).ok();
    assert!(listed.lines().nth(1).unwrap().starts_with("PhoNeAAAAAAA  Phone   gw.example.com"), "{listed}");
    let json = gateway.run(&["passkeys", "list", "--json"]).json();
    assert_eq!((&json["passkeys"][1]["id"], &json["stepUp"]), (&json!(laptop), &json!("public-admin")));

    let unknown = gateway.run(&["passkeys", "remove", "Watch"]).refused().stderr;
    assert!(unknown.contains("No passkey goes by `Watch`") && unknown.contains("Laptop"), "{unknown}");
    assert!(
        gateway.run(&["passkeys", "remove", "PHON"]).refused().stderr.contains("No passkey goes by"),
        "capitals count"
    );
    let removed = gateway.run(&["passkeys", "remove", "laptop"]).ok();
    assert_eq!(removed, "Removed the passkey Laptop. The others go on.\n");
    assert_eq!(gateway.run(&["passkeys", "remove", "PhoN", "--json"]).json(), json!({"id": phone}));
    let home = gateway.stop();
    let last = run(home.path(), &["passkeys", "remove", &other]).ok();
    assert!(last.starts_with("Removed the passkey Key. It was the last one"), "{last}");
    let rows = run(home.path(), &["audit", "--action", "passkey-removed", "--json"]).json();
    let notes: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["by"]["kind"], &row["note"])).collect();
    let (owner, notes_then) =
        (json!("owner"), ["Key", "Phone", "Laptop"].map(|name| json!(format!("{name} (gw.example.com)"))));
    assert_eq!(notes, notes_then.iter().map(|note| (&owner, note)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_approves_on_this_machine_what_takes_a_passkey_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    let settings = json!({"gateway": {"stepUp": "always", "auth": {"token": "a-token-that-is-long"}}});
    std::fs::write(home.path().join(".openclaw/openclaw.json"), settings.to_string()).unwrap();
    let gateway = Gateway::start_in(home);
    add(gateway.home.path(), &[("AAAAAAAA", "Key")]).await;
    let knock = gateway.knock(1, "Phone").await;
    gateway.run(&["devices", "approve", &knock.pending.request_id]).ok();
    knock.opening.await.unwrap().unwrap();

    // The same command as a device of its own cannot show one, and says what to do.
    let waiting = gateway.knock(2, "Tablet").await;
    let url = gateway.url();
    let line = ["devices", "approve", &waiting.pending.request_id, "--url", &url, "--token", "a-token-that-is-long"];
    let refused = gateway.run(&line).refused().stderr;
    assert!(refused.contains("This takes one of the owner's passkeys."), "{refused}");
    gateway.run(&["devices", "approve", &waiting.pending.request_id]).ok();
    waiting.opening.await.unwrap().unwrap();
}
