//! How a command changes the settings: through the running gateway, so that the change is live at once, or in the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use client::{CallError, Connection};
use protocol::operations::ConfigWriteParams;
use protocol::refusal::ConfigRefusal;
use protocol::{Method, Refusal, WireError};
use serde::Deserialize;
use serde_json::Value;

use super::output::{Failure, long, say, sentence};
use super::progress;
use super::target::{OpenError, Target};
use crate::config::edit::Edit;
use crate::config::entries::{find_new_problems, is_within};
use crate::config::key_path::Patch;
use crate::config::settings::{Setting, find};
use crate::config::written::{Held, backup, find_problems, resolve};
use crate::config::{Environment, Overrides, Paths, Problem, file};

/// How long a change is repeated that others were faster than.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a new file begins with.
const NEW_FILE: &str = "// Settings of the OpenClaw gateway. Comments and keys of other programs are kept.\n{\n}\n";

/// A change that was made, or that there was no need for.
#[derive(Debug)]
pub struct Changed {
    /// The key paths that differ now.
    pub paths: Vec<String>,
    pub file: PathBuf,
    pub is_running: bool,
    /// Whether the running gateway works by other settings until it is started again.
    pub requires_restart: bool,
    /// What is odd about what was changed.
    pub warnings: Vec<Problem>,
}

/// What of `config.get` matters here.
#[derive(Deserialize)]
struct View {
    path: PathBuf,
    parsed: Value,
    hash: String,
}

/// What of a change's answer matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    path: PathBuf,
    changed_paths: Vec<String>,
    sentinel: Value,
}

/// Makes a change. `make` finds out what to change from what the file says, and is asked again when somebody else was
/// faster; secrets may be redacted in what it sees.
pub async fn change(
    env: &Environment,
    make: impl Fn(&Value) -> Result<Patch, Failure> + Send + 'static,
) -> Result<Changed, Failure> {
    let paths = Paths::resolve(env)?;
    let mut changed = match Target::on_this_machine(env)?.open(&[]).await {
        Ok(mut connection) => {
            let changed = through_gateway(&mut connection, make, &paths).await;
            connection.close().await;
            changed?
        }
        Err(OpenError::NotRunning) => {
            let (paths, env) = (paths.clone(), env.clone());
            let changing = tokio::task::spawn_blocking(move || in_file(&paths, &env, &make));
            let changing = progress::during("Another program changes the settings; waiting for it", changing);
            changing.await.map_err(anyhow::Error::from)??
        }
        Err(failed) => return Err(failed.into()),
    };
    if let Ok(resolved) = resolve(&file::read_text(&changed.file)?, env, &Overrides::default()) {
        let concerns = |warning: &Problem| changed.paths.iter().any(|path| is_within(path, &warning.path));
        changed.warnings = resolved.warnings.into_iter().filter(concerns).collect();
    }
    Ok(changed)
}

async fn through_gateway(
    connection: &mut Connection,
    make: impl Fn(&Value) -> Result<Patch, Failure>,
    paths: &Paths,
) -> Result<Changed, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let stale = Refusal::Config(ConfigRefusal::BaseStale).message();
    loop {
        let view: View = progress::asking(connection.ask(Method::ConfigGet, ())).await?;
        if view.path != paths.config_file {
            say(&format!("note: the gateway that runs here uses {}", view.path.display()));
        }
        let Patch { value, replace_paths } = make(&view.parsed)?;
        let params = ConfigWriteParams {
            raw: value.to_string(),
            base_hash: Some(view.hash),
            replace_paths,
            note: None,
            confirm_within_ms: None,
        };
        let asking = connection.ask(Method::ConfigPatch, &params);
        let written: Written = match progress::asking(asking).await {
            Ok(written) => written,
            Err(CallError::Refused(error)) if error.message == stale && Instant::now() < deadline => continue,
            Err(CallError::Refused(error)) => return Err(refused(&error)),
            Err(error) => return Err(error.into()),
        };
        let requires_restart = written.sentinel.pointer("/payload/stats/requiresRestart");
        return Ok(Changed {
            paths: written.changed_paths,
            file: written.path,
            is_running: true,
            requires_restart: requires_restart.and_then(Value::as_bool).unwrap_or_default(),
            warnings: Vec::new(),
        });
    }
}

/// Changes the file itself. What was wrong with it before is no reason to refuse: it may have to be put right step by
/// step.
fn in_file(
    paths: &Paths,
    env: &Environment,
    make: &impl Fn(&Value) -> Result<Patch, Failure>,
) -> Result<Changed, Failure> {
    let held = Held::take(paths)?;
    let text = if held.text.trim().is_empty() { NEW_FILE } else { &held.text };
    let before = find_problems(text, env);
    let current = file::parse(text).map_err(|error| unreadable(&paths.config_file, &error))?;
    let Patch { value, replace_paths } = make(&current)?;
    let edit = Edit::Patch { raw: value.to_string(), replace_paths };
    let edited = edit.apply(text).map_err(|problems| invalid(&problems))?;
    let problems = find_problems(&edited.text, env).into_iter().filter(|problem| !before.contains(problem));
    let useless = find_new_problems(&current, &file::parse(&edited.text)?);
    let problems: Vec<Problem> = problems.chain(useless).collect();
    if !problems.is_empty() {
        return Err(invalid(&problems));
    }
    if !edited.changed_paths.is_empty() {
        held.write(&edited)?;
    }
    Ok(Changed {
        paths: edited.changed_paths,
        file: paths.config_file.clone(),
        is_running: false,
        requires_restart: false,
        warnings: Vec::new(),
    })
}

/// A file that is no JSON5.
pub fn unreadable(path: &Path, error: &anyhow::Error) -> Failure {
    let failure = Failure::new(format!("{} cannot be read as JSON5: {}", path.display(), sentence(&error.to_string())));
    let backup = backup(path);
    failure.hint(if backup.exists() {
        format!("correct it in an editor; {} is how it was before the last change by a program", backup.display())
    } else {
        "correct it in an editor, then check it with `openclaw config validate`".to_owned()
    })
}

/// A change that the gateway did not make, with examples of values that it would take.
fn refused(error: &WireError) -> Failure {
    let issues = error.details.as_ref().and_then(|details| details.get("issues")).and_then(Value::as_array);
    let text = |issue: &Value, key: &str| issue.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let problem = |issue: &Value| Problem { path: text(issue, "path"), message: text(issue, "message") };
    match issues.map(|issues| issues.iter().map(problem).collect::<Vec<_>>()) {
        Some(problems) if !problems.is_empty() => invalid(&problems),
        Some(_) | None => Failure::refused(error),
    }
}

/// Values that make no sense: where, why, and what would.
pub fn invalid(problems: &[Problem]) -> Failure {
    let failure = Failure::new("The settings would make no sense, so nothing was written:");
    let failure = failure.list(problems.iter().map(line));
    let example = problems.iter().find_map(|problem| find(&problem.path)).map(example);
    failure.hint(example.unwrap_or_else(|| "see what the file says: `openclaw config get`".to_owned()))
}

/// A problem on one line; that of the whole file has no key path.
pub fn line(problem: &Problem) -> String {
    let message = long(&problem.message);
    if problem.path.is_empty() { message } else { format!("{}: {message}", long(&problem.path)) }
}

/// A command that sets this to something it can be.
pub fn example(setting: &Setting) -> String {
    let path = setting.path;
    if setting.is_sensitive {
        return format!("`openclaw config set {path} -` reads it from stdin");
    }
    let value = match serde_json::from_str(setting.example) {
        Ok(Value::String(text)) => text,
        _ => setting.example.to_owned(),
    };
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:=".contains(c));
    let quote = if is_plain { "" } else { "'" };
    format!("for example: `openclaw config set {path} {quote}{value}{quote}`")
}
