//! How a command reaches its gateway: over the owner socket, or as a device at `--url`.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use client::{CallError, ConnectError, ConnectOptions, Connection, Endpoint, GatewayUrl, Identity, UrlError};
use protocol::event::PairPending;
use protocol::handshake::Auth;
use protocol::role::{ADMIN, PAIRING, READ};
use protocol::{DeviceId, Fingerprint, Method, Role, Scopes, WireError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tracing_appender::non_blocking::WorkerGuard;

use super::args::TargetArgs;
use super::output::{Failure, ahead, say, sentence, shown};
use super::progress;
use crate::clock::Clock;
use crate::config::remote::remote;
use crate::config::{Environment, Paths, Profile, file};
use crate::start::Gateway;
use crate::system::host_name;
use crate::telemetry;

/// How often a command looks whether the store is free.
const STORE_INTERVAL: Duration = Duration::from_millis(20);

/// A gateway and how to get in.
pub struct Target {
    endpoint: Endpoint,
    auth: Auth,
    paths: Paths,
    env: Environment,
    timeout: Duration,
    wants_admin: bool,
    /// The log of what this command does to the store, once it does; written down when this is dropped.
    log: OnceLock<Option<WorkerGuard>>,
}

const ASKING_FOR_ADMIN: &str = "This needs admin rights; asking for them…";

/// Why there is no connection.
pub enum OpenError {
    /// Nobody listens on the owner socket.
    NotRunning,
    Failed(Failure),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotRunning => {
                Self::new("The gateway is not running.").hint("start it with `openclaw gateway run`")
            }
            OpenError::Failed(failure) => failure,
        }
    }
}

impl Target {
    /// The gateway at `--url`; else the one that `gateway.remote` names, where `gateway.mode` says so; else the one
    /// on this machine.
    pub fn new(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        let settings = file::read(&Paths::resolve(env)?.config_file).unwrap_or_default();
        match remote(&settings, env).filter(|_| args.url.is_none()) {
            None => Self::given(args, env),
            Some(found) => {
                let (token, password) = match (&args.token, &args.password) {
                    (None, None) => (found.token, found.password),
                    (token, password) => (token.clone(), password.clone()),
                };
                Self::given(&TargetArgs { url: Some(found.url), token, password, ..args.clone() }, env)
            }
        }
    }

    fn given(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        let paths = Paths::resolve(env)?;
        let endpoint = match &args.url {
            None => Endpoint::Owner { socket: paths.owner_socket.clone() },
            Some(url) => Endpoint::Tcp(GatewayUrl::parse(url).map_err(refuse_url)?),
        };
        let auth = Auth { token: args.token.clone(), password: args.password.clone(), ..Auth::default() };
        let timeout = Duration::from_secs(args.timeout);
        Ok(Self { endpoint, auth, paths, env: env.clone(), timeout, wants_admin: false, log: OnceLock::new() })
    }

    pub fn on_this_machine(env: &Environment) -> Result<Self, Failure> {
        Self::given(&TargetArgs { timeout: 10, ..TargetArgs::default() }, env)
    }

    /// Whether this is a device of some gateway rather than the owner of the one here.
    pub fn is_a_device(&self) -> bool {
        matches!(self.endpoint, Endpoint::Tcp(_))
    }

    /// The address given with `--url`.
    pub fn url(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Owner { .. } => None,
            Endpoint::Tcp(url) => Some(url.to_string()),
        }
    }

    /// Where the gateway of this machine keeps its things.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// A command for the same gateway, as a person would type it. Secrets are left for them to add.
    pub fn command(&self, words: &str) -> String {
        match &self.endpoint {
            Endpoint::Owner { .. } => match Profile::selected(&self.env) {
                Ok(Some(profile)) => format!("openclaw --profile {profile} {words}"),
                Ok(None) | Err(_) => format!("openclaw {words}"),
            },
            Endpoint::Tcp(url) => format!("openclaw {words} --url {url}"),
        }
    }

    /// Connects. A device asks for `scopes`, and says on stderr if it has to wait for its approval; the
    /// owner needs no scopes and has them all.
    pub async fn open(&self, scopes: &[&str]) -> Result<Connection, OpenError> {
        match &self.endpoint {
            Endpoint::Owner { socket } => {
                // The owner never waits, but only clients with this cap are shown the evidence and its digest.
                let options = self.options(Scopes::from([ADMIN])).waiting_for_approval();
                let opening = progress::during("Connecting to the gateway", Connection::open(&self.endpoint, &options));
                opening.await.map_err(|error| self.explain_owner(error, socket))
            }
            Endpoint::Tcp(url) => {
                if url.leaves_this_machine() && !url.is_encrypted() {
                    say(&format!("warning: {url} is not encrypted; anyone on that network can read what is sent"));
                }
                self.open_as_device(scopes).await.map_err(OpenError::Failed)
            }
        }
    }

    /// The same gateway, where from now on a device asks for admin rights besides what it needs.
    #[must_use]
    pub fn with_admin_rights(self) -> Self {
        say(ASKING_FOR_ADMIN);
        Self { wants_admin: true, ..self }
    }

    /// The same gateway for a command that is about all devices: a device asks for admin rights, the owner has
    /// them.
    #[must_use]
    pub fn with_all_rights(self) -> Self {
        if self.is_a_device() { self.with_admin_rights() } else { self }
    }

    /// What this is at the gateway, if it is a device there.
    pub fn own_device_id(&self) -> Result<Option<DeviceId>, Failure> {
        if self.is_a_device() { Ok(Some(self.identity()?.device_id().clone())) } else { Ok(None) }
    }

    fn identity(&self) -> Result<Identity, Failure> {
        let identity = Identity::load_or_create(&self.paths.identity_file, Clock::default().now_ms());
        identity.map_err(|error| {
            let hint = format!("see whose file it is: `ls -l {}`", self.paths.identity_file.display());
            Failure::new(sentence(&error.to_string())).hint(hint)
        })
    }

    /// As [`Target::open`], but while no gateway runs on this machine the command works on the store itself.
    pub async fn open_or_store(&self, scopes: &[&str]) -> Result<Connection, OpenError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.open(scopes).await {
                Err(OpenError::NotRunning) => {}
                opened => return opened,
            }
            let opening = progress::during("Opening the store", self.open_store());
            if let Some(connection) = opening.await.map_err(|error| OpenError::Failed(error.into()))? {
                return Ok(connection);
            }
            // A gateway is just starting or stopping, or another command is at work.
            if Instant::now() > deadline {
                return Err(OpenError::Failed(
                    Failure::new(format!(
                        "The state directory {} is in use, but no gateway answers there.",
                        self.paths.state_dir.display()
                    ))
                    .hint("see whether a gateway hangs: `openclaw gateway status`"),
                ));
            }
            tokio::time::sleep(STORE_INTERVAL).await;
        }
    }

    /// Whether a command has found no gateway, and worked on the store itself.
    pub fn is_on_the_store(&self) -> bool {
        self.log.get().is_some()
    }

    /// What has to happen before a device can wait for anybody.
    pub fn let_it_connect(&self) -> &'static str {
        if self.is_on_the_store() {
            "start the gateway with `openclaw gateway run`, let the device connect"
        } else {
            "let the device connect"
        }
    }

    /// A connection to a gateway of our own, which ends with it. `None` while somebody else holds the store.
    async fn open_store(&self) -> anyhow::Result<Option<Connection>> {
        let (ours, theirs) = UnixStream::pair()?;
        let clock = Clock::default();
        let Some(gateway) = Gateway::serve_one_command(self.paths.clone(), &self.env, clock, theirs).await? else {
            return Ok(None);
        };
        self.log.get_or_init(|| {
            say("note: the gateway is not running; this works on its store");
            let log = telemetry::start_quietly(&self.paths.log_file);
            let file = self.paths.log_file.display();
            log.inspect_err(|error| say(&format!("warning: {file} cannot be written: {error}"))).ok()
        });
        let options = self.options(Scopes::from([ADMIN])).waiting_for_approval();
        let store = self.paths.store_file.display().to_string();
        let connection = Connection::open_on(ours, &store, &options).await?;
        for rescue in &gateway.rescues {
            say(&format!("warning: {}; what was set aside is in {}", rescue.sentence, rescue.kept.display()));
        }
        tokio::spawn(gateway.stop_when_idle());
        Ok(Some(connection))
    }

    /// Carries a decision to the gateway. A device that may not decide this asks for admin rights once, as
    /// the official command line does.
    pub async fn decide<T: DeserializeOwned>(&self, method: Method, params: impl Serialize) -> Result<T, Failure> {
        let mut connection = self.open_or_store(&[PAIRING, READ]).await?;
        let answer = progress::asking(connection.ask(method, &params)).await;
        connection.close().await;
        match answer {
            Err(CallError::Refused(error)) if self.is_a_device() && needs_admin(&error) => {
                say(ASKING_FOR_ADMIN);
                let mut connection = self.open(&[ADMIN, PAIRING, READ]).await?;
                let answer = progress::asking(connection.ask(method, &params)).await;
                connection.close().await;
                Ok(answer?)
            }
            answer => Ok(answer?),
        }
    }

    async fn open_as_device(&self, scopes: &[&str]) -> Result<Connection, Failure> {
        let identity = self.identity()?;
        let asked: Scopes = scopes.iter().copied().chain(self.wants_admin.then_some(ADMIN)).collect();
        let mut options = self.options(asked.clone()).with_identity(identity).waiting_for_approval();
        options.client.display_name = host_name().map(|host| format!("Command line on {host}"));
        let opening = Connection::open_watched(&self.endpoint, &options, say_waiting);
        let opened = progress::during("Waiting for the gateway", opening).await;
        let connection = opened.map_err(explain_refusal)?;
        let auth = &connection.hello().auth;
        match auth.scopes.first_missing(Role::Operator, &asked) {
            None => Ok(connection),
            Some(scope) => Err(narrower(scope, auth.pending_request_id.as_deref())),
        }
    }

    fn options(&self, scopes: Scopes) -> ConnectOptions {
        let mut options = ConnectOptions::command_line(env!("CARGO_PKG_VERSION"), scopes).with_auth(self.auth.clone());
        options.timeout = self.timeout;
        options
    }

    fn explain_owner(&self, error: ConnectError, socket: &Path) -> OpenError {
        let ConnectError::Unreachable { source, .. } = &error else {
            return OpenError::Failed(explain_refusal(error));
        };
        let kind = source.kind();
        if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            OpenError::NotRunning
        } else if kind == io::ErrorKind::PermissionDenied {
            OpenError::Failed(self.foreign(socket))
        } else {
            OpenError::Failed(error.into())
        }
    }

    fn foreign(&self, socket: &Path) -> Failure {
        let owner = [socket, self.paths.state_dir.as_path()].into_iter().find_map(|path| path.metadata().ok());
        let failure =
            |whom: &str| Failure::new(format!("The gateway of {} belongs to {whom}.", self.paths.state_dir.display()));
        match owner.map(|found| user_name(found.uid())) {
            Some(name) => failure(&name).hint(format!("run this as that user: `sudo -u {name} openclaw …`")),
            None => {
                failure("another user").hint("run this as that user, or set OPENCLAW_STATE_DIR to a directory of yours")
            }
        }
    }
}

/// Whether a refusal is one that more rights would change (wire.md §7.6).
fn needs_admin(error: &WireError) -> bool {
    error.message.ends_with(" denied") || error.message.starts_with("missing scope:")
}

fn refuse_url(error: UrlError) -> Failure {
    let failure = Failure::new(sentence(&error.to_string()));
    match error {
        UrlError::Malformed(_) => {
            failure.hint("an address looks like wss://gateway.example.com or ws://127.0.0.1:18789")
        }
        UrlError::NothingToPin(_) => {
            failure.hint("a fingerprint is for wss:// addresses; leave it away, or use wss://")
        }
        UrlError::InClear { host } => failure.hint(format!(
            "use wss://{host}, or a tunnel: `ssh -N -L 18789:127.0.0.1:18789 {host}` and --url ws://127.0.0.1:18789"
        )),
    }
}

fn say_waiting(pending: &PairPending) {
    say("Waiting for approval…");
    say(&format!("  fingerprint  {}", fingerprint_line(&pending.fingerprint)));
    say(&format!("  asks for     {}", shown(&role_and_scopes(pending.role, &pending.scopes))));
    say(&format!("  expires      {}", ahead(pending.now_ms, pending.expires_at_ms)));
    say("On the gateway's machine, if the fingerprint is the same there:");
    say(&format!("  openclaw devices approve {}", shown(&pending.request_id)));
}

/// Pictures, words and digits of a device key.
pub fn fingerprint_line(print: &Fingerprint) -> String {
    format!("{}  {}  {}", print.emoji.join(" "), print.words.join(" "), print.hex)
}

pub fn role_and_scopes(role: Role, scopes: &Scopes) -> String {
    let scopes: Vec<&str> = scopes.iter().collect();
    if scopes.is_empty() { format!("{role}, no scopes") } else { format!("{role}: {}", scopes.join(", ")) }
}

fn explain_refusal(error: ConnectError) -> Failure {
    let ConnectError::Refused { error, .. } = error else {
        return error.into();
    };
    let detail =
        |key: &str| error.details.as_ref().and_then(|details| details.get(key)).and_then(Value::as_str).map(shown);
    let failure = Failure::refused(&error);
    match (detail("code").as_deref(), detail("requestId")) {
        (Some("PAIRING_REQUIRED"), Some(id)) => failure.hint(approve_and_repeat(&id)),
        (Some("PAIRING_REJECTED" | "PAIRING_EXPIRED" | "PAIRING_SUPERSEDED"), _) => {
            failure.hint("run this again to ask once more")
        }
        _ => failure,
    }
}

fn approve_and_repeat(id: &str) -> String {
    format!("run this on the gateway's machine, then the same command here again: openclaw devices approve {id}")
}

/// What it means when a gateway let us in with less than was asked for.
fn narrower(scope: &str, waiting_in: Option<&str>) -> Failure {
    let failure = Failure::new(format!("This device is paired, but not approved for {}.", shown(scope)));
    match waiting_in.map(shown) {
        Some(id) => failure.hint(approve_and_repeat(&id)),
        None => failure.hint("let the owner approve more for it, or run this on the gateway's machine"),
    }
}

fn user_name(uid: u32) -> String {
    let users = std::fs::read_to_string(PathBuf::from("/etc/passwd")).unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("#{uid}"))
}

#[cfg(test)]
mod tests {
    use protocol::Refusal;

    use super::*;

    #[test]
    fn only_missing_rights_lead_to_asking_for_more() {
        let asks = |refusal: Refusal| needs_admin(&refusal.wire_error().unwrap());
        assert!(asks(Refusal::ApprovalDenied));
        assert!(asks(Refusal::RotationDenied));
        assert!(asks(Refusal::ApproverLacksScope { scope: "operator.write".to_owned() }));
        assert!(!asks(Refusal::RequestUnknown));
        assert!(!asks(Refusal::RequestChanged));
    }
}
