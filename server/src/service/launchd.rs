//! launchd of macOS, in the user's session (`launchctl`, domain `gui/UID`).

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Plan, State, agent, run};
use crate::advised::Advised;
use crate::config::{Environment, Profile};
use crate::node::surroundings::Surroundings;
use crate::whole_file;

/// The user's launchd, and the one agent that is ours.
#[derive(Debug, Clone)]
pub struct Launchd {
    label: String,
    file: PathBuf,
    domain: String,
    program: Option<PathBuf>,
}

impl Launchd {
    pub fn new(env: &Environment, profile: Option<&Profile>) -> anyhow::Result<Self> {
        // OpenClaw's own labels, so that its app finds the service.
        let label =
            profile.map_or_else(|| "ai.openclaw.gateway".to_owned(), |profile| format!("ai.openclaw.{profile}"));
        let home =
            env.get("HOME").context(Advised::new("HOME is not set, so there is no place for a service", "set HOME"))?;
        let file = Path::new(home).join("Library/LaunchAgents").join(format!("{label}.plist"));
        let domain = format!("gui/{}", rustix::process::getuid().as_raw());
        Ok(Self { label, file, domain, program: Surroundings::of(env).which("launchctl") })
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The service as `launchctl` names it.
    pub fn target(&self) -> String {
        format!("{}/{}", self.domain, self.label)
    }

    pub fn check(&self) -> anyhow::Result<()> {
        if self.program.is_none() {
            bail!(Advised::new(
                "there is no launchd on this machine, so the gateway cannot be a service here",
                "run it in the foreground with `openclaw gateway run`"
            ));
        }
        Ok(())
    }

    pub fn install(&self, plan: &Plan) -> anyhow::Result<()> {
        let text = agent::render(&self.label, plan).context("the agent cannot be written as a property list")?;
        let folder = self.file.parent().context("an agent has a folder")?;
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::create_dir_all(&plan.log_folder))
            .and_then(|()| whole_file::replace(&self.file, &text, None));
        written.with_context(|| format!("{} cannot be written", self.file.display()))
    }

    /// Loads the agent as its file is now, which starts it.
    pub async fn start(&self) -> anyhow::Result<()> {
        if self.is_loaded().await {
            return self.ask(&["kickstart", &self.target()]).await.map(drop);
        }
        self.ask(&["enable", &self.target()]).await?;
        self.ask(&["bootstrap", &self.domain, &self.file.display().to_string()]).await.map(drop)
    }

    /// Unloads the agent, so that launchd does not start it again.
    pub async fn stop(&self) -> anyhow::Result<()> {
        if self.is_loaded().await {
            self.ask(&["bootout", &self.target()]).await?;
        }
        Ok(())
    }

    /// Reads the file anew as well: what launchd has loaded may be an older one.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await?;
        self.start().await
    }

    pub async fn uninstall(&self) -> anyhow::Result<()> {
        self.stop().await?;
        std::fs::remove_file(&self.file).with_context(|| format!("{} cannot be removed", self.file.display()))
    }

    pub async fn state(&self) -> anyhow::Result<State> {
        self.check()?;
        // An agent that is not loaded is an error to `launchctl print`.
        Ok(self.ask(&["print", &self.target()]).await.map_or(State::Stopped, |said| read(&said)))
    }

    async fn is_loaded(&self) -> bool {
        self.ask(&["print", &self.target()]).await.is_ok()
    }

    async fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let program = self.program.as_deref().context("there is no `launchctl` on the PATH")?;
        run(program, words).await
    }
}

/// What `launchctl print` says.
fn read(said: &str) -> State {
    let value = |key: &str| said.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(" = "));
    let pid = value("pid").and_then(|pid| pid.parse().ok());
    match (value("state"), value("last exit code").map(|code| code.split(':').next().unwrap_or_default())) {
        (Some("running"), _) => State::Running { pid },
        (_, None | Some("0" | "(never exited)")) => State::Stopped,
        (_, Some(code)) => State::Failed(format!("exit code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A home with a `launchctl` that writes down what it is asked, and says of the agent what it is told to.
    fn home(prints: &str) -> (tempfile::TempDir, Launchd) {
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("launchctl");
        let script =
            format!("#!/bin/sh\necho \"$@\" >> {}/asked\ncase $1 in print) {prints};; esac\n", home.path().display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = home.path().to_str().unwrap();
        let env = Environment::from_pairs(&[("HOME", path), ("PATH", &format!("{path}:/bin:/usr/bin"))]);
        let launchd = Launchd::new(&env, Some(&Profile::dev())).unwrap();
        (home, launchd)
    }

    fn asked(home: &tempfile::TempDir) -> String {
        let uid = rustix::process::getuid().as_raw();
        std::fs::read_to_string(home.path().join("asked")).unwrap().replace(&format!("gui/{uid}"), "gui/UID")
    }

    #[tokio::test]
    async fn an_agent_is_loaded_once_and_unloaded_with_its_file() {
        let (home, launchd) = home("exit 113");
        let plan = Plan::new(
            Path::new("/usr/local/bin/openclaw"),
            &Environment::from_pairs(&[("HOME", home.path().to_str().unwrap())]),
            None,
        );
        launchd.install(&plan.unwrap()).unwrap();
        launchd.start().await.unwrap();
        let file = launchd.file().display().to_string();
        assert!(file.ends_with("/Library/LaunchAgents/ai.openclaw.dev.plist"));
        assert_eq!(
            asked(&home),
            format!("print gui/UID/ai.openclaw.dev\nenable gui/UID/ai.openclaw.dev\nbootstrap gui/UID {file}\n")
        );
        assert_eq!(launchd.state().await.unwrap(), State::Stopped);
        launchd.uninstall().await.unwrap();
        assert!(!launchd.file().exists());
    }

    #[tokio::test]
    async fn a_loaded_agent_is_kicked_and_booted_out() {
        let (home, launchd) = home("printf '\\tstate = running\\n\\tpid = 77\\n'");
        assert_eq!(launchd.state().await.unwrap(), State::Running { pid: Some(77) });
        launchd.start().await.unwrap();
        launchd.stop().await.unwrap();
        let asked = asked(&home);
        assert!(asked.contains("kickstart gui/UID/ai.openclaw.dev\n"), "{asked}");
        assert!(asked.ends_with("bootout gui/UID/ai.openclaw.dev\n"), "{asked}");
    }

    #[test]
    fn states_are_told_apart() {
        assert_eq!(read("\tstate = not running\n\tlast exit code = 1\n"), State::Failed("exit code 1".to_owned()));
        assert_eq!(
            read("\tstate = not running\n\tlast exit code = 78: EX_CONFIG\n"),
            State::Failed("exit code 78".to_owned())
        );
        assert_eq!(read("\tstate = not running\n\tlast exit code = (never exited)\n"), State::Stopped);
    }
}
