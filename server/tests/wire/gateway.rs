//! A gateway in this process, in a home of its own, with a clock that stands still.

use protocol::{DeviceId, Secret};
use serde_json::{Value, json};
use server::Gateway;
use server::clock::Clock;
use server::config::{Config, Environment, Overrides, Paths, live};
use server::gateway::sweeper;
use server::state::AppState;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::ask::{Ask, Key};
use crate::client::{Client, Head, patiently};

pub const TOKEN: &str = "wire-token-0123456789abcdef";

/// When the clock starts.
pub const NOW: u64 = 1_795_198_232_699;

/// A public address; the clients of these tests come from it through a trusted proxy on this machine.
pub const REMOTE: &str = "192.0.2.2";

pub struct TestGateway {
    running: Gateway,
    pub clock: Clock,
    pub home: TempDir,
    env: Vec<(String, String)>,
}

/// An answer that is not a socket.
#[derive(Debug)]
pub struct Http {
    pub status: u16,
    pub head: Head,
    pub body: String,
}

impl TestGateway {
    /// One that wants a token and trusts a proxy on this machine.
    pub async fn start() -> Self {
        Self::start_with(&json!({"auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"]}), &[]).await
    }

    /// One with these settings under `gateway`.
    pub async fn start_with(settings: &Value, env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("openclaw.json"), json!({"gateway": settings}).to_string()).unwrap();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::run(home, env, Clock::fixed(NOW)).await
    }

    async fn run(home: TempDir, env: Vec<(String, String)>, clock: Clock) -> Self {
        let mut pairs: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.push(("OPENCLAW_STATE_DIR", home.path().to_str().unwrap()));
        let environment = Environment::from_pairs(&pairs);
        let paths = Paths::resolve(&environment).unwrap();
        let flags = Overrides { port: Some(0), ..Overrides::default() };
        let running = Gateway::start(paths, &environment, flags, clock.clone()).await.unwrap();
        Self { running, clock, home, env }
    }

    pub async fn restart(self) -> Self {
        self.running.stop().await;
        Self::run(self.home, self.env, self.clock).await
    }

    /// Starts again in the same home, in which something has happened meanwhile.
    pub async fn restart_after(self, happened: impl AsyncFnOnce(&std::path::Path)) -> Self {
        self.running.stop().await;
        happened(self.home.path()).await;
        Self::run(self.home, self.env, self.clock).await
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }

    pub fn state(&self) -> &AppState {
        &self.running.state
    }

    /// What had to be set aside when it started.
    pub fn rescues(&self) -> Vec<String> {
        self.running.rescues.iter().map(|rescue| rescue.sentence.clone()).collect()
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.state().port)
    }

    /// Lets time pass, and whatever is due happen.
    pub async fn pass_ms(&self, by: u64) {
        self.clock.advance_ms(by);
        sweeper::sweep(self.state()).await.unwrap();
    }

    /// Waits until the gateway has noticed that a node is gone.
    pub async fn until_gone(&self, key: &Key) {
        let node_id = DeviceId::claimed(key.id());
        patiently(async {
            while self.state().registry.node(&node_id).is_some() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until the one request that waits has been made that often.
    pub async fn until_attempts(&self, attempts: u32) {
        patiently(async {
            loop {
                let pairings = self.state().store.list_pairings().await.unwrap();
                if pairings.pending.first().is_some_and(|(pending, _)| pending.attempts >= attempts) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Puts other settings live.
    pub fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = (*self.state().config()).clone();
        change(&mut config);
        live::go_live(self.state(), &self.running.publish, config);
    }

    pub fn change_token(&self, token: &str) {
        self.change(|config| config.token = Some(Secret::new(token)));
    }

    pub async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// A socket with these headers on its upgrade.
    pub async fn open(&self, headers: &[(&str, &str)]) -> Client {
        self.open_at("/", headers).await
    }

    pub async fn open_at(&self, path: &str, headers: &[(&str, &str)]) -> Client {
        Client::open(Box::new(self.tcp().await), &self.address(), path, headers).await
    }

    /// A socket from this machine.
    pub async fn local(&self) -> Client {
        self.open(&[]).await
    }

    /// A socket from far away.
    pub async fn remote(&self) -> Client {
        self.from(REMOTE).await
    }

    pub async fn from(&self, address: &str) -> Client {
        self.open(&[("x-forwarded-for", address)]).await
    }

    /// A socket of the owner of the state directory.
    pub async fn owner(&self) -> Client {
        let stream = UnixStream::connect(&self.state().paths.owner_socket).await.unwrap();
        Client::open(Box::new(stream), "localhost", "/", &[]).await
    }

    /// A command line on this machine with every right.
    pub async fn admin(&self) -> Client {
        let mut admin = self.local().await;
        admin.enter(&Ask::admin()).await;
        admin
    }

    pub async fn approve(&self, request_id: &str) {
        let approved = self.admin().await.call("device.pair.approve", json!({"requestId": request_id})).await;
        assert_eq!(approved.unwrap()["requestId"], request_id);
    }

    /// What waits and what is in.
    pub async fn list(&self) -> Value {
        self.admin().await.call("device.pair.list", json!({})).await.unwrap()
    }

    /// Pairs a device from far away. The result is its device token.
    pub async fn pair(&self, ask: &Ask) -> String {
        let ask = ask.clone().token(TOKEN);
        let refused = self.remote().await.refused(&ask).await;
        self.approve(&refused.request_id()).await;
        let hello = self.remote().await.enter(&ask).await;
        hello["auth"]["deviceToken"].as_str().unwrap().to_owned()
    }

    /// Asks over HTTP. `lines` are further header lines.
    pub async fn http(&self, request: &str, lines: &[&str]) -> Http {
        let mut stream = self.tcp().await;
        let more: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        let closes = if more.to_ascii_lowercase().contains("connection:") { "" } else { "connection: close\r\n" };
        let head = format!("{request} HTTP/1.1\r\nhost: {}\r\n{closes}{more}\r\n", self.address());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        patiently(stream.read_to_end(&mut answer)).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = Head::parse(head);
        Http { status: head.status, head, body: body.to_owned() }
    }

    /// Tries to open a socket where no socket is to be had.
    pub async fn upgrade_refused(&self, headers: &[&str]) -> Http {
        let mut lines = vec!["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
        lines.push("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==");
        lines.extend(headers);
        self.http("GET /", &lines).await
    }
}
