//! What there is to see of a gateway from outside: its service, its owner socket, its port and who holds it.

use std::time::Duration;

use client::{ConnectError, probe_on};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::output::long;
use super::service::drift_words;
use crate::config::{Environment, Paths};
use crate::holder::{self, Holder, holders};
use crate::service::program::Invocation;
use crate::service::{Inspection, State, inspect};

/// How long a check may take: it is a question to this very machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// An installed service, for `status`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceReport {
    name: String,
    file: std::path::PathBuf,
    /// `running`, `stopped`, `restarting`, `failed`; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    command: Vec<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl ServiceReport {
    /// The service of the selected profile; `None` where none is installed. A service of another state
    /// directory is not this gateway's.
    pub async fn find(env: &Environment, paths: &Paths) -> Option<Self> {
        let program = Invocation::capture().program(env).ok()?;
        let found = inspect(env, &program).await.ok().flatten()?;
        found.installed.is_for(env, &paths.state_dir).then(|| Self::of(&found))
    }

    fn of(found: &Inspection) -> Self {
        let mut problems: Vec<String> = found.drift.iter().map(drift_words).collect();
        problems.extend(found.state.as_ref().and_then(|state| match state {
            State::Failed(why) => Some(format!("it has failed ({why})")),
            State::Restarting => Some("it fails and is started again".to_owned()),
            State::Running { .. } | State::Stopped => None,
        }));
        let secrets = found.installed.secrets();
        if !secrets.is_empty() {
            problems.push(format!("its file holds {}, which wins over the settings", secrets.join(" and ")));
        }
        let pid = match found.state {
            Some(State::Running { pid }) => pid,
            Some(State::Restarting | State::Stopped | State::Failed(_)) | None => None,
        };
        Self {
            name: found.name.clone(),
            file: found.installed.path.clone(),
            state: found.state.as_ref().map(State::as_str),
            pid,
            command: found.installed.argv.clone(),
            problems,
        }
    }

    pub fn is_running(&self) -> bool {
        self.pid.is_some()
    }

    /// What is wrong with it, if something is.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// On one line.
    pub fn words(&self) -> String {
        let state = self.state.unwrap_or("installed, but its system does not answer");
        let process = self.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let first = format!("{}: {state}{process}", self.name);
        std::iter::once(&first).chain(&self.problems).map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

/// What a stranger on this machine finds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deep {
    owner_socket: OwnerSocket,
    port: u16,
    holders: Vec<Holder>,
    http: Check,
    web_socket: Check,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerSocket {
    path: std::path::PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Check {
    ok: bool,
    found: String,
}

impl Deep {
    pub async fn look(paths: &Paths, authority: &str, port: u16) -> Self {
        let path = paths.owner_socket.clone();
        let pid = holder::behind(&path).await;
        let holders = tokio::task::spawn_blocking(move || holders(port)).await.unwrap_or_default();
        let (http, web_socket) = tokio::join!(http(authority), web_socket(authority));
        Self { owner_socket: OwnerSocket { path, pid }, port, holders, http, web_socket }
    }

    /// The program that is on the port and is no gateway.
    pub fn intruder(&self) -> Option<&Holder> {
        self.holders.iter().find(|holder| !holder.is_gateway)
    }

    pub fn lines(&self) -> Vec<String> {
        let socket = match self.owner_socket.pid {
            Some(pid) => format!("process {pid} listens"),
            None => "nobody listens".to_owned(),
        };
        let holders: Vec<String> =
            self.holders.iter().map(|holder| format!("{} at {}", shown_long(holder), holder.address)).collect();
        let is_taken = self.http.ok || self.web_socket.ok;
        let holders = match (holders.is_empty(), is_taken) {
            (false, _) => holders.join("; "),
            (true, true) => "a program of another user".to_owned(),
            (true, false) => "nobody listens".to_owned(),
        };
        vec![
            format!("Socket   {socket} at {}", self.owner_socket.path.display()),
            format!("Port     {}: {holders}", self.port),
            format!("HTTP     {}", self.http.found),
            format!("WebSock  {}", self.web_socket.found),
        ]
    }
}

fn shown_long(holder: &Holder) -> String {
    long(&holder.to_string())
}

async fn http(authority: &str) -> Check {
    match status_of(authority, "/healthz").await {
        Ok(200) => Check { ok: true, found: "/healthz says that it lives".to_owned() },
        Ok(status) => Check { ok: false, found: format!("/healthz answers with status {status}; that is no gateway") },
        Err(error) => Check { ok: false, found: format!("no answer: {error}") },
    }
}

async fn web_socket(authority: &str) -> Check {
    let dialled = timeout(PATIENCE, TcpStream::connect(authority)).await;
    let answer = match dialled {
        Err(_) => Err(ConnectError::TimedOut),
        Ok(Err(source)) => Err(ConnectError::Unreachable { at: authority.to_owned(), source }),
        Ok(Ok(stream)) => probe_on(stream, authority, PATIENCE).await,
    };
    match answer {
        Ok(_) => Check { ok: true, found: "a gateway sends its challenge".to_owned() },
        Err(error) => Check { ok: false, found: long(&error.to_string()) },
    }
}

/// Asks for a page as any monitor would, and tells the status.
pub async fn status_of(authority: &str, path: &str) -> std::io::Result<u16> {
    let check = async {
        let mut stream = TcpStream::connect(authority).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        let number =
            std::str::from_utf8(&status).ok().and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok());
        number.ok_or_else(|| std::io::Error::other("what answers does not speak HTTP"))
    };
    timeout(PATIENCE, check).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}
