//! The log file of a real gateway: what is in it, and what must never be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const SECRETS: [&str; 5] =
    ["canary-token", "canary-password", "canary-device", "canary-bootstrap", "canary-gateway-token"];

/// Says `connect` with a secret in every field that can hold one; whether it gets in does not matter.
async fn connect(port: u16, secrets: Value) -> Value {
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{port}/?token=canary-token")).await.unwrap();
    socket.next().await.unwrap().unwrap();
    let client = json!({"id": "cli", "version": "1", "platform": "linux", "mode": "cli"});
    let params = json!({
        "minProtocol": 4, "maxProtocol": 4, "client": client, "role": "operator", "scopes": ["operator.admin"],
        "auth": secrets,
    });
    let request = json!({"type": "req", "id": "c1", "method": "connect", "params": params});
    socket.send(Message::text(request.to_string())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
    if answer["ok"] == true {
        let raw = r#"{gateway: {auth: {password: "canary-password"}}}"#;
        let call = json!({"type": "req", "id": "p", "method": "config.patch", "params": {"raw": raw, "baseHash": "canary-token"}});
        socket.send(Message::text(call.to_string())).await.unwrap();
        socket.next().await.unwrap().unwrap();
    }
    socket.close(None).await.unwrap();
    answer
}

#[tokio::test]
async fn the_log_says_who_came_and_never_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_openclaw"))
        .args(["gateway", "run", "--port", "0", "--token", "canary-gateway-token", "--verbose"])
        .env_clear()
        .env("HOME", home.path())
        .env("OPENCLAW_GATEWAY_PASSWORD", "canary-password")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let started =
        lines.find_map(|line| serde_json::from_str::<Value>(&line.unwrap()).ok().filter(|line| line["port"].is_u64()));
    let port = u16::try_from(started.unwrap()["port"].as_u64().unwrap()).unwrap();
    let drained = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>().join("\n"));

    let wrong = json!({
        "token": "canary-token", "password": "canary-password", "deviceToken": "canary-device",
        "bootstrapToken": "canary-bootstrap",
    });
    assert_eq!(connect(port, wrong).await["ok"], false);
    assert_eq!(connect(port, json!({"token": "canary-gateway-token"})).await["ok"], true);
    Command::new("kill").arg(process.id().to_string()).status().unwrap();
    let ended = tokio::task::spawn_blocking(move || process.wait().unwrap());
    tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap();

    let file = home.path().join(".openclaw/logs/openclaw.log");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let log = std::fs::read_to_string(&file).unwrap();
    let messages: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].as_str().unwrap().to_owned())
        .collect();
    for expected in ["The gateway runs", "Refused: ", "Connected ", "Disconnected ", "The gateway has stopped"] {
        assert!(messages.iter().any(|message| message.starts_with(expected)), "{expected} in {log}");
    }
    let stderr = drained.join().unwrap();
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} is in the file");
        assert!(!stderr.contains(secret), "{secret} is on standard error");
    }
}
