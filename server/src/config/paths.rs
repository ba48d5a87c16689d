//! Where the gateway keeps its things.

use std::path::PathBuf;

use anyhow::Context;

use super::profile::state_folder;
use super::{Environment, Profile};

/// Files and folders of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `~/.openclaw`, `~/.openclaw-NAME` of a profile, or `OPENCLAW_STATE_DIR`. Shared with an OpenClaw installation, if there is one.
    pub state_dir: PathBuf,
    /// `openclaw.json` in it, or `OPENCLAW_CONFIG_PATH`.
    pub config_file: PathBuf,
    /// Our own database, beside OpenClaw's.
    pub store_file: PathBuf,
    /// The unix socket of the owner.
    pub owner_socket: PathBuf,
    /// The key that device tokens are derived from.
    pub server_key: PathBuf,
    /// The gateway's own key, by which it can be told from others.
    pub gateway_identity: PathBuf,
    /// Held by whoever changes the settings.
    pub config_lock: PathBuf,
    /// A change of the settings that waits for its confirmation, with the way back.
    pub config_trial: PathBuf,
    /// Which programs a node on this machine may run.
    pub exec_approvals: PathBuf,
    /// The log; older parts stand beside it with a number.
    pub log_file: PathBuf,
    /// The device key of the command line, for `--url`.
    pub identity_file: PathBuf,
    /// Copies of the store from good times.
    pub backups: PathBuf,
    /// What could not be read and was set aside.
    pub quarantine: PathBuf,
    /// Says when OpenClaw's state in the same directory was taken over.
    pub migrated: PathBuf,
}

impl Paths {
    pub fn resolve(env: &Environment) -> anyhow::Result<Self> {
        let state_dir = match env.get("OPENCLAW_STATE_DIR") {
            Some(dir) => expand_home(dir, env)?,
            None => home(env)?.join(state_folder(Profile::selected(env)?.as_ref())),
        };
        let config_file = match env.get("OPENCLAW_CONFIG_PATH") {
            Some(file) => expand_home(file, env)?,
            None => state_dir.join("openclaw.json"),
        };
        let state = state_dir.join("state");
        Ok(Self {
            config_file,
            store_file: state.join("gateway.sqlite"),
            owner_socket: state_dir.join("gateway.sock"),
            server_key: state.join("gateway.key"),
            gateway_identity: state.join("gateway-identity.json"),
            config_lock: state.join("config.lock"),
            config_trial: state.join("config-trial.json"),
            exec_approvals: state_dir.join("exec-approvals.json"),
            log_file: state_dir.join("logs").join("openclaw.log"),
            identity_file: state.join("cli-identity.json"),
            backups: state_dir.join("backups"),
            quarantine: state_dir.join("quarantine"),
            migrated: state.join("migrated.json"),
            state_dir,
        })
    }
}

fn home(env: &Environment) -> anyhow::Result<PathBuf> {
    let home = env
        .get("HOME")
        .context("HOME is not set, so there is no place for the state directory; set OPENCLAW_STATE_DIR")?;
    Ok(PathBuf::from(home))
}

fn expand_home(path: &str, env: &Environment) -> anyhow::Result<PathBuf> {
    match path.strip_prefix("~/") {
        Some(rest) => Ok(home(env)?.join(rest)),
        None => std::path::absolute(path).with_context(|| format!("`{path}` is not a usable path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_lives_in_the_state_directory_unless_told_otherwise() {
        let paths = Paths::resolve(&Environment::from_pairs(&[("HOME", "/home/ada")])).unwrap();
        assert_eq!(paths.config_file, PathBuf::from("/home/ada/.openclaw/openclaw.json"));
        assert_eq!(paths.store_file, PathBuf::from("/home/ada/.openclaw/state/gateway.sqlite"));
        let moved = Environment::from_pairs(&[
            ("HOME", "/home/ada"),
            ("OPENCLAW_STATE_DIR", "~/elsewhere"),
            ("OPENCLAW_CONFIG_PATH", "/etc/openclaw.json"),
        ]);
        let paths = Paths::resolve(&moved).unwrap();
        assert_eq!(paths.owner_socket, PathBuf::from("/home/ada/elsewhere/gateway.sock"));
        assert_eq!(paths.config_file, PathBuf::from("/etc/openclaw.json"));
        assert!(Paths::resolve(&Environment::default()).is_err());
    }

    #[test]
    fn a_profile_has_a_directory_of_its_own() {
        let place = |pairs: &[(&str, &str)], typed: Option<&str>| {
            let mut env = Environment::from_pairs(&[&[("HOME", "/home/ada")], pairs].concat());
            if let Some(name) = typed {
                env = env.with_profile(&name.parse().unwrap());
            }
            Paths::resolve(&env).map(|paths| paths.config_file.display().to_string()).ok()
        };
        let exported = [("OPENCLAW_STATE_DIR", "/srv"), ("OPENCLAW_CONFIG_PATH", "/etc/o.json")];
        let of_a = Some("/home/ada/.openclaw-a/openclaw.json".to_owned());
        assert_eq!(place(&[("OPENCLAW_PROFILE", "a")], None), of_a);
        assert_eq!(place(&[], Some("a")), of_a);
        // What was exported belongs to another gateway; what was typed says which one is meant.
        assert_eq!(place(&exported, Some("a")), of_a);
        // A service names its directory and its profile.
        let own = [&exported[..], &[("OPENCLAW_PROFILE", "a")]].concat();
        assert_eq!(place(&own, Some("a")).as_deref(), Some("/etc/o.json"));
        assert_eq!(
            place(&[("OPENCLAW_PROFILE", "default")], None).as_deref(),
            Some("/home/ada/.openclaw/openclaw.json")
        );
        assert_eq!(place(&[("OPENCLAW_PROFILE", "../x")], None), None);
    }
}
