//! systemd of the user (`systemctl --user`).

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Plan, State, run, unit};
use crate::advised::Advised;
use crate::config::{Environment, Profile};
use crate::node::surroundings::Surroundings;
use crate::whole_file;

/// The user's systemd, and the one unit that is ours.
#[derive(Debug, Clone)]
pub struct Systemd {
    unit: String,
    file: PathBuf,
    program: Option<PathBuf>,
    /// Whether this looks like the root shell of somebody who used sudo.
    is_sudo: bool,
}

impl Systemd {
    pub fn new(env: &Environment, profile: Option<&Profile>) -> anyhow::Result<Self> {
        let suffix = profile.map(|profile| format!("-{profile}")).unwrap_or_default();
        let unit = format!("openclaw-gateway{suffix}.service");
        let config = match (env.get("XDG_CONFIG_HOME"), env.get("HOME")) {
            (Some(config), _) if Path::new(config).is_absolute() => PathBuf::from(config),
            (_, Some(home)) => Path::new(home).join(".config"),
            (_, None) => bail!(Advised::new("HOME is not set, so there is no place for a service", "set HOME")),
        };
        let file = config.join("systemd/user").join(&unit);
        let program = Surroundings::of(env).which("systemctl");
        Ok(Self { unit, file, program, is_sudo: env.get("SUDO_USER").is_some() })
    }

    pub fn unit(&self) -> &str {
        &self.unit
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub async fn check(&self) -> anyhow::Result<()> {
        let instead = "run it in the foreground with `openclaw gateway run`; in a container let that restart it \
                       (`docker run --restart unless-stopped …`)";
        if self.program.is_none() {
            bail!(Advised::new(
                "there is no systemd on this machine, so the gateway cannot be a service here",
                instead
            ));
        }
        self.ask(&["show", "--property=Version"]).await.map(drop).with_context(|| {
            let hint = if self.is_sudo {
                "run this without sudo: the service belongs to you".to_owned()
            } else {
                format!(
                    "after `su` or `sudo` log in properly (`machinectl shell $USER@`), or set \
                     XDG_RUNTIME_DIR=/run/user/$(id -u) where `loginctl enable-linger` was run; otherwise {instead}"
                )
            };
            Advised::new("the systemd of this user cannot be reached", hint)
        })
    }

    pub async fn install(&self, plan: &Plan) -> anyhow::Result<()> {
        let folder = self.file.parent().context("a unit has a folder")?;
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| whole_file::replace(&self.file, unit::render(plan).as_bytes(), None));
        written.with_context(|| format!("{} cannot be written", self.file.display()))?;
        self.ask(&["daemon-reload"]).await?;
        self.ask(&["enable", &self.unit]).await.map(drop)
    }

    /// Starts it, also after it has failed so often that systemd gave up.
    pub async fn start(&self) -> anyhow::Result<()> {
        // A unit that never failed is nothing to complain about.
        let _ = self.ask(&["reset-failed", &self.unit]).await;
        self.ask(&["start", &self.unit]).await.map(drop)
    }

    pub async fn stop(&self) -> anyhow::Result<()> {
        self.ask(&["stop", &self.unit]).await.map(drop)
    }

    pub async fn restart(&self) -> anyhow::Result<()> {
        let _ = self.ask(&["reset-failed", &self.unit]).await;
        self.ask(&["restart", &self.unit]).await.map(drop)
    }

    pub async fn uninstall(&self) -> anyhow::Result<()> {
        self.ask(&["disable", "--now", &self.unit]).await?;
        std::fs::remove_file(&self.file).with_context(|| format!("{} cannot be removed", self.file.display()))?;
        self.ask(&["daemon-reload"]).await.map(drop)
    }

    pub async fn state(&self) -> anyhow::Result<State> {
        self.ask(&["show", &self.unit, "--property=ActiveState,SubState,MainPID,Result"]).await.map(|said| read(&said))
    }

    async fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let program = self.program.as_deref().context("there is no `systemctl` on the PATH")?;
        run(program, &[&["--user"], words].concat()).await
    }
}

/// What `systemctl show` says.
fn read(said: &str) -> State {
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    match (value("ActiveState"), value("SubState")) {
        (Some("failed"), _) => State::Failed(value("Result").unwrap_or("unknown").to_owned()),
        (_, Some("auto-restart" | "auto-restart-queued")) => State::Restarting,
        (Some("active" | "activating" | "reloading"), _) => {
            State::Running { pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0) }
        }
        (Some(_) | None, _) => State::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_apart() {
        let say = |active: &str, sub: &str| {
            format!("MainPID=12\nResult=start-limit-hit\nActiveState={active}\nSubState={sub}\n")
        };
        assert_eq!(read(&say("active", "running")), State::Running { pid: Some(12) });
        assert_eq!(read(&say("failed", "failed")), State::Failed("start-limit-hit".to_owned()));
        assert_eq!(read(&say("activating", "auto-restart")), State::Restarting);
        assert_eq!(read(&say("inactive", "dead")), State::Stopped);
        assert_eq!(read(""), State::Stopped);
    }

    #[test]
    fn each_profile_has_a_unit_of_its_own() {
        let unit = |pairs: &[(&str, &str)], profile: Option<&Profile>| {
            Systemd::new(&Environment::from_pairs(pairs), profile).unwrap().file.display().to_string()
        };
        let home = [("HOME", "/home/ada")];
        assert_eq!(unit(&home, None), "/home/ada/.config/systemd/user/openclaw-gateway.service");
        let dev = Profile::dev();
        assert_eq!(unit(&home, Some(&dev)), "/home/ada/.config/systemd/user/openclaw-gateway-dev.service");
        assert_eq!(unit(&[("XDG_CONFIG_HOME", "/x")], None), "/x/systemd/user/openclaw-gateway.service");
    }
}
