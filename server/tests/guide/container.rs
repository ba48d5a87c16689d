//! Fixes 3 and 4: a gateway in a network of its own behind a bridge, as Docker makes it, and a node that is turned
//! away without leaving a request.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::Phone;
use crate::doctor::state;
use crate::gateway::{Done, PATIENCE, command, lines, start};
use crate::root::needs_root;

/// A gateway behind a bridge. It ends with the test.
struct Container {
    process: Child,
    link: String,
    number: u8,
    /// The host's end, as the gateway sees it, and the gateway's.
    outside: String,
    inside: String,
}

impl Container {
    /// Starts the gateway of this home in a network namespace, and makes the bridge to it.
    fn start(home: &Path) -> Self {
        static BRIDGES: AtomicU8 = AtomicU8::new(0);
        needs_root();
        Self::start_at(home, BRIDGES.fetch_add(1, Ordering::Relaxed))
    }

    /// What `docker compose restart` does: the same place, the same state.
    fn restart(self, home: &Path) -> Self {
        let number = self.number;
        drop(self);
        Self::start_at(home, number)
    }

    fn start_at(home: &Path, number: u8) -> Self {
        let net = format!("172.{}.{}", 18 + number % 12, std::process::id() % 250);
        let (outside, inside) = (format!("{net}.1"), format!("{net}.2"));
        let wait = "read _; exec \"$0\" gateway run --bind lan --port 18789";
        let mut process = Command::new("unshare")
            .args(["--net", "/bin/sh", "-c", &format!("echo started; {wait}"), env!("CARGO_BIN_EXE_openclaw")])
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        let (pid, link) = (process.id().to_string(), format!("oc{}x{number}", std::process::id()));
        ip(&["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &pid]);
        ip(&["addr", "add", &format!("{outside}/24"), "dev", &link]);
        ip(&["link", "set", &link, "up"]);
        let container = Self { process, link, number, outside, inside };
        container.ip(&["addr", "add", &format!("{}/24", container.inside), "dev", "eth0"]);
        container.ip(&["link", "set", "eth0", "up"]);
        container.ip(&["link", "set", "lo", "up"]);
        container.go(stdout)
    }

    fn go(mut self, stdout: impl std::io::Read + Send + 'static) -> Self {
        self.process.stdin.take().unwrap().write_all(b"\n").unwrap();
        let (said, heard) = mpsc::channel();
        lines(stdout, said.clone());
        lines(self.process.stderr.take().unwrap(), said);
        while !heard.recv_timeout(PATIENCE).unwrap().contains("The gateway runs on") {}
        self
    }

    fn ip(&self, words: &[&str]) {
        let done = self.enter("ip", words).output().unwrap();
        assert!(done.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn enter(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.process.id().to_string(), "--net", program]).args(words);
        command
    }

    /// What `docker exec` does: a command of ours inside.
    fn exec(&self, home: &Path, words: &[&str]) -> Done {
        let mut command = self.enter(env!("CARGO_BIN_EXE_openclaw"), words);
        let output = command.env_clear().env("HOME", home).env("container", "docker").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn url(&self) -> String {
        format!("ws://{}:18789", self.inside)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        ip(&["link", "del", &self.link]);
    }
}

fn ip(words: &[&str]) {
    let done = Command::new("ip").args(words).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    assert!(done.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn home(settings: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(state(home.path())).unwrap();
    let text = format!("{{ gateway: {{ auth: {{ token: 'right' }}, {settings} }} }}");
    std::fs::write(state(home.path()).join("openclaw.json"), text).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_3_the_host_of_a_container_is_approved_from_inside() {
    let home = home("bind: 'lan'");
    let container = Container::start(home.path());
    let phone = Phone(1);
    phone
        .is_let_in(&container.url(), async |request| {
            let told = container.exec(home.path(), &["doctor"]).refused().stdout;
            for expected in [
                "[docker-bridge]",
                &container.outside,
                &format!("docker exec CONTAINER openclaw devices approve {request}"),
            ] {
                assert!(told.contains(expected), "{expected}: {told}");
            }
            assert!(container.exec(home.path(), &["devices", "list"]).ok().contains(request));
            container.exec(home.path(), &["devices", "approve", request]).ok();
        })
        .await;
    // A container that is started again keeps its devices.
    let container = container.restart(home.path());
    phone.is_known(&container.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_3_a_proxy_in_front_of_a_container_becomes_a_trusted_one() {
    let home = home("bind: 'lan'");
    let container = Container::start(home.path());
    let proxy = proxy(format!("{}:18789", container.inside)).await;
    let refused = first_line(proxy).await;
    assert_eq!(refused, "HTTP/1.1 403 Forbidden");

    // The file that the guide names; the doctor takes over what is in it.
    let text = format!("{{ \"gateway\": {{ \"trustedProxies\": [\"{}/16\"] }} }}", container.outside);
    std::fs::write(state(home.path()).join("openclaw.config.json"), text).unwrap();
    let told = container.exec(home.path(), &["doctor", "--fix"]);
    assert!(
        told.stdout.contains("fixed    other-settings: set gateway.trustedProxies"),
        "{}{}",
        told.stdout,
        told.stderr
    );
    let container = container.restart(home.path());
    Phone(1)
        .is_let_in(&format!("ws://{proxy}"), async |request| {
            let listed = container.exec(home.path(), &["devices", "list"]).ok();
            assert!(listed.contains("192.168.7.9"), "{listed}");
            container.exec(home.path(), &["devices", "approve", request]).ok();
        })
        .await;
}

/// A reverse proxy on the host that says for whom it asks.
async fn proxy(gateway: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                let mut upstream = TcpStream::connect(gateway).await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                head.extend(b"X-Forwarded-For: 192.168.7.9\r\n");
                upstream.write_all(&head).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut upstream).await;
            });
        }
    });
    address
}

async fn first_line(at: SocketAddr) -> String {
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A node that ends with its test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_node(home: &Path, line: &[&str]) -> (Node, mpsc::Receiver<String>) {
    let (process, heard) = start(&mut command(home, line));
    (Node(process), heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_4_a_remote_node_that_leaves_no_request() {
    let home = home("bind: 'lan', pairing: { knock: 'off' }");
    let container = Container::start(home.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let pending = || container.exec(home.path(), &["devices", "list", "--json"]).json()["pending"].clone();
    let (node, heard) = run_node(elsewhere.path(), &["node", "run", "--host", &container.inside]);
    loop {
        let line = heard.recv_timeout(PATIENCE).unwrap();
        if line.contains("token missing") {
            break;
        }
    }
    drop(node);
    assert_eq!(pending(), serde_json::json!([]));

    let guide = ["node", "run", "--node-id", "my-node", "--display-name", "My Node"];
    let flags = ["--host", &container.inside, "--token", "right"];
    let (_node, heard) = run_node(elsewhere.path(), &[&guide[..], &flags].concat());
    let request = loop {
        let line = heard.recv_timeout(PATIENCE).unwrap();
        if let Some(request) = line.trim().strip_prefix("openclaw devices approve ") {
            break request.to_owned();
        }
    };
    assert_eq!(pending()[0]["displayName"], "My Node");
    container.exec(home.path(), &["devices", "approve", &request]).ok();
    while !heard.recv_timeout(PATIENCE).unwrap().contains("Connected to ") {}
}
