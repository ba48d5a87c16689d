//! The gateway as a service of its user: a systemd user unit, or a launchd agent on macOS.
//!
//! The crate `service-manager` was weighed and left: it quotes nothing in a unit, never reloads systemd, cannot
//! restart, cannot tell a failed service from a stopped one, and cannot read what is installed, which is most
//! of what is here.
//!
//! Reading order: [`plan`] (what should be installed), [`unit`] and [`agent`] (as text, there and back),
//! [`systemd`] and [`launchd`] (told to the system), [`program`] (which file to start).

pub mod agent;
pub mod launchd;
pub mod plan;
pub mod program;
pub mod systemd;
pub mod unit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::timeout;

use crate::advised::Advised;
use crate::config::{Environment, Paths, Profile};

pub use launchd::Launchd;
pub use plan::Plan;
pub use systemd::Systemd;

/// How long the system's own program may take. Stopping a gateway takes a few seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A service as its file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// The file.
    pub path: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables that the file sets.
    pub environment: BTreeMap<String, String>,
    /// Files with more variables.
    pub env_files: Vec<PathBuf>,
}

impl Installed {
    /// The state directory of the gateway that it starts.
    pub fn state_dir(&self, env: &Environment) -> Option<PathBuf> {
        let home = self.environment.get("HOME").map(String::as_str).or_else(|| env.get("HOME"));
        let mut pairs: Vec<(&str, &str)> = home.map(|home| ("HOME", home)).into_iter().collect();
        pairs.extend(self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Paths::resolve(&Environment::from_pairs(&pairs)).ok().map(|paths| paths.state_dir)
    }

    /// Variables that hold secrets, by name: they are readable for every program of this user, and go stale.
    pub fn secrets(&self) -> Vec<&str> {
        let is_secret = |name: &&str| ["TOKEN", "PASSWORD", "SECRET", "KEY"].iter().any(|word| name.contains(word));
        self.environment.keys().map(String::as_str).filter(is_secret).collect()
    }

    /// Whether it is for the gateway of this state directory, as far as it says.
    pub fn is_for(&self, env: &Environment, state_dir: &Path) -> bool {
        self.state_dir(env).is_none_or(|folder| folder == state_dir)
    }

    /// A variable as its gateway gets it, and the file that says so. Files with more variables win, the last one
    /// most; those that cannot be read count for nothing, as for systemd.
    pub fn variable(&self, name: &str) -> Option<(String, PathBuf)> {
        let of_file = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).ok()?;
            Some((unit::parse_variables(&text).remove(name)?, file.clone()))
        };
        let own = || Some((self.environment.get(name)?.clone(), self.path.clone()));
        self.env_files.iter().rev().find_map(of_file).or_else(own)
    }

    /// Whether it starts another program than the one that would be installed now.
    pub fn drift(&self, program: &Path) -> Option<Drift> {
        let starts = PathBuf::from(self.argv.first().map(String::as_str).unwrap_or_default());
        let real = |path: &Path| path.canonicalize().ok();
        match real(&starts) {
            None => Some(Drift::Missing(starts)),
            Some(found) if Some(&found) != real(program).as_ref() => Some(Drift::Elsewhere(starts)),
            Some(_) => None,
        }
    }
}

/// How a service has fallen behind its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// The file that it starts is gone.
    Missing(PathBuf),
    /// It starts another file.
    Elsewhere(PathBuf),
}

/// What a service does at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Running {
        pid: Option<u32>,
    },
    /// It has failed and is started again in a moment.
    Restarting,
    Stopped,
    /// It has failed and stays down, with what the system calls the reason.
    Failed(String),
}

impl State {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running { .. } => "running",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
        }
    }
}

/// Everything there is to know about an installed service.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub name: String,
    pub installed: Installed,
    /// `None` where the system's own program gives no answer, for example without a session bus.
    pub state: Option<State>,
    pub drift: Option<Drift>,
}

/// The system that starts services of this user.
#[derive(Debug, Clone)]
pub enum Manager {
    Systemd(Systemd),
    Launchd(Launchd),
}

impl Manager {
    /// The one of this operating system, for the service of the selected profile. That it is there is found out
    /// by [`Manager::check`].
    pub fn of(env: &Environment) -> anyhow::Result<Self> {
        let profile = Profile::selected(env)?;
        Ok(if cfg!(target_os = "macos") {
            Self::Launchd(Launchd::new(env, profile.as_ref())?)
        } else {
            Self::Systemd(Systemd::new(env, profile.as_ref())?)
        })
    }

    /// What the service is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Systemd(systemd) => systemd.unit(),
            Self::Launchd(launchd) => launchd.label(),
        }
    }

    pub fn file(&self) -> &Path {
        match self {
            Self::Systemd(systemd) => systemd.file(),
            Self::Launchd(launchd) => launchd.file(),
        }
    }

    /// What the file says, if there is one.
    pub fn installed(&self) -> anyhow::Result<Option<Installed>> {
        let path = self.file();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let read = match self {
            Self::Systemd(_) => unit::parse(&String::from_utf8_lossy(&bytes)),
            Self::Launchd(_) => agent::parse(&bytes).with_context(|| format!("{} makes no sense", path.display()))?,
        };
        Ok(Some(Installed { path: path.to_owned(), ..read }))
    }

    /// Whether services can be had here; if not, says why and what to do instead.
    pub async fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.check().await,
            Self::Launchd(launchd) => launchd.check(),
        }
    }

    /// Writes the file and makes the system read it. The service starts with the session from now on, but not
    /// yet.
    pub async fn install(&self, plan: &Plan) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.install(plan).await,
            Self::Launchd(launchd) => launchd.install(plan),
        }
    }

    pub async fn start(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.start().await,
            Self::Launchd(launchd) => launchd.start().await,
        }
    }

    pub async fn stop(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.stop().await,
            Self::Launchd(launchd) => launchd.stop().await,
        }
    }

    pub async fn restart(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.restart().await,
            Self::Launchd(launchd) => launchd.restart().await,
        }
    }

    /// Stops the service and removes its file.
    pub async fn uninstall(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemd) => systemd.uninstall().await,
            Self::Launchd(launchd) => launchd.uninstall().await,
        }
    }

    pub async fn state(&self) -> anyhow::Result<State> {
        match self {
            Self::Systemd(systemd) => systemd.state().await,
            Self::Launchd(launchd) => launchd.state().await,
        }
    }

    /// The command that shows what the service has said.
    pub fn log_command(&self) -> String {
        match self {
            Self::Systemd(systemd) => format!("journalctl --user -u {} -n 50", systemd.unit()),
            Self::Launchd(launchd) => format!("launchctl print {}", launchd.target()),
        }
    }
}

/// The service of the selected profile, if one is installed. `program` is what would be installed now.
pub async fn inspect(env: &Environment, program: &Path) -> anyhow::Result<Option<Inspection>> {
    let manager = Manager::of(env)?;
    let Some(installed) = manager.installed()? else {
        return Ok(None);
    };
    let state = manager.state().await.ok();
    let drift = installed.drift(program);
    Ok(Some(Inspection { name: manager.name().to_owned(), installed, state, drift }))
}

/// Runs the system's own program. Its words are the error's.
async fn run(program: &Path, words: &[&str]) -> anyhow::Result<String> {
    let line = || format!("{} {}", program.file_name().unwrap_or_default().to_string_lossy(), words.join(" "));
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.with_context(|| format!("`{}` does not end", line()))?;
    let Output { status, stdout, stderr } = output.with_context(|| format!("`{}` cannot be run", line()))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        bail!(Advised::new(format!("`{}` failed: {said}", line()), "see `openclaw gateway status --deep`"));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(program: &Path) -> Installed {
        Installed { argv: vec![program.display().to_string(), "gateway".to_owned()], ..Installed::default() }
    }

    #[test]
    fn a_service_drifts_when_its_program_is_gone_or_another() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new, link] = ["old", "new", "openclaw"].map(|name| folder.path().join(name));
        std::fs::write(&old, "").unwrap();
        std::fs::write(&new, "").unwrap();
        std::os::unix::fs::symlink(&new, &link).unwrap();
        assert_eq!(starting(&old).drift(&link), Some(Drift::Elsewhere(old.clone())));
        assert_eq!(starting(&link).drift(&new), None);
        std::fs::remove_file(&old).unwrap();
        assert_eq!(starting(&old).drift(&new), Some(Drift::Missing(old)));
    }

    #[test]
    fn a_service_says_which_state_directory_it_is_for_and_which_secrets_it_gives_away() {
        let env = Environment::from_pairs(&[("HOME", "/home/ada"), ("OPENCLAW_STATE_DIR", "/mine")]);
        let with = |pairs: &[(&str, &str)]| Installed {
            environment: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Installed::default()
        };
        let state_dir = |pairs| with(pairs).state_dir(&env).unwrap().display().to_string();
        assert_eq!(state_dir(&[]), "/home/ada/.openclaw");
        assert_eq!(state_dir(&[("OPENCLAW_PROFILE", "a")]), "/home/ada/.openclaw-a");
        assert_eq!(state_dir(&[("OPENCLAW_STATE_DIR", "/srv")]), "/srv");
        let secrets = with(&[("OPENCLAW_GATEWAY_TOKEN", "t"), ("PATH", "/bin")]);
        assert_eq!(secrets.secrets(), ["OPENCLAW_GATEWAY_TOKEN"]);
    }

    #[test]
    fn files_with_variables_win_over_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["first", "gone", "last"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], "A=first\nB='first file'\n").unwrap();
        std::fs::write(&files[2], "# A=no\nA = \"last\"\n").unwrap();
        let environment = [("A", "own"), ("C", "own")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let [first, _, last] = files.clone();
        let installed = Installed {
            path: "/unit".into(),
            environment: environment.into(),
            env_files: files.into(),
            ..Installed::default()
        };
        assert_eq!(installed.variable("A"), Some(("last".to_owned(), last)));
        assert_eq!(installed.variable("B"), Some(("first file".to_owned(), first)));
        assert_eq!(installed.variable("C"), Some(("own".to_owned(), "/unit".into())));
        assert_eq!(installed.variable("D"), None);
    }
}
