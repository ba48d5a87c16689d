//! Starting and stopping a gateway.

use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::Close;
use protocol::event::Event;
use serde_json::json;
use tokio::net::{TcpListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::advised::Advised;
use crate::backup::last_good;
use crate::clock::Clock;
use crate::config::live::{Live, Loaded};
use crate::config::profile::default_port;
use crate::config::tailscale::TailscaleMode;
use crate::config::trial::Kept;
use crate::config::{Config, Environment, Overrides, Paths, file, live, trial};
use crate::gateway::{auditing, presence, sweeper};
use crate::http::peer::Peer;
use crate::http::router::{router, sockets_only};
use crate::keys::{ServerKey, new_secret};
use crate::state::{AppState, Ending};
use crate::store::{Rescue, SqliteStore, Store};
use crate::{holder, listen, notify, owner, system, tailscale, takeover, telemetry};

/// How long connections may take to end before the process ends without them.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// How long a starting gateway waits for a command that works on the store, and how often it looks.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// What `openclaw gateway run` was told.
#[derive(Debug, Default)]
pub struct GatewayOptions {
    pub flags: Overrides,
    pub verbose: bool,
    /// Ends the gateway that is in the way.
    pub force: bool,
    /// Print a one-time link even where no person seems to look.
    pub show_owner_link: bool,
}

/// Runs a gateway until it is told to stop, and says how.
pub async fn run_gateway(options: GatewayOptions, env: &Environment) -> anyhow::Result<Ending> {
    let paths = Paths::resolve(env)?;
    // Before the log, which stands in the same place.
    owner::refuse_foreign(&paths)?;
    // Held until everything has been said.
    let _log = telemetry::start(options.verbose, &paths.log_file);
    if options.force {
        let port = live::load(&paths.config_file, env, &options.flags)?.config.port;
        takeover::make_room(&paths, port).await?;
    }
    let gateway = Gateway::start(paths, env, options.flags, Clock::default()).await?;
    let served = serve(&gateway, options.show_owner_link, env).await;
    gateway.stop().await;
    tracing::info!("The gateway has stopped");
    served
}

/// Lets others in until somebody ends it.
async fn serve(gateway: &Gateway, show_owner_link: bool, env: &Environment) -> anyhow::Result<Ending> {
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be caught")?;
    let state = &gateway.state;
    gateway.expose(env).await?;
    let exposed = state.exposed.get();
    let mut ending = state.ending.subscribe();
    let ended = match crate::cli::greet(state, env, exposed, show_owner_link).await {
        Err(error) => Err(error),
        Ok(()) => Ok(tokio::select! {
            _ = terminate.recv() => Ending::Stop,
            _ = interrupt.recv() => Ending::Stop,
            asked = ending.wait_for(Option::is_some) => asked.ok().and_then(|asked| *asked).unwrap_or(Ending::Stop),
        }),
    };
    if let Some(exposed) = exposed
        && state.config().tailscale.reset_on_exit
    {
        exposed.close().await;
    }
    ended
}

/// A gateway that runs in this process.
pub struct Gateway {
    pub state: AppState,
    pub publish: watch::Sender<Arc<Config>>,
    /// What had to be set aside when the store was opened.
    pub rescues: Vec<Rescue>,
    /// Held as long as the gateway runs: a second one in the same directory is refused.
    _lock: std::fs::File,
}

impl Gateway {
    /// Starts everything and returns when connections are accepted.
    pub async fn start(paths: Paths, env: &Environment, flags: Overrides, clock: Clock) -> anyhow::Result<Self> {
        let started = Instant::now();
        prepare_folders(&paths)?;
        let lock = lock_patiently(&paths).await?;
        let trial = trial::recover(&paths, clock.now_ms())?;
        let (Loaded { config, text }, listeners, trial) = match (open(&paths, env, &flags).await, trial) {
            (Ok((loaded, listeners)), trial) => (loaded, listeners, trial),
            (Err(error), None) => return Err(error),
            // Settings with which nothing starts cannot be confirmed either.
            (Err(error), Some(kept)) => {
                tracing::error!("The gateway does not start with the settings that are on trial: {error:#}");
                trial::give_back(&paths, &kept)?;
                let (loaded, listeners) = open(&paths, env, &flags).await?;
                (loaded, listeners, None)
            }
        };
        let (owner_listener, owner_uid) = listen::bind_owner_socket(&paths.owner_socket, &paths.state_dir)?;
        let port = listeners.first().context("there is no listener")?.local_addr()?.port();
        let parts = Parts { paths, env: env.clone(), flags, clock, config, text, trial, port, started, lock };
        let gateway = Self::assemble(parts).await?;
        let state = &gateway.state;
        state.registry.broadcast_presence(presence::list(state));
        let router = router(state);
        for listener in listeners {
            state.tasks.spawn(listen::serve_tcp(state.clone(), listener, Peer::Tcp, router.clone()));
        }
        state.tasks.spawn(listen::serve_owner(state.clone(), owner_listener, owner_uid, router));
        state.tasks.spawn(sweeper::tick(state.clone()));
        state.tasks.spawn(sweeper::sweep_regularly(state.clone()));
        state.tasks.spawn(sweeper::tell_health(state.clone()));
        state.tasks.spawn(presence::announce_changes(state.clone()));
        state.tasks.spawn(live::watch(state.clone()));
        state.tasks.spawn(auditing::announce_decisions(state.clone()));
        state.tasks.spawn(auditing::announce_attempts(state.clone()));
        state.tasks.spawn(last_good::keep(state.clone()));
        state.tasks.spawn(notify::deliver_all(state.clone()));
        let start_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(port, start_us, version = crate::VERSION, "The gateway runs");
        Ok(gateway)
    }

    /// Lets Tailscale lead here, if the settings say so.
    pub async fn expose(&self, env: &Environment) -> anyhow::Result<()> {
        let state = &self.state;
        let mode = state.config().tailscale.mode;
        if mode == TailscaleMode::Off {
            return Ok(());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("there is no port for Tailscale")?;
        let port = listener.local_addr()?.port();
        state.tasks.spawn(listen::serve_tcp(state.clone(), listener, Peer::Tailscale, router(state)));
        // Asked for once in the life of a gateway.
        let _ = state.exposed.set(tailscale::expose(mode, port, env).await?);
        Ok(())
    }

    /// A gateway for the one command that holds the other end of `stream`, without listeners: what a command
    /// uses while no gateway runs. `None` while somebody else holds the state directory.
    ///
    /// It needs no settings: where they cannot be read it works with the default ones, because looking after
    /// devices must not depend on them.
    pub async fn serve_one_command(
        paths: Paths,
        env: &Environment,
        clock: Clock,
        stream: UnixStream,
    ) -> anyhow::Result<Option<Self>> {
        owner::refuse_foreign(&paths)?;
        prepare_folders(&paths)?;
        let Some(lock) = try_lock(&paths)? else {
            return Ok(None);
        };
        let (flags, started) = (Overrides::default(), Instant::now());
        let loaded = live::load(&paths.config_file, env, &flags).or_else(|error| {
            tracing::warn!(%error, "The settings cannot be used");
            // Settings that cannot even be read are nobody's; whoever needs them has refused them by now.
            let text = file::read_text(&paths.config_file).unwrap_or_default();
            live::defaults().map(|config| Loaded { config, text })
        })?;
        let Loaded { config, text } = loaded;
        let (port, trial) = (config.port, None);
        let parts = Parts { paths, env: env.clone(), flags, clock, config, text, trial, port, started, lock };
        let gateway = Self::assemble(parts).await?;
        listen::serve_owner_stream(&gateway.state, stream, sockets_only(&gateway.state));
        Ok(Some(gateway))
    }

    async fn assemble(parts: Parts) -> anyhow::Result<Self> {
        let Parts { paths, env, flags, clock, config, text, trial, port, started, lock } = parts;
        let (store, rescues) = SqliteStore::open_or_rescue(&paths, clock.now_ms())
            .await
            .with_context(|| format!("the pairing store {} cannot be opened", paths.store_file.display()))?;
        let server_key = ServerKey::load_or_create(&paths.server_key)?;
        let identity = client::Identity::load_or_create(&paths.gateway_identity, clock.now_ms())?;
        let applied = server_key.opaque_hash(&text);
        let (publish, config) = watch::channel(Arc::new(config));
        let live = Live::new(publish.clone(), env, flags, applied, trial);
        let state = AppState {
            config,
            live: Arc::new(live),
            paths: Arc::new(paths),
            store: Arc::new(store),
            registry: Arc::default(),
            limiter: Arc::default(),
            unauthenticated: Arc::default(),
            passed_on: Arc::default(),
            minting: Arc::default(),
            attempts: Arc::default(),
            write_limiter: Arc::default(),
            system: Arc::default(),
            identity: Arc::new(identity),
            server_key,
            clock,
            started,
            port,
            stopping: CancellationToken::new(),
            ending: Arc::default(),
            exposed: Arc::default(),
            tasks: TaskTracker::new(),
            seen: Arc::default(),
            knocks: Arc::default(),
            approvals: Arc::default(),
            invocations: Arc::default(),
            last_good: Arc::default(),
            plain_sessions: Arc::default(),
            notifier: Arc::default(),
            host_name: system::host_name().unwrap_or_else(|| "this machine".to_owned()).into(),
        };
        Ok(Self { state, publish, rescues, _lock: lock })
    }

    /// Stops when the last connection has ended.
    pub async fn stop_when_idle(self) {
        self.state.tasks.close();
        self.state.tasks.wait().await;
        self.stop().await;
    }

    /// Says goodbye to everyone, finishes what is under way, and closes the store.
    pub async fn stop(self) {
        let state = &self.state;
        let payload = json!({"reason": "gateway stopping"});
        state.registry.broadcast(Event::Shutdown, Some(&payload), None::<&()>);
        state.registry.close_where(&Close::service_restart(), |_| true);
        state.stopping.cancel();
        state.tasks.close();
        if tokio::time::timeout(SHUTDOWN_GRACE, state.tasks.wait()).await.is_err() {
            tracing::warn!("Some connections did not end in time");
        }
        if let Err(error) = state.flush_seen().await {
            tracing::warn!(%error, "Who was seen last could not be written down");
        }
        if let Err(error) = state.flush_knocks().await {
            tracing::warn!(%error, "Who knocked in vain could not be written down");
        }
        if state.last_good.is_stale() {
            last_good::save_or_warn(state).await;
        }
        state.store.close().await;
        // The next start replaces a socket that is left behind.
        let _ = std::fs::remove_file(&state.paths.owner_socket);
    }
}

/// What a gateway is put together from.
struct Parts {
    paths: Paths,
    env: Environment,
    flags: Overrides,
    clock: Clock,
    config: Config,
    /// What the settings were read from.
    text: String,
    trial: Option<Kept>,
    port: u16,
    started: Instant,
    lock: std::fs::File,
}

/// Reads the settings and listens where they say.
async fn open(paths: &Paths, env: &Environment, flags: &Overrides) -> anyhow::Result<(Loaded, Vec<TcpListener>)> {
    let loaded = load_config(paths, env, flags)?;
    let listeners = listen::bind(&loaded.config.bind, loaded.config.port).await?;
    Ok((loaded, listeners))
}

/// Makes the folders, for their owner alone.
pub fn prepare_folders(paths: &Paths) -> anyhow::Result<()> {
    let state = paths.store_file.parent().context("the store has no folder")?;
    for folder in [paths.state_dir.as_path(), state] {
        private_folder(folder).with_context(|| {
            let folder = folder.display();
            Advised::new(
                format!("the state directory {folder} cannot be used"),
                format!("check who owns it: ls -ld {folder}"),
            )
        })?;
    }
    // The store is made by SQLite with the usual mode; a file that is there keeps its own.
    if !paths.store_file.exists() {
        create_private(&paths.store_file)?;
    }
    Ok(())
}

/// Makes a folder, if it is not there, for its owner alone.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

fn create_private(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{} cannot be made", file.display()))?;
    Ok(())
}

/// Two gateways on one state directory would decide behind each other's backs. A command that works on the
/// store meanwhile is waited for.
async fn lock_patiently(paths: &Paths) -> anyhow::Result<std::fs::File> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        if let Some(lock) = try_lock(paths)? {
            return Ok(lock);
        }
        if Instant::now() > deadline {
            let process = holder::behind(&paths.owner_socket).await.map(|pid| format!(" in process {pid}"));
            bail!(Advised::new(
                format!(
                    "a gateway runs already with the state directory {}{}",
                    paths.state_dir.display(),
                    process.unwrap_or_default()
                ),
                "see `openclaw gateway status`, or end it and start this one with --force"
            ));
        }
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
}

/// Opens the store once, while nobody else has it, which sets aside what cannot be read.
pub async fn rescue_store(paths: &Paths, now_ms: u64) -> anyhow::Result<Vec<Rescue>> {
    let Some(_lock) = try_lock(paths)? else {
        bail!(Advised::new("somebody else has the state directory", "stop it first: openclaw gateway stop"));
    };
    let (store, rescues) = SqliteStore::open_or_rescue(paths, now_ms).await?;
    store.close().await;
    Ok(rescues)
}

/// Takes the state directory, unless somebody else has it.
pub fn try_lock(paths: &Paths) -> anyhow::Result<Option<std::fs::File>> {
    let path = paths.store_file.with_file_name("gateway.lock");
    if !path.exists() {
        create_private(&path)?;
    }
    let file = std::fs::File::options()
        .write(true)
        .open(&path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// Loads the settings, and on the first start makes the file with a token of its own.
fn load_config(paths: &Paths, env: &Environment, flags: &Overrides) -> anyhow::Result<Loaded> {
    let loaded = live::load(&paths.config_file, env, flags)?;
    let config = &loaded.config;
    let wants_token = config.policy.auth_mode == access::policy::AuthMode::Token;
    if !paths.config_file.exists() || (wants_token && config.shared_secret().is_none()) {
        file::ensure_token(paths, &new_secret()?, default_port(env))?;
        return live::load(&paths.config_file, env, flags);
    }
    if config.shared_secret().is_none() && config.policy.auth_mode == access::policy::AuthMode::Password {
        let file = paths.config_file.display();
        bail!(Advised::new(
            "gateway.auth.mode is \"password\", but there is no password",
            format!("set gateway.auth.password in {file}: `openclaw config set gateway.auth.password -`")
        ));
    }
    Ok(loaded)
}
