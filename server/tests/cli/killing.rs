//! Commands decide while the gateway, or one of them, is killed at any moment (pains.md T-D05.1).

use std::path::Path;
use std::process::{Child, Stdio};

use client::Identity;
use serde_json::Value;
use sqlx::{ConnectOptions, Connection};

use super::gateway::{Gateway, command, run};

/// How often, unless `OPENCLAW_TEST_ROUNDS` says otherwise. The test of the whole length is a thousand.
const ROUNDS: u64 = 20;

/// Devices that are in and get names, and devices that wait and are let in.
const NAMED: [u8; 4] = [1, 2, 3, 4];
const WAITING: [u8; 4] = [5, 6, 7, 8];

#[expect(clippy::disallowed_methods, reason = "how long a test takes is nobody's setting")]
fn rounds() -> u64 {
    std::env::var("OPENCLAW_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

fn id(seed: u8) -> String {
    Identity::from_seed([seed; 32]).device_id().as_str().to_owned()
}

fn label(list: &Value, seed: u8) -> Option<String> {
    let found = list["paired"].as_array().unwrap().iter().find(|device| device["deviceId"] == id(seed).as_str())?;
    Some(found["operatorLabel"].as_str().unwrap_or_default().to_owned())
}

fn waits(list: &Value, seed: u8) -> bool {
    list["pending"].as_array().unwrap().iter().any(|request| request["deviceId"] == id(seed).as_str())
}

async fn integrity(home: &Path) -> String {
    let file = home.join(".openclaw/state/gateway.sqlite");
    let mut store = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let verdict: (String,) = sqlx::query_as("PRAGMA integrity_check").fetch_one(&mut store).await.unwrap();
    store.close().await.unwrap();
    verdict.0
}

/// A command that goes on by itself. It ends with 0 once it was answered.
fn begin(home: &Path, line: &[&str]) -> Child {
    command(home, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_were_answered_survive_whoever_is_killed_at_any_moment() {
    let mut gateway = Gateway::start();
    for seed in NAMED {
        gateway.pair(seed, &format!("Device {seed}")).await;
    }
    let home = gateway.home.path().to_owned();
    let mut before = run(&home, &["devices", "list", "--json"]).json();
    for round in 0..rounds() {
        let mut knocks = Vec::new();
        for seed in WAITING {
            knocks.push(gateway.knock(seed, &format!("Guest {seed}")).await);
        }
        let name = |seed: u8| format!("Round {round} of {seed}");
        let mut deciding: Vec<(u8, Child)> = Vec::new();
        for (named, (waiting, knock)) in NAMED.into_iter().zip(WAITING.into_iter().zip(&knocks)) {
            deciding.push((named, begin(&home, &["devices", "rename", &id(named), &name(named)])));
            deciding.push((waiting, begin(&home, &["devices", "approve", &knock.pending.request_id])));
        }
        // Somewhere in between, another place each time, and every third time one of the commands goes as well.
        for _ in 0..(round * 7919) % 40_000 {
            std::thread::yield_now();
        }
        gateway.process.kill().unwrap();
        if round % 3 == 0 {
            let at = usize::try_from(round).unwrap() % deciding.len();
            deciding[at].1.kill().unwrap();
        }
        gateway.process.wait().unwrap();
        let answered: Vec<(u8, bool)> =
            deciding.into_iter().map(|(seed, mut command)| (seed, command.wait().unwrap().success())).collect();

        let list = run(&home, &["devices", "list", "--json"]).json();
        for (seed, is_answered) in answered {
            let found = label(&list, seed);
            if WAITING.contains(&seed) {
                assert!(
                    found.is_some() || (!is_answered && waits(&list, seed)),
                    "round {round}: {seed} is lost: {list}"
                );
                assert!(found.is_none() || !waits(&list, seed), "round {round}: {seed} is in and waits: {list}");
            } else {
                let is_old = !is_answered && found == label(&before, seed);
                assert!(found == Some(name(seed)) || is_old, "round {round}: {seed} is called {found:?}");
            }
        }
        assert_eq!(integrity(&home).await, "ok", "round {round}");
        assert!(!home.join(".openclaw/quarantine").exists(), "round {round}");
        for seed in WAITING.into_iter().filter(|seed| label(&list, *seed).is_some()) {
            run(&home, &["devices", "remove", &id(seed)]).ok();
        }
        before = list;
        gateway.start_again();
    }
    let out = home.join("backup.tar");
    let backup = run(&home, &["backup", "create", "--out", out.to_str().unwrap()]).ok();
    assert!(backup.contains("4 paired devices"), "{backup}");
}
