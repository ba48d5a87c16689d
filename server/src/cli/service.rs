//! `openclaw gateway install`, `start`, `stop`, `restart` and `uninstall`: the service of this user, and the
//! gateway in a terminal where there is no service.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use client::Connection;
use protocol::Method;
use protocol::method::{OwnerStop, OwnerStopping};
use protocol::role::ADMIN;
use serde_json::json;

use super::Outcome;
use super::args::{Format, InstallArgs};
use super::output::{Failure, say, tell};
use super::target::{OpenError, Target};
use crate::config::reference::variables;
use crate::config::{Environment, Paths, file};
use crate::holder;
use crate::service::program::Invocation;
use crate::service::{Drift, Installed, Manager, Plan, State};
use crate::takeover::until_silent;

/// How long a service may take until its gateway answers, and a gateway to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(50);

/// The service and the gateway that a command is about.
struct Subject {
    manager: Manager,
    target: Target,
    env: Environment,
}

impl Subject {
    fn new(env: &Environment) -> Result<Self, Failure> {
        let (manager, target) = (Manager::of(env)?, Target::on_this_machine(env)?);
        Ok(Self { manager, target, env: env.clone() })
    }

    /// The service, if one is installed. One that looks after another state directory is nobody's to touch
    /// from here.
    fn installed(&self) -> Result<Option<Installed>, Failure> {
        let Some(installed) = self.manager.installed()? else {
            return Ok(None);
        };
        let ours = &self.target.paths().state_dir;
        match installed.state_dir(&self.env) {
            Some(theirs) if theirs != *ours => Err(Failure::new(format!(
                "The service {} runs the gateway of {}, not the one of {}.",
                self.manager.name(),
                theirs.display(),
                ours.display()
            ))
            .hint(format!(
                "give this gateway a profile, and with it a service of its own: `openclaw --profile NAME gateway install`; \
                 or set OPENCLAW_STATE_DIR={}",
                theirs.display()
            ))),
            Some(_) | None => Ok(Some(installed)),
        }
    }

    /// The process that holds the state directory, if one does.
    async fn process(&self) -> Option<u32> {
        holder::behind(&self.target.paths().owner_socket).await
    }

    /// Says where the service has fallen behind its program.
    fn tell_drift(&self, installed: &Installed) -> Result<(), Failure> {
        let program = Invocation::capture().program(&self.env)?;
        if let Some(drift) = installed.drift(&program) {
            let command = self.target.command("gateway install --force");
            say(&format!("warning: {}; make it follow with `{command}`", drift_words(&drift)));
        }
        Ok(())
    }

    /// Waits until the gateway answers. A service that fails is not waited for.
    async fn until_up(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(connection) = self.target.open(&[ADMIN]).await {
                connection.close().await;
                return Ok(());
            }
            let state = self.manager.state().await?;
            let why = match &state {
                State::Failed(why) => Some(format!("has failed ({why})")),
                State::Restarting => Some("fails and is started again".to_owned()),
                State::Running { .. } | State::Stopped => None,
            };
            if why.is_some() || Instant::now() > deadline {
                let why = why.unwrap_or_else(|| "runs, but its gateway does not answer".to_owned());
                let hint = format!(
                    "see why with `{}`, or run it in this terminal with `openclaw gateway run`",
                    self.manager.log_command()
                );
                return Err(Failure::new(format!("The service {} {why}.", self.manager.name())).hint(hint));
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn done(&self, format: Format, action: &str, words: &str) -> ExitCode {
        let service = json!({"name": self.manager.name(), "file": self.manager.file()});
        tell(format.json, &json!({"ok": true, "action": action, "service": service, "message": words}), words)
    }

    fn not_installed(&self) -> Failure {
        Failure::new(format!("The gateway is no service here: {} is not installed.", self.manager.name()))
            .hint("install it with `openclaw gateway install`, or run it in this terminal with `openclaw gateway run`")
    }
}

/// What is wrong with a service that drifted.
pub fn drift_words(drift: &Drift) -> String {
    match drift {
        Drift::Missing(program) => format!("the service starts {}, which is not there", program.display()),
        Drift::Elsewhere(program) => format!("the service starts another program, {}", program.display()),
    }
}

pub async fn install(args: &InstallArgs, env: &Environment) -> Outcome {
    let subject = Subject::new(env)?;
    let manager = &subject.manager;
    let program = Invocation::capture().program(env)?;
    let plan = Plan::new(&program, env, args.port)?;
    let before = subject.installed()?;
    if let Some(before) = before.as_ref().filter(|_| !args.force) {
        return already_installed(args, &subject, &plan, before);
    }
    manager.check().await?;
    keep_secrets(before.as_ref(), &plan, manager.file())?;
    manager.install(&plan).await?;
    say_what_it_does_not_see(env, &plan);
    say_when_it_ends(env);
    let is_service = matches!(manager.state().await?, State::Running { .. } | State::Restarting);
    let name = manager.name();
    if let Some(process) = subject.process().await.filter(|_| !is_service) {
        let words = format!(
            "Installed the service {name}. It is not started yet, because a gateway runs in process {process}; end that \
             with `{}`, then run `{}`.",
            subject.target.command("gateway stop"),
            subject.target.command("gateway start")
        );
        return Ok(subject.done(args.format, "install", &words));
    }
    if is_service {
        manager.restart().await?;
    } else {
        manager.start().await?;
    }
    subject.until_up().await?;
    let words = format!("Installed the service {name}; its gateway runs.\nIt starts {}.", plan.argv.join(" "));
    Ok(subject.done(args.format, "install", &words))
}

fn already_installed(args: &InstallArgs, subject: &Subject, plan: &Plan, before: &Installed) -> Outcome {
    let name = subject.manager.name();
    if before.argv == plan.argv && before.environment == plan.environment {
        return Ok(subject.done(args.format, "install", &format!("The service {name} is installed already.")));
    }
    Err(Failure::new(format!("The service {name} is installed already, and starts something else:"))
        .list([format!("now:  {}", before.argv.join(" ")), format!("new:  {}", plan.argv.join(" "))])
        .hint("replace it with `openclaw gateway install --force`"))
}

/// A service file that is replaced may hold the only copy of a secret. It is kept beside, for its owner alone.
fn keep_secrets(before: Option<&Installed>, plan: &Plan, file: &Path) -> Result<(), Failure> {
    let Some(before) = before.filter(|before| !before.secrets().is_empty()) else {
        return Ok(());
    };
    let kept = file.with_extension("replaced");
    let content = std::fs::read(file).map_err(anyhow::Error::from)?;
    crate::whole_file::replace(&kept, &content, None).map_err(anyhow::Error::from)?;
    say(&format!(
        "note: the old service file held {}; a service file is no place for secrets, so the new one does not.\n\
         The gateway uses its own settings; if it needs these, move them from {} to {} (mode 600)",
        before.secrets().join(" and "),
        kept.display(),
        plan.env_file.display()
    ));
    Ok(())
}

/// A service does not see the variables of the shell that installs it.
fn say_what_it_does_not_see(env: &Environment, plan: &Plan) {
    let settings = Paths::resolve(env).and_then(|paths| file::read(&paths.config_file)).unwrap_or_default();
    let secrets = ["OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD"].into_iter().chain(variables(&settings));
    let set: Vec<&str> = secrets.filter(|name| env.get(name).is_some()).collect();
    if !set.is_empty() && !plan.env_file.exists() {
        say(&format!(
            "note: the service does not see {} of this shell and uses the settings; where it should, write NAME=VALUE to {} (mode 600)",
            set.join(" and "),
            plan.env_file.display()
        ));
    }
}

/// Services of a user end with the last session, unless somebody said otherwise.
fn say_when_it_ends(env: &Environment) {
    let lingers = Path::new("/var/lib/systemd/linger");
    if let Some(user) = env.get("USER").or_else(|| env.get("LOGNAME"))
        && lingers.parent().is_some_and(Path::exists)
        && !lingers.join(user).exists()
    {
        say(
            "note: it ends when you log out; to keep it running, and to start it at boot, run `loginctl enable-linger`",
        );
    }
}

pub async fn start(format: Format, env: &Environment) -> Outcome {
    let subject = Subject::new(env)?;
    let words = bring_up(&subject).await?;
    Ok(subject.done(format, "start", &words))
}

/// What `doctor --fix` does, in one line.
pub async fn start_installed(env: &Environment) -> Result<String, Failure> {
    bring_up(&Subject::new(env)?).await
}

/// Starts the service, unless it runs, and waits until its gateway answers.
async fn bring_up(subject: &Subject) -> Result<String, Failure> {
    let Some(installed) = subject.installed()? else {
        return Err(match subject.process().await {
            Some(pid) => Failure::new(format!("A gateway runs already, in process {pid}."))
                .hint("make it a service with `openclaw gateway stop`, then `openclaw gateway install`"),
            None => subject.not_installed(),
        });
    };
    subject.manager.check().await?;
    subject.tell_drift(&installed)?;
    let name = subject.manager.name();
    if let (State::Running { .. }, Some(pid)) = (subject.manager.state().await?, subject.process().await) {
        return Ok(format!("The service {name} runs already, in process {pid}."));
    }
    if let Some(pid) = subject.process().await {
        return Err(Failure::new(format!("A gateway runs already, in process {pid}, and not as the service {name}."))
            .hint("end it first with `openclaw gateway stop`"));
    }
    subject.manager.start().await?;
    subject.until_up().await?;
    Ok(format!("Started the service {name}."))
}

pub async fn stop(format: Format, env: &Environment) -> Outcome {
    let subject = Subject::new(env)?;
    let name = subject.manager.name();
    if subject.installed()?.is_some()
        && let Ok(State::Running { .. } | State::Restarting) = subject.manager.state().await
    {
        subject.manager.stop().await?;
        return Ok(subject.done(format, "stop", &format!("Stopped the service {name}.")));
    }
    let mut connection = match subject.target.open(&[ADMIN]).await {
        Ok(connection) => connection,
        Err(OpenError::NotRunning) => return Ok(subject.done(format, "stop", "The gateway was not running.")),
        Err(OpenError::Failed(failure)) => return Err(hanging(subject.process().await, failure)),
    };
    let pid = ask_to_end(&mut connection, OwnerStop { restart: false }).await?;
    drop(connection);
    if !until_silent(&subject.target.paths().owner_socket, PATIENCE).await {
        return Err(hanging(pid, Failure::new("The gateway was asked to end, but it is still there.")));
    }
    let process = pid.map(|pid| format!(" in process {pid}")).unwrap_or_default();
    Ok(subject.done(format, "stop", &format!("Stopped the gateway{process}.")))
}

pub async fn restart(format: Format, env: &Environment) -> Outcome {
    let subject = Subject::new(env)?;
    let name = subject.manager.name();
    let installed = subject.installed()?;
    let is_service = match &installed {
        Some(_) => matches!(subject.manager.state().await, Ok(State::Running { .. } | State::Restarting)),
        None => false,
    };
    if let Some(installed) = &installed {
        subject.tell_drift(installed)?;
    }
    if is_service || (installed.is_some() && subject.process().await.is_none()) {
        subject.manager.check().await?;
        subject.manager.restart().await?;
        subject.until_up().await?;
        return Ok(subject.done(format, "restart", &format!("Restarted the service {name}.")));
    }
    let mut connection = match subject.target.open(&[ADMIN]).await {
        Ok(connection) => connection,
        Err(OpenError::NotRunning) => {
            return Err(Failure::new("The gateway is not running, and it is no service.")
                .hint("start it with `openclaw gateway run`, or make it a service with `openclaw gateway install`"));
        }
        Err(OpenError::Failed(failure)) => return Err(hanging(subject.process().await, failure)),
    };
    let asked = Instant::now();
    let pid = ask_to_end(&mut connection, OwnerStop { restart: true }).await?;
    drop(connection);
    until_new(&subject, asked).await?;
    let process = pid.map(|pid| format!(" in process {pid}")).unwrap_or_default();
    Ok(subject.done(format, "restart", &format!("Restarted the gateway{process}.")))
}

/// Asks a gateway to end. It may hang up before its answer arrives, which is one too.
async fn ask_to_end(connection: &mut Connection, how: OwnerStop) -> Result<Option<u32>, Failure> {
    match connection.ask::<OwnerStopping>(Method::OwnerStop, how).await {
        Ok(stopping) => Ok(Some(stopping.pid)),
        Err(client::CallError::Closed(_) | client::CallError::Broken(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until a gateway answers that is younger than the question.
async fn until_new(subject: &Subject, asked: Instant) -> Result<(), Failure> {
    loop {
        if let Ok(connection) = subject.target.open(&[ADMIN]).await {
            let age = Duration::from_millis(connection.hello().snapshot.uptime_ms);
            connection.close().await;
            if age <= asked.elapsed() {
                return Ok(());
            }
        }
        if asked.elapsed() > PATIENCE {
            return Err(Failure::new("The gateway has ended, but it did not come back.")
                .hint("see its terminal, or start it with `openclaw gateway run`"));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What to do about a gateway that is there but does not do what it is told.
fn hanging(pid: Option<u32>, failure: Failure) -> Failure {
    match pid {
        Some(pid) => failure.hint(format!("end it with `kill {pid}`, and if that does not help with `kill -9 {pid}`")),
        None => failure,
    }
}

pub async fn uninstall(format: Format, env: &Environment) -> Outcome {
    let subject = Subject::new(env)?;
    let name = subject.manager.name();
    if subject.installed()?.is_none() {
        return Ok(subject.done(format, "uninstall", &format!("The service {name} was not installed.")));
    }
    subject.manager.check().await?;
    subject.manager.uninstall().await?;
    let folder = subject.target.paths().state_dir.display().to_string();
    let words = format!("Removed the service {name}. Settings, devices and the log stay in {folder}.");
    Ok(subject.done(format, "uninstall", &words))
}
