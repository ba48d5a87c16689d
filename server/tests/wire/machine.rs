//! The node host of this program, on a machine of its own, in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::Identity;
use protocol::Secret;
use protocol::handshake::Auth;
use serde_json::{Value, json};
use server::config::{Environment, Paths};
use server::node::approvals::Approvals;
use server::node::ask::Asker;
use server::node::commands::Desk;
use server::node::host::{Host, Told};
use server::node::settings::{Files, Settings};
use server::node::surroundings::Surroundings;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::patiently;
use crate::gateway::NOW;

/// A machine that may become a node, on which every program may run.
pub struct Machine {
    home: TempDir,
    files: Files,
}

/// Hears what happens to a node.
pub struct Watch(mpsc::UnboundedReceiver<Told>);

impl Machine {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let rules = json!({"version": 1, "defaults": {"security": "full"}}).to_string();
        std::fs::write(home.path().join("exec-approvals.json"), rules).unwrap();
        let files = Files::of(&Paths::resolve(&environment(home.path())).unwrap(), None).unwrap();
        Self { home, files }
    }

    pub fn identity(&self) -> Identity {
        Identity::load_or_create(&self.files.identity, NOW).unwrap()
    }

    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Runs a node here for as long as the scenario takes. `token` is the gateway's secret.
    pub async fn runs(&self, url: &str, token: Option<&str>, scenario: impl AsyncFnOnce(&mut Watch)) {
        let environment = environment(self.home.path());
        let identity = self.identity();
        let (tell, told) = mpsc::unbounded_channel();
        let host = Host {
            url: Settings::gateway(url, None).unwrap(),
            identity,
            settings: Settings::load(&self.files).unwrap(),
            files: self.files.clone(),
            given: Auth { token: token.map(Secret::new), ..Auth::default() },
            desk: Arc::new(Desk {
                approvals: Approvals { file: self.home.path().join("exec-approvals.json"), home: None },
                surroundings: Surroundings::of(&environment),
                asker: Asker::Nobody,
                notifier: None,
                display_name: "Box".to_owned(),
                gateway: "The gateway".to_owned(),
            }),
            state_dir: self.home.path().to_owned(),
            tell: Box::new(move |news| drop(tell.send(news))),
        };
        let stop = CancellationToken::new();
        let mut watch = Watch(told);
        tokio::select! {
            () = host.run(&stop) => panic!("the node has given up"),
            () = scenario(&mut watch) => {}
        }
    }
}

fn environment(home: &Path) -> Environment {
    Environment::from_pairs(&[("OPENCLAW_STATE_DIR", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")])
}

impl Watch {
    /// The first of its news that is looked for, as what is read from it.
    pub async fn until<T>(&mut self, is_it: impl Fn(&Told) -> Option<T>) -> T {
        patiently(async {
            loop {
                let news = self.0.recv().await.unwrap();
                if let Some(found) = is_it(&news) {
                    return found;
                }
            }
        })
        .await
    }

    pub async fn until_in(&mut self) {
        self.until(|news| matches!(news, Told::In { .. }).then_some(())).await;
    }
}

/// Lets the time pass that a node waits for.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    // Timers count whole milliseconds.
    tokio::time::advance(time + Duration::from_millis(2)).await;
    tokio::time::resume();
}

/// A pipe that a program on a machine holds open for as long as it runs.
pub struct Lifeline {
    pipe: BufReader<pipe::Receiver>,
    path: String,
}

impl Lifeline {
    pub fn new(folder: &Path) -> Self {
        let path = folder.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let pipe = pipe::OpenOptions::new().open_receiver(&path).unwrap();
        Self { pipe: BufReader::new(pipe), path: path.to_str().unwrap().to_owned() }
    }

    /// Parameters of a `system.run` that says `runs` when it runs, and goes on until it is ended.
    pub fn endless(&self) -> Value {
        json!({"command": ["sh", "-c", format!("exec 9>'{}'; echo runs >&9; exec sleep 1000", self.path)]})
    }

    pub async fn says(&mut self, expected: &str) {
        let mut line = String::new();
        patiently(async {
            // Until the program has opened its end, there is nothing to read and nothing that ends.
            while line.is_empty() {
                self.pipe.read_line(&mut line).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(line.trim_end(), expected);
    }

    /// Waits until nobody holds it any more.
    pub async fn ends(&mut self) {
        let mut rest = String::new();
        patiently(self.pipe.read_line(&mut rest)).await.unwrap();
        assert_eq!(rest, "");
    }
}
