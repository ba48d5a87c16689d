//! `openclaw audit`: what was decided, with the gateway up and down.

use serde_json::Value;

use super::gateway::{Gateway, run};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_shown_exported_and_verified_with_the_gateway_up_and_down() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    gateway.run(&["devices", "rename", "Phone", "Kitchen"]).ok();
    let shown = gateway.run(&["audit", "--action", "renamed"]).ok();
    let line = shown.lines().nth(1).unwrap();
    assert!(line.contains("renamed") && line.contains("Phone") && line.contains("the owner"), "{shown}");
    assert!(line.ends_with("Kitchen") && shown.lines().count() == 2, "{shown}");
    let home = gateway.stop();

    // Down, it works on the store, and goes on with the same chain.
    run(home.path(), &["devices", "remove", "Kitchen"]).ok();
    let rows = run(home.path(), &["audit", "--json"]).json();
    assert_eq!((&rows[0]["action"], &rows[0]["about"]["name"]), (&"removed".into(), &"Kitchen".into()));
    let verified = run(home.path(), &["audit", "--verify"]).ok();
    assert!(verified.starts_with("Nothing was changed or taken out"), "{verified}");
    let file = home.path().join("decisions.jsonl");
    run(home.path(), &["audit", "--export", file.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    let exported: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), rows.as_array().unwrap().len());
    assert_eq!(exported.first().map(|row| row["seq"].clone()), Some(1.into()));
    assert_eq!(run(home.path(), &["audit", "--export", "-"]).ok(), text);
    assert_eq!(run(home.path(), &["audit", "--search", "nowhere"]).ok(), "Nothing was decided that fits.\n");
    assert_eq!(run(home.path(), &["audit", "--action", "guessed"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tampered_with_is_named() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let home = gateway.stop();
    let store = home.path().join(".openclaw/state/gateway.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&store);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for statement in [
        "DROP TRIGGER audit_is_never_changed",
        "UPDATE audit SET entry = replace(entry, 'Phone', 'Other') WHERE seq = 2",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let refused = run(home.path(), &["audit", "--verify"]).refused();
    assert!(refused.stderr.contains("at number 2: its text or its hash was changed"), "{}", refused.stderr);
    let verdict = run(home.path(), &["audit", "--verify", "--json"]).refused();
    assert_eq!(serde_json::from_str::<Value>(&verdict.stdout).unwrap()["firstBad"], 2);
}
