//! A changed file goes live by itself: read, resolved, published; or the old settings stay and the log
//! says why.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::Close;
use protocol::handshake::AuthMethod;
use tokio::sync::watch;

use super::{Config, Environment, Overrides, Problem, file};
use crate::state::AppState;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads and resolves the settings.
pub fn load(path: &Path, env: &Environment, flags: &Overrides) -> anyhow::Result<Config> {
    let value = file::read(path)?;
    match Config::resolve(&value, env, flags) {
        Ok(resolved) => {
            for warning in resolved.warnings {
                tracing::warn!("{}: {warning}", path.display());
            }
            Ok(resolved.config)
        }
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            anyhow::bail!("{} has settings that make no sense: {}", path.display(), lines.join("; "))
        }
    }
}

/// Watches the file until the gateway stops.
pub async fn watch(state: AppState, publish: watch::Sender<Arc<Config>>, env: Environment, flags: Overrides) {
    let path = state.paths.config_file.clone();
    let mut known = stamp(&path);
    let mut looks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = state.stopping.cancelled() => return,
        }
        let current = stamp(&path);
        if current == known {
            continue;
        }
        known = current;
        match load(&path, &env, &flags) {
            Ok(config) => go_live(&state, &publish, config),
            Err(error) => tracing::error!("The settings stay as they were: {error:#}"),
        }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Publishes new settings and ends the connections that the old ones let in (wire.md §1.6).
pub fn go_live(state: &AppState, publish: &watch::Sender<Arc<Config>>, config: Config) {
    let before = state.config();
    if *before == config {
        return;
    }
    if before.port != config.port || before.bind != config.bind {
        tracing::warn!("gateway.port and gateway.bind change when the gateway is started again");
    }
    let secret_changed = before.shared_secret() != config.shared_secret();
    let policy_changed = before.policy != config.policy;
    publish.send_replace(Arc::new(config));
    tracing::info!("The settings were changed and are live");
    if secret_changed {
        let by_secret = |method| matches!(method, AuthMethod::Token | AuthMethod::Password);
        state.registry.close_where(&Close::auth_changed(), |connection| by_secret(connection.method));
    }
    if policy_changed {
        state.registry.close_where(&Close::policy_changed(), |connection| !connection.is_owner);
    }
}
