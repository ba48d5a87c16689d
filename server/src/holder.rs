//! Who holds a port of this machine, or a state directory, and whether that is a gateway.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use listeners::{Protocol, SocketState};
use serde::Serialize;
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};
use tokio::net::UnixStream;

use crate::config::{Environment, Paths};

/// A program that listens on a TCP port, as far as this user may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    pub pid: u32,
    pub name: String,
    pub address: SocketAddr,
    /// Whether it was started as `openclaw gateway`.
    pub is_gateway: bool,
    /// The state directory of a gateway, where that can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)?;
        match &self.state_dir {
            Some(folder) => write!(f, ", the gateway of {}", folder.display()),
            None if self.is_gateway => write!(f, ", another gateway"),
            None => Ok(()),
        }
    }
}

/// Who listens on a port, one entry for each process. Programs of other users are left out where the system
/// keeps them secret. Reads the whole process table, so it is not for a thread that serves connections.
pub fn holders(port: u16) -> Vec<Holder> {
    let all = listeners::get_all().unwrap_or_else(|error| {
        tracing::debug!(%error, "The listening programs cannot be listed");
        HashSet::default()
    });
    let listening = all.into_iter().filter(|found| {
        found.socket.port() == port && found.protocol == Protocol::TCP && found.state == SocketState::Listen
    });
    let mut by_pid = BTreeMap::new();
    for found in listening {
        let holder = by_pid.entry(found.process.pid).or_insert_with(|| describe(&found.process, found.socket));
        // The same address whatever the order: IPv4 first.
        holder.address = holder.address.min(found.socket);
    }
    by_pid.into_values().collect()
}

fn describe(process: &listeners::Process, address: SocketAddr) -> Holder {
    let seen = look_at(process.pid);
    let is_gateway = seen.as_ref().is_some_and(|seen| is_gateway(&seen.argv)) || process.name == "openclaw-gateway";
    let state_dir = seen.filter(|_| is_gateway).and_then(|seen| seen.state_dir());
    Holder { pid: process.pid, name: process.name.clone(), address, is_gateway, state_dir }
}

/// What a process was started with.
#[derive(Debug, Clone, Default)]
struct Seen {
    argv: Vec<String>,
    environment: Vec<String>,
}

impl Seen {
    fn state_dir(&self) -> Option<PathBuf> {
        let pairs: Vec<(&str, &str)> = self.environment.iter().filter_map(|pair| pair.split_once('=')).collect();
        if pairs.is_empty() {
            return None;
        }
        let env = profile_of(&self.argv, Environment::from_pairs(&pairs));
        Paths::resolve(&env).ok().map(|paths| paths.state_dir)
    }
}

/// The environment of a gateway that was started with these words.
fn profile_of(argv: &[String], env: Environment) -> Environment {
    let mut words = argv.iter().map(String::as_str);
    let named = words.find_map(|word| match word {
        "--dev" => Some("dev".to_owned()),
        "--profile" => Some(String::new()),
        word => word.strip_prefix("--profile=").map(str::to_owned),
    });
    let named = match named.as_deref() {
        Some("") => words.next().map(str::to_owned),
        _ => named,
    };
    match named.and_then(|name| name.parse().ok()) {
        Some(profile) => env.with_profile(&profile),
        None => env,
    }
}

fn look_at(pid: u32) -> Option<Seen> {
    let wanted = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).with_environ(UpdateKind::Always);
    let system = refreshed(pid, wanted)?;
    let process = system.process(sysinfo::Pid::from_u32(pid))?;
    let texts = |words: &[OsString]| words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Some(Seen { argv: texts(process.cmd()), environment: texts(process.environ()) })
}

fn refreshed(pid: u32, wanted: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[sysinfo::Pid::from_u32(pid)]), true, wanted);
    Some(system)
}

/// Whether words on a command line run a gateway: ours, or OpenClaw's on Node.js.
fn is_gateway(argv: &[String]) -> bool {
    let is_openclaw = |word: &String| {
        let name = Path::new(word).file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        name == "openclaw" || name == "openclaw-gateway"
    };
    let is_installed = |word: &String| word.contains("/node_modules/openclaw/");
    let program = argv.iter().take(2).any(|word| is_openclaw(word) || is_installed(word));
    program && argv.iter().skip(1).any(|word| word == "gateway")
}

/// The process behind an owner socket, if one listens there. It need not answer.
pub async fn behind(socket: &Path) -> Option<u32> {
    let stream = UnixStream::connect(socket).await.ok()?;
    u32::try_from(stream.peer_cred().ok()?.pid()?).ok().filter(|pid| *pid > 0)
}

/// Whether a process is at work still. One that has ended, and whose end nobody has taken note of, is not.
pub fn lives(pid: u32) -> bool {
    let system = refreshed(pid, ProcessRefreshKind::nothing());
    let status = system.and_then(|system| Some(system.process(sysinfo::Pid::from_u32(pid))?.status()));
    status.is_some_and(|status| !matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_gateway_is_known_by_its_words() {
        for line in [
            "openclaw gateway",
            "/usr/bin/openclaw --profile a gateway run --port 1",
            "node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789",
            "/usr/bin/node /opt/openclaw.mjs gateway",
        ] {
            assert!(is_gateway(&words(line)), "{line}");
        }
        for line in
            ["openclaw node run", "vim openclaw gateway.md", "nginx gateway", "python3 -m http.server", "gateway"]
        {
            assert!(!is_gateway(&words(line)), "{line}");
        }
    }

    #[test]
    fn the_state_directory_of_a_gateway_follows_its_words() {
        let folder = |line: &str| {
            let environment = vec!["HOME=/home/ada".to_owned(), "OPENCLAW_STATE_DIR=/srv".to_owned()];
            Seen { argv: words(line), environment }.state_dir().unwrap().display().to_string()
        };
        assert_eq!(folder("openclaw gateway"), "/srv");
        assert_eq!(folder("openclaw --profile a gateway"), "/home/ada/.openclaw-a");
        assert_eq!(folder("openclaw gateway --profile=a"), "/home/ada/.openclaw-a");
        assert_eq!(folder("openclaw gateway --dev"), "/home/ada/.openclaw-dev");
    }

    #[test]
    fn a_listener_is_found_and_is_gone_when_it_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = holders(address.port());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].pid, found[0].address, found[0].is_gateway), (std::process::id(), address, false));
        drop(listener);
        assert_eq!(holders(address.port()), []);
    }
}
