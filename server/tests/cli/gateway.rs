//! A gateway of its own for each test, and the real binary to ask it with.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use client::{CallError, ConnectError, ConnectOptions, Connection, Endpoint, Identity};
use protocol::Scopes;
use protocol::event::PairPending;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway on a free port, with a home of its own. It ends with the test.
pub struct Gateway {
    pub home: TempDir,
    pub process: Child,
    pub port: u16,
}

/// What a command printed, and how it ended.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    pub fn refused(self) -> Self {
        assert_eq!(self.code, 1, "{}{}", self.stdout, self.stderr);
        self
    }
}

pub fn command(home: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
    command.args(line).env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

pub fn run(home: &Path, line: &[&str]) -> Done {
    let output = command(home, line).output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts a program that goes on, and hears what it says, whichever way.
pub fn start(command: &mut Command) -> (Child, mpsc::Receiver<String>) {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (said, heard) = mpsc::channel();
    lines(process.stdout.take().unwrap(), said.clone());
    lines(process.stderr.take().unwrap(), said);
    (process, heard)
}

/// The lines of a pipe, as they come.
pub fn lines(pipe: impl Read + Send + 'static, into: mpsc::Sender<String>) {
    std::thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| into.send(line)));
}

impl Gateway {
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// One that goes on with what is stored there.
    pub fn start_in(home: TempDir) -> Self {
        Self::start_with(home, &["gateway", "run", "--port", "0"], &[])
    }

    /// One that is started like this.
    pub fn start_with(home: TempDir, line: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = command(home.path(), line);
        command.arg("--show-owner-link").envs(env.iter().copied());
        // Nobody listens any more once it runs, as behind `| head`.
        let (process, heard) = start(&mut command);
        let port = loop {
            let line = heard.recv_timeout(PATIENCE).unwrap();
            let rest = line.split_once("#bootstrapToken=").and_then(|(address, _)| address.strip_prefix("http://"));
            if let Some(address) = rest {
                break address.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        Self { home, process, port }
    }

    pub fn run(&self, line: &[&str]) -> Done {
        run(self.home.path(), line)
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub fn list(&self) -> Value {
        self.run(&["devices", "list", "--json"]).json()
    }

    /// Ends it as its service manager would. What it stored stays.
    pub fn stop(mut self) -> TempDir {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap();
        std::mem::replace(&mut self.home, tempfile::tempdir().unwrap())
    }

    /// A device asks to be let in, showing no secret, and hears the answer.
    pub async fn ask(&self, seed: u8, name: &str) -> Result<Connection, ConnectError> {
        Connection::open(&Endpoint::parse_url(&self.url()).unwrap(), &knocking(seed, name)).await
    }

    /// A device asks to be let in, showing no secret, and waits.
    pub async fn knock(&self, seed: u8, name: &str) -> Knock {
        let endpoint = Endpoint::parse_url(&self.url()).unwrap();
        let options = knocking(seed, name);
        let (told, pending) = oneshot::channel();
        let mut told = Some(told);
        let opening = tokio::spawn(async move {
            let on_pending = |pending: &PairPending| {
                if let Some(told) = told.take() {
                    told.send(pending.clone()).unwrap();
                }
            };
            Connection::open_watched(&endpoint, &options, on_pending).await
        });
        Knock { pending: pending.await.unwrap(), opening }
    }

    /// A device that is in.
    pub async fn pair(&self, seed: u8, name: &str) -> Connection {
        let knock = self.knock(seed, name).await;
        self.run(&["devices", "approve", &knock.pending.request_id]).ok();
        knock.opening.await.unwrap().unwrap()
    }
}

fn knocking(seed: u8, name: &str) -> ConnectOptions {
    let mut options = ConnectOptions::command_line("1", Scopes::from(["operator.read"]))
        .with_identity(Identity::from_seed([seed; 32]))
        .waiting_for_approval();
    options.client.display_name = Some(name.to_owned());
    options.timeout = PATIENCE;
    options
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub struct Knock {
    pub pending: PairPending,
    pub opening: JoinHandle<Result<Connection, ConnectError>>,
}

/// Waits until the gateway throws a connection out, and says how.
pub async fn thrown_out(mut connection: Connection) -> u16 {
    loop {
        match tokio::time::timeout(PATIENCE, connection.next_event()).await.unwrap() {
            Ok(_) => {}
            Err(CallError::Closed(Some(close))) => return close.code,
            Err(other) => panic!("{other}"),
        }
    }
}
