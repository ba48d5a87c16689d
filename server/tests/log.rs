//! The log file of a real gateway: what is in it, and what must never be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use client::{ConnectOptions, Connection, Endpoint, Identity};
use futures_util::{SinkExt, StreamExt};
use protocol::handshake::Auth;
use protocol::{Scopes, Secret, SetupCode};
use serde_json::{Value, json};
use server::clock::rfc3339;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

const TOKEN: &str = "canary-gateway-token";

const SECRETS: [&str; 5] = ["canary-token", "canary-password", "canary-device", "canary-bootstrap", TOKEN];

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

/// A gateway that says all it can say. It ends with the test.
struct Talkative {
    home: TempDir,
    process: Child,
    port: u16,
    said: Option<JoinHandle<String>>,
}

/// What a gateway left behind.
struct Said {
    log: String,
    stderr: String,
}

impl Talkative {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = openclaw(&home, &["gateway", "run", "--port", "0", "--token", TOKEN, "--verbose"])
            .env("OPENCLAW_GATEWAY_PASSWORD", "canary-password")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let started = lines
            .find_map(|line| serde_json::from_str::<Value>(&line.unwrap()).ok().filter(|line| line["port"].is_u64()));
        let port = u16::try_from(started.unwrap()["port"].as_u64().unwrap()).unwrap();
        let drain = move || lines.map_while(Result::ok).collect::<Vec<String>>().join("\n");
        Self { home, process, port, said: Some(std::thread::spawn(drain)) }
    }

    /// Ends it, and tells what it said.
    async fn stop(self) -> Said {
        let ended = tokio::task::spawn_blocking(move || self.end());
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap()
    }

    fn end(mut self) -> Said {
        assert!(Command::new("kill").arg(self.process.id().to_string()).status().unwrap().success());
        let stderr = self.said.take().unwrap().join().unwrap();
        assert!(self.process.wait().unwrap().success());
        let file = self.home.path().join(".openclaw/logs/openclaw.log");
        let log = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        Said { log, stderr }
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Said {
    fn messages(&self) -> Vec<String> {
        let message = |line| serde_json::from_str::<Value>(line).unwrap()["message"].as_str().unwrap().to_owned();
        self.log.lines().map(message).collect()
    }

    #[track_caller]
    fn keeps(&self, secret: &str) {
        assert!(!self.log.contains(secret), "{secret} is in the file");
        assert!(!self.stderr.contains(secret), "{secret} is on standard error");
    }
}

fn openclaw(home: &TempDir, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
    command.args(line).env_clear().env("HOME", home.path());
    command
}

#[tokio::test]
async fn the_log_says_who_came_and_never_a_secret() {
    let gateway = Talkative::start();
    let port = gateway.port;
    let wrong = json!({
        "token": "canary-token", "password": "canary-password", "deviceToken": "canary-device",
        "bootstrapToken": "canary-bootstrap",
    });
    assert_eq!(connect(port, wrong).await["ok"], false);
    assert_eq!(connect(port, json!({"token": TOKEN})).await["ok"], true);
    let said = gateway.stop().await;
    let messages = said.messages();
    for expected in ["The gateway runs", "Refused: ", "Connected ", "Disconnected ", "The gateway has stopped"] {
        assert!(messages.iter().any(|message| message.starts_with(expected)), "{expected} in {messages:#?}");
    }
    for secret in SECRETS {
        said.keeps(secret);
    }
}

/// Opens a connection with every right, and makes a code there.
async fn mint(gateway: &Talkative, identity: Option<Identity>, params: Value) -> Value {
    let mut options = ConnectOptions::command_line("1", Scopes::from(["operator.admin"]))
        .with_auth(Auth { token: Some(Secret::new(TOKEN)), ..Auth::default() });
    options.identity = identity;
    let endpoint = Endpoint::parse_url(&format!("ws://127.0.0.1:{}", gateway.port)).unwrap();
    let mut connection = Connection::open(&endpoint, &options).await.unwrap();
    let made = connection.call("device.pair.setupCode", params).await.unwrap();
    connection.close().await;
    made
}

#[tokio::test]
async fn every_way_in_that_was_made_is_written_down_with_its_maker_and_without_its_secret() {
    let gateway = Talkative::start();
    let identity = Identity::from_seed([7; 32]);
    let device = identity.device_id().as_str()[..8].to_owned();
    let limited = json!({"publicUrl": "https://gw.example", "bootstrapProfile": "limited"});
    let by_device = mint(&gateway, Some(identity), limited).await;
    let own_url = format!("http://127.0.0.1:{}", gateway.port);
    let join = json!({"publicUrl": own_url, "bootstrapProfile": "node", "joinUrl": true});
    let by_nobody = mint(&gateway, None, join).await;
    let join_url = by_nobody["joinUrl"].as_str().unwrap();
    let joined = client::fetch_join(join_url).await.unwrap();
    let dashboard = openclaw(&gateway.home, &["dashboard", "--no-open", "--json"]).output().unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard.stdout).unwrap();
    let said = gateway.stop().await;

    let messages = said.messages();
    let made: Vec<&String> = messages.iter().filter(|line| line.starts_with("A one-time code was made")).collect();
    assert_eq!(made.len(), 3, "{made:#?}");
    let words = |setup: &Value, profile: &str, by: &str| {
        let expires = rfc3339(setup["expiresAtMs"].as_u64().unwrap());
        let id = setup["setupId"].as_str().unwrap();
        [format!("setup.id={id} setup.profile={profile} setup.expires={expires} "), format!("by={by}")]
    };
    for (line, expected) in made.iter().zip([
        words(&by_device, "limited", &device),
        words(&by_nobody, "node", "a client without a device"),
        ["setup.profile=control-ui-owner ".to_owned(), "by=the owner of the machine".to_owned()],
    ]) {
        assert!(expected.iter().all(|part| line.contains(part)), "{expected:?} in {line}");
    }
    let id = by_nobody["setupId"].as_str().unwrap();
    for expected in [
        format!("A join URL was made for a one-time code setup.id={id}"),
        format!("A join URL was used setup.id={id} peer.address=127.0.0.1"),
    ] {
        assert!(messages.contains(&expected), "{expected} in {messages:#?}");
    }
    said.keeps(join_url.rsplit('/').next().unwrap());
    said.keeps(joined.bootstrap_token.reveal());
    said.keeps(dashboard["browserUrl"].as_str().unwrap().split_once("bootstrapToken=").unwrap().1);
    for setup in [by_device, by_nobody] {
        let code = setup["setupCode"].as_str().unwrap();
        said.keeps(code);
        said.keeps(SetupCode::decode(code, 0).unwrap().bootstrap_token.reveal());
    }
}
