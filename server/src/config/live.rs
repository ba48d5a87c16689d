//! A changed file goes live by itself: read, resolved, published; or the old settings stay and the log
//! says why. A change that comes in over the wire takes the same way, and is resolved before it is written.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use protocol::audit::{AuditAction, AuditAuthor, Audited};
use protocol::event::Event;
use protocol::settings::CutOff;
use protocol::{Close, Secret};
use serde_json::json;
use tokio::sync::watch;

use super::edit::{Edit, Edited};
use super::entries::find_new_problems;
use super::overruled::overruled_by;
use super::reload::{Ends, needs_restart};
use super::trial::{self, Kept};
use super::written::{self, Held, find_missing_secret};
use super::{Config, Environment, Overrides, Problem, Resolved, SecretSource, file};
use crate::advised::Advised;
use crate::gateway::auditing;
use crate::gateway::connection::Connection;
use crate::gateway::foresight;
use crate::gateway::methods::status;
use crate::state::AppState;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// What it takes to put settings live.
#[derive(Debug)]
pub struct Live {
    publish: watch::Sender<Arc<Config>>,
    env: Environment,
    flags: Overrides,
    /// What the gateway was started with; some settings stay like that.
    started_with: Arc<Config>,
    /// Held by whoever changes the file or puts it live, as long as the disk takes.
    turn: Mutex<()>,
    /// The hash of the text that is live; never held for long.
    applied: Mutex<String>,
    trial: Mutex<Option<Kept>>,
    is_watching: AtomicBool,
}

/// A change that was made, or that there was no need for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub edited: Edited,
    pub hash: String,
    /// Whether the file was touched.
    pub is_new: bool,
    pub requires_restart: bool,
}

/// Why the settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the file has changed since it was read")]
    Stale,
    #[error("the change does not say which version of the file it is for")]
    BaseMissing { changed: Vec<String> },
    #[error("the settings would make no sense")]
    Invalid(Vec<Problem>),
    #[error("the caller could not come back")]
    CutsOff(CutOff),
    #[error("another change waits for its confirmation")]
    TrialWaits,
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

/// On which terms a change is made.
#[derive(Debug, Clone, Copy)]
pub enum Terms<'a> {
    /// Whatever comes of it.
    Final,
    /// Not if the one who makes it could not come back.
    Guarded(&'a Connection),
    /// It is taken back unless somebody confirms it within so many milliseconds.
    OnTrial { within_ms: u64 },
}

impl Live {
    pub fn new(
        publish: watch::Sender<Arc<Config>>,
        env: Environment,
        flags: Overrides,
        applied: String,
        trial: Option<Kept>,
    ) -> Self {
        let started_with = Arc::clone(&publish.borrow());
        // The watcher starts with the gateway.
        let is_watching = AtomicBool::new(true);
        let turn = Mutex::default();
        let (applied, trial) = (Mutex::new(applied), Mutex::new(trial));
        Self { publish, env, flags, started_with, turn, applied, trial, is_watching }
    }

    /// Whether a changed file goes live by itself.
    pub fn is_watching(&self) -> bool {
        self.is_watching.load(Ordering::Relaxed)
    }

    /// What the gateway was started in.
    pub fn environment(&self) -> &Environment {
        &self.env
    }

    /// The hash of the text that the settings in force were read from.
    pub fn applied_hash(&self) -> String {
        lock(&self.applied).clone()
    }

    /// Where the secret in force comes from.
    pub fn secret_source(&self) -> Option<SecretSource> {
        self.publish.borrow().secret_source(&self.env, &self.flags)
    }

    /// What a text would come to.
    pub fn resolve(&self, text: &str) -> Result<Resolved, Vec<Problem>> {
        written::resolve(text, &self.env, &self.flags)
    }

    /// Puts other secrets in force, whatever the file says until it says the same.
    pub fn publish_secrets(&self, state: &AppState, config: Config) {
        go_live(state, &self.publish, config);
    }

    /// The flag or the variable that overrules the file for a setting.
    pub fn overruled_by(&self, path: &str) -> Option<&'static str> {
        overruled_by(path, &self.env, &self.flags)
    }

    pub fn env(&self) -> &Environment {
        &self.env
    }

    /// What the gateway was started with.
    pub fn started_with(&self) -> &Config {
        &self.started_with
    }

    /// Whether settings would only work after a restart.
    pub fn needs_restart(&self, config: &Config) -> bool {
        needs_restart(&self.started_with, config)
    }

    /// Waits until nobody else changes the file or puts it live.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.turn)
    }

    /// The change that waits for its confirmation.
    pub(super) fn trial(&self) -> MutexGuard<'_, Option<Kept>> {
        lock(&self.trial)
    }

    /// Notes what is live now. False if it was live already.
    fn note_applied(&self, hash: &str) -> bool {
        let mut applied = lock(&self.applied);
        let is_new = *applied != hash;
        hash.clone_into(&mut applied);
        is_new
    }
}

/// A poisoned lock only means that another task panicked while it held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Settings, and the text that they were read from.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub text: String,
}

/// Reads and resolves the settings.
pub fn load(path: &Path, env: &Environment, flags: &Overrides) -> anyhow::Result<Loaded> {
    let text = file::read_text(path)?;
    let value = file::parse(&text).with_context(|| file::unreadable(path))?;
    Ok(Loaded { config: accept(path, Config::resolve(&value, env, flags))?, text })
}

/// The settings of an empty file.
pub fn defaults() -> anyhow::Result<Config> {
    accept(Path::new("the defaults"), Config::resolve(&json!({}), &Environment::default(), &Overrides::default()))
}

fn accept(path: &Path, resolved: Result<Resolved, Vec<Problem>>) -> anyhow::Result<Config> {
    match resolved {
        Ok(resolved) => {
            for warning in resolved.warnings {
                tracing::warn!("{}: {warning}", path.display());
            }
            Ok(resolved.config)
        }
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            let sentence = format!("{} has settings that make no sense: {}", path.display(), lines.join("; "));
            anyhow::bail!(Advised::new(sentence, "see them one by one: `openclaw config validate`"))
        }
    }
}

/// Watches the file until the gateway stops.
pub async fn watch(state: AppState) {
    let _watching = Watching(&state.live);
    let mut known = None;
    let mut looks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = state.stopping.cancelled() => return,
        }
        let current = stamp(&state.paths.config_file);
        if current == known {
            continue;
        }
        known = current;
        let taken_up = tokio::task::spawn_blocking({
            let state = state.clone();
            move || take_up(&state)
        });
        match taken_up.await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => {
                auditing::record(&state, Audited::new(AuditAction::SettingsChanged, AuditAuthor::File)).await;
            }
            Ok(Err(error)) => tracing::error!("The settings stay as they were: {error:#}"),
            Err(error) => tracing::error!(%error, "The settings stay as they were"),
        }
    }
}

/// Says that the file is not watched any more, however the watch ended.
struct Watching<'a>(&'a Live);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.is_watching.store(false, Ordering::Relaxed);
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Puts the file live, if it says something else than what is live; false if it does not.
fn take_up(state: &AppState) -> anyhow::Result<bool> {
    let _turn = lock(&state.live.turn);
    let path = &state.paths.config_file;
    let text = file::read_text(path)?;
    let hash = state.server_key.opaque_hash(&text);
    if state.live.applied_hash() == hash {
        return Ok(false);
    }
    // Many programs empty a file before they write it. Without its token the gateway would turn everyone away.
    anyhow::ensure!(
        !text.trim().is_empty(),
        "{} is gone or empty; write it again, or restart the gateway",
        path.display()
    );
    trial::note_text(state, &text);
    let config = accept(path, state.live.resolve(&text))?;
    let is_new = state.live.note_applied(&hash);
    if is_new {
        announce(state, config, &hash);
    }
    Ok(is_new)
}

/// Changes the file and puts it live. Blocks on the disk and on other programs that change it, so it must
/// not run on a thread that serves connections.
pub fn write(state: &AppState, base_hash: Option<&str>, edit: &Edit, terms: Terms<'_>) -> Result<Written, WriteError> {
    let _turn = lock(&state.live.turn);
    let held = Held::take(&state.paths)?;
    let current_hash = state.server_key.opaque_hash(&held.text);
    if base_hash.is_some_and(|base| base != current_hash) {
        return Err(WriteError::Stale);
    }
    let edited = edit.apply(&held.text).map_err(WriteError::Invalid)?;
    if held.exists && base_hash.is_none() {
        return Err(WriteError::BaseMissing { changed: edited.changed_paths });
    }
    let config = state.live.resolve(&edited.text).map_err(WriteError::Invalid)?.config;
    if let Some(problem) = find_missing_secret(&config) {
        return Err(WriteError::Invalid(vec![problem]));
    }
    let useless = find_new_problems(&file::parse(&held.text).unwrap_or_default(), &file::parse(&edited.text)?);
    if !useless.is_empty() {
        return Err(WriteError::Invalid(useless));
    }
    let requires_restart = state.live.needs_restart(&config);
    let hash = state.server_key.opaque_hash(&edited.text);
    let is_change = edited.text != held.text;
    match terms {
        Terms::OnTrial { .. } if trial::waiting(state).is_some() => return Err(WriteError::TrialWaits),
        Terms::OnTrial { within_ms } if is_change => trial::begin(state, &held.text, &edited, within_ms)?,
        Terms::Guarded(caller) => {
            if let Some(why) = foresight::cut_off(state, caller, &config) {
                return Err(WriteError::CutsOff(why));
            }
        }
        Terms::Final | Terms::OnTrial { .. } => {}
    }
    let is_new = held.write(&edited)?;
    trial::note_text(state, &edited.text);
    put_live(state, config, &edited.text);
    if matches!(terms, Terms::OnTrial { .. }) {
        trial::announce_begun(state);
    }
    Ok(Written { edited, hash, is_new, requires_restart })
}

/// Writes new secrets into the file and leaves everything else, even settings that make no sense. The result
/// names the secrets that something else overrules. Blocks like [`write`].
pub fn write_secrets(
    state: &AppState,
    token: &Secret,
    password: Option<&Secret>,
) -> anyhow::Result<Vec<(&'static str, &'static str)>> {
    let _turn = lock(&state.live.turn);
    let held = Held::take(&state.paths)?;
    let mut auth = json!({"token": token.reveal()});
    if let Some(password) = password {
        auth["password"] = password.reveal().into();
    }
    let edit = Edit::Patch { raw: json!({"gateway": {"auth": auth}}).to_string(), replace_paths: Vec::new() };
    let problems = |problems: Vec<Problem>| {
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        anyhow::anyhow!(problems.join("; "))
    };
    let edited = edit.apply(&held.text).map_err(problems)?;
    held.write(&edited)?;
    trial::note_text(state, &edited.text);
    state.live.note_applied(&state.server_key.opaque_hash(&edited.text));
    let written = ["gateway.auth.token"].into_iter().chain(password.map(|_| "gateway.auth.password"));
    Ok(written.filter_map(|path| Some((path, state.live.overruled_by(path)?))).collect())
}

/// Puts the settings of a text live that the file says already.
pub(super) fn put_live(state: &AppState, config: Config, text: &str) {
    let hash = state.server_key.opaque_hash(text);
    if state.live.note_applied(&hash) {
        announce(state, config, &hash);
    }
}

fn announce(state: &AppState, config: Config, hash: &str) {
    go_live(state, &state.live.publish, config);
    let payload = json!({"path": state.paths.config_file, "hash": hash, "ts": state.clock.now_ms()});
    state.registry.broadcast(Event::ConfigChanged, Some(&payload), None::<&()>);
    state.registry.broadcast_health(&status::health(state));
}

/// Publishes new settings and ends the connections that the old ones let in (wire.md §1.6).
pub fn go_live(state: &AppState, publish: &watch::Sender<Arc<Config>>, config: Config) {
    let before = state.config();
    if *before == config {
        return;
    }
    if needs_restart(&before, &config) {
        tracing::warn!(
            "gateway.port, gateway.bind and gateway.tailscale.mode change when the gateway is started again"
        );
    }
    let ends = Ends::between(&before, &config);
    publish.send_replace(Arc::new(config));
    tracing::info!("The settings were changed and are live");
    if ends.by_secret {
        state.registry.close_where(&Close::auth_changed(), Connection::came_by_secret);
    }
    if ends.by_policy {
        state.registry.close_where(&Close::policy_changed(), |connection| !connection.is_owner);
    }
}
