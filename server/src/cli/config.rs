//! `openclaw config …`: the settings from a terminal or a script.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::args::{
    ConfigCommand, ConfigFileArgs, ConfigGetArgs, ConfigPatchArgs, ConfigSetArgs, ConfigUnsetArgs, Format,
};
use super::output::{Failure, data, json as print_json, long, say, tell, value as print_value};
use super::prompt;
use super::settings_file::{self, Changed, change, example, line, unreadable};
use crate::config::key_path::{KeyPath, Patch};
use crate::config::reference::Reference;
use crate::config::secrets::{conceal, is_concealed};
use crate::config::settings::{Kind, Reload, Setting, find};
use crate::config::written::{find_missing_secret, resolve};
use crate::config::{Environment, Overrides, Paths, Problem, file, retired, schema, secrets};

pub async fn run(command: ConfigCommand, env: &Environment) -> Outcome {
    match command {
        ConfigCommand::Get(args) => get(&args, env),
        ConfigCommand::Set(args) => set(args, env).await,
        ConfigCommand::Unset(args) => unset(args, env).await,
        ConfigCommand::Patch(args) => patch(args, env).await,
        ConfigCommand::Validate(args) => validate(&args, env),
        ConfigCommand::Schema => {
            print_json(&schema::schema());
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::File(args) => {
            let path = Paths::resolve(env)?.config_file;
            if args.format.json {
                print_json(&json!({"path": path, "exists": path.exists()}));
            } else {
                print_value(&path.display().to_string());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn get(args: &ConfigGetArgs, env: &Environment) -> Outcome {
    let paths = Paths::resolve(env)?;
    let text = file::read_text(&paths.config_file)?;
    let whole = file::parse(&text).map_err(|error| unreadable(&paths.config_file, &error))?;
    let Some(path) = &args.path else {
        if args.format.json {
            print_json(&if args.show_secrets { whole } else { conceal("", &whole) });
        } else {
            let text = if args.show_secrets { text } else { secrets::redact(&text) };
            if text.trim().is_empty() {
                say(&format!("note: {} says nothing yet; every default holds", paths.config_file.display()));
                return Ok(ExitCode::SUCCESS);
            }
            print_value(text.trim_end());
        }
        return Ok(ExitCode::SUCCESS);
    };
    let found = match path.find(&whole) {
        None | Some(Value::Null) => default_of(path)?,
        Some(value @ (Value::Object(_) | Value::Array(_))) if !args.show_secrets => conceal(last(path), value),
        Some(value) => value.clone(),
    };
    match found.as_str().filter(|_| !args.format.json) {
        Some(text) => print_value(text),
        None => print_json(&found),
    }
    Ok(ExitCode::SUCCESS)
}

/// What to do about a setting that has no default.
fn how_to_set(setting: &Setting) -> String {
    match setting.path {
        "gateway.auth.token" => "the first `openclaw gateway run` makes one; \
             where it comes from otherwise is told by `openclaw gateway auth-token`"
            .to_owned(),
        _ => example(setting),
    }
}

/// What holds where the file says nothing.
fn default_of(path: &KeyPath) -> Result<Value, Failure> {
    let name = path.to_string();
    let Some(setting) = find(&name) else {
        let failure = Failure::new(format!("Nothing is set under `{}`.", long(&name)));
        return Err(failure.hint(match retired::meant(&name) {
            Some(meant) => format!("did you mean {meant}? `openclaw config get` shows what is set"),
            None => "`openclaw config get` shows what is set".to_owned(),
        }));
    };
    let default = setting.default_value();
    let default = default.ok_or_else(|| Failure::new(format!("{name} is not set.")).hint(how_to_set(setting)))?;
    say(&format!("note: {name} is not set; this is the default"));
    Ok(default)
}

fn last(path: &KeyPath) -> &str {
    path.keys().last().map(String::as_str).unwrap_or_default()
}

async fn set(args: ConfigSetArgs, env: &Environment) -> Outcome {
    let ConfigSetArgs { path, value, strict_json, string, format } = args;
    let setting = find(&path.to_string());
    let text = if value == "-" { from_stdin(&path)? } else { value };
    let reading = match (strict_json, string) {
        (true, _) => Reading::Json,
        (_, true) => Reading::Text,
        _ => Reading::Either,
    };
    let new = read_value(&text, setting, reading)?;
    let words = in_words(&path, &new);
    let changed = {
        let path = path.clone();
        change(env, move |file| path.patch(file, Some(&new)).map_err(|error| wrong_path(&error))).await?
    };
    let told = if changed.paths.is_empty() { format!("{words} already.") } else { format!("{words} now.") };
    Ok(report(&changed, format, &told))
}

/// A value on stdin, which no list of processes and no shell history shows.
fn from_stdin(path: &KeyPath) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    let typed = if stdin.is_terminal() {
        prompt::hidden(&format!("{path}: "))
    } else {
        let mut text = String::new();
        stdin.lock().read_to_string(&mut text).ok().map(|_| text.trim_end_matches(['\r', '\n']).to_owned())
    };
    typed.filter(|text| !text.is_empty()).ok_or_else(|| {
        Failure::misused("There is no value on stdin.")
            .hint("`openclaw config set PATH VALUE`, or pipe the value into `openclaw config set PATH -`")
    })
}

/// How a value is taken from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Only as JSON5.
    Json,
    /// As it is.
    Text,
    /// As JSON5 where it is some, otherwise as it is.
    Either,
}

/// Text settings are text even if they look like a number, as a token may.
fn read_value(text: &str, setting: Option<&Setting>, reading: Reading) -> Result<Value, Failure> {
    let verbatim = || Value::from(text);
    if reading == Reading::Text {
        return Ok(verbatim());
    }
    let parsed = CstRootNode::parse(text, &ParseOptions::default());
    let parsed = parsed.map(|root| root.value().and_then(|value| value.to_serde_value()));
    let parsed = match (parsed, reading) {
        (Ok(Some(parsed)), _) => parsed,
        (Ok(None) | Err(_), Reading::Either | Reading::Text) => verbatim(),
        (Ok(None), Reading::Json) => return Err(no_json("there is nothing")),
        (Err(error), Reading::Json) => return Err(no_json(&error.to_string())),
    };
    let wants_text = setting.is_some_and(|setting| match setting.kind {
        Kind::Text | Kind::Choice(_) => !parsed.is_string(),
        Kind::TextOrOff => !parsed.is_string() && parsed != Value::Bool(false),
        Kind::Flag | Kind::Integer { .. } | Kind::Texts => false,
    });
    let is_named = Reference::read(&parsed).is_some() && setting.is_some_and(|setting| setting.is_sensitive);
    if wants_text && !is_named && reading == Reading::Either {
        return Ok(verbatim());
    }
    if parsed.is_null() {
        return Err(Failure::misused("A setting cannot be null.").hint("`openclaw config unset PATH` removes one"));
    }
    Ok(parsed)
}

fn no_json(why: &str) -> Failure {
    Failure::misused(format!("The value is not JSON5: {}.", long(why)))
        .hint("leave --strict-json away to set the text itself")
}

fn wrong_path(error: &impl ToString) -> Failure {
    Failure::new(super::output::sentence(&error.to_string())).hint("`openclaw config get` shows what is set")
}

/// `gateway.port is 18790`, without secrets.
fn in_words(path: &KeyPath, value: &Value) -> String {
    let holds_more = value.is_object() || value.is_array();
    if holds_more || is_concealed(last(path), value) {
        return format!("{} is set so", long(&path.to_string()));
    }
    format!("{} is {}", long(&path.to_string()), long(&value.to_string()))
}

async fn unset(args: ConfigUnsetArgs, env: &Environment) -> Outcome {
    let path = args.path.clone();
    let changed = change(env, move |file| path.patch(file, None).map_err(|error| wrong_path(&error))).await?;
    let name = args.path.to_string();
    let default = find(&name).and_then(Setting::default_value);
    let default = default.map(|default| format!("; the default {default} holds")).unwrap_or_default();
    Ok(report(&changed, args.format, &format!("{} is not set any more{default}.", long(&name))))
}

async fn patch(args: ConfigPatchArgs, env: &Environment) -> Outcome {
    let text = match args.patch {
        Some(text) if text != "-" => text,
        Some(_) | None => patch_from_stdin()?,
    };
    let value = file::parse(&text).map_err(|error| {
        Failure::misused(format!(
            "The patch cannot be read as a JSON5 object: {}",
            super::output::sentence(&error.to_string())
        ))
        .hint("for example: `openclaw config patch '{gateway: {bind: \"lan\", port: null}}'`")
    })?;
    let changed = change(env, move |_| Ok(Patch { value: value.clone(), replace_paths: Vec::new() })).await?;
    let told = if changed.paths.is_empty() {
        "Everything is so already.".to_owned()
    } else {
        format!("Changed {}.", changed.paths.iter().map(|path| long(path)).collect::<Vec<_>>().join(", "))
    };
    Ok(report(&changed, args.format, &told))
}

fn patch_from_stdin() -> Result<String, Failure> {
    let (stdin, mut text) = (std::io::stdin(), String::new());
    if !stdin.is_terminal() {
        stdin.lock().read_to_string(&mut text).map_err(anyhow::Error::from)?;
    }
    if text.trim().is_empty() {
        return Err(Failure::misused("There is no patch.")
            .hint("give it as an argument or on stdin: `openclaw config patch '{gateway: {bind: \"lan\"}}'`"));
    }
    Ok(text)
}

/// What was done, and when it works.
pub fn report(changed: &Changed, format: Format, told: &str) -> ExitCode {
    let concerns =
        |reload: Reload| changed.paths.iter().any(|path| find(path).is_some_and(|found| found.reload == reload));
    let restart = changed.requires_restart && concerns(Reload::Restart);
    let result = json!({
        "ok": true,
        "file": changed.file,
        "changedPaths": changed.paths,
        "gateway": if changed.is_running { "running" } else { "stopped" },
        "requiresRestart": restart,
        "warnings": issues(&changed.warnings),
    });
    let done = tell(format.json, &result, told);
    for warning in &changed.warnings {
        say(&format!("warning: {}", line(warning)));
    }
    if changed.paths.is_empty() {
        return done;
    }
    if !changed.is_running {
        say("note: the gateway is not running; it takes this up when it starts");
    } else if restart {
        say("note: this works when the gateway is started again: `openclaw gateway restart`");
    }
    done
}

fn issues(problems: &[Problem]) -> Vec<Value> {
    problems.iter().map(|problem| json!({"path": problem.path, "message": problem.message})).collect()
}

fn validate(args: &ConfigFileArgs, env: &Environment) -> Outcome {
    let path = Paths::resolve(env)?.config_file;
    let text = file::read_text(&path)?;
    let (problems, warnings) = match resolve(&text, env, &Overrides::default()) {
        Ok(resolved) => {
            // Without a token there is one as soon as the gateway starts.
            let missing = find_missing_secret(&resolved.config).filter(|problem| problem.path != "gateway.auth.token");
            (missing.into_iter().collect(), resolved.warnings)
        }
        Err(problems) => (problems, file::parse(&text).map(|value| retired::find_unknown(&value)).unwrap_or_default()),
    };
    let valid = problems.is_empty();
    if args.format.json {
        let (issues, warnings) = (issues(&problems), issues(&warnings));
        let told = Map::from_iter([
            ("valid".to_owned(), json!(valid)),
            ("path".to_owned(), json!(path)),
            ("exists".to_owned(), json!(path.exists())),
            ("issues".to_owned(), issues.into()),
            ("warnings".to_owned(), warnings.into()),
        ]);
        print_json(&told);
        return Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for problem in &problems {
        data(&format!("problem  {}", line(problem)));
    }
    for warning in &warnings {
        data(&format!("warning  {}", line(warning)));
    }
    if valid {
        let what =
            if path.exists() { "can be used" } else { "is not there yet; the gateway makes it when it first starts" };
        say(&format!("{} {what}.", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let failure = Failure::new(format!("The gateway does not accept {}.", path.display()));
    let example = problems.iter().find_map(|problem| find(&problem.path)).map(settings_file::example);
    Err(failure.hint(example.unwrap_or_else(|| format!("correct it in an editor: {}", path.display()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(path: &str, text: &str, expected: Value) {
        assert_eq!(read_value(text, find(path), Reading::Either), Ok(expected), "{path} {text}");
    }

    #[test]
    fn a_value_is_json5_if_it_can_be_and_text_otherwise() {
        reads("x", "18790", json!(18790));
        reads("x", "-5", json!(-5));
        reads("x", "true", json!(true));
        reads("x", "lan", json!("lan"));
        reads("x", "\"18790\"", json!("18790"));
        reads("x", "['a', 1]", json!(["a", 1]));
        reads("x", "{a: 1, /* c */}", json!({"a": 1}));
        reads("x", "https://a.example", json!("https://a.example"));
        reads("x", "//share", json!("//share"));
        reads("x", "", json!(""));
        reads("x", "two words", json!("two words"));
    }

    #[test]
    fn settings_that_are_text_take_what_looks_like_something_else_as_text() {
        reads("gateway.auth.token", "123456", json!("123456"));
        reads("gateway.auth.token", "null", json!("null"));
        reads("gateway.auth.token", "{source: 'env', id: 'T'}", json!({"source": "env", "id": "T"}));
        reads("gateway.auth.token", "{id: 'T'}", json!("{id: 'T'}"));
        reads("gateway.bind", "lan", json!("lan"));
        reads("gateway.http.securityHeaders.strictTransportSecurity", "false", json!(false));
        reads("gateway.port", "18790", json!(18790));
        assert_eq!(read_value("5", None, Reading::Text), Ok(json!("5")));
        assert_eq!(read_value("5", find("gateway.auth.token"), Reading::Json), Ok(json!(5)));
        assert!(read_value("lan", None, Reading::Json).is_err());
        assert!(read_value("null", None, Reading::Either).is_err());
    }

    #[test]
    fn what_was_set_is_told_without_secrets() {
        let told = |path: &str, value: Value| in_words(&path.parse().unwrap(), &value);
        assert_eq!(told("gateway.port", json!(1)), "gateway.port is 1");
        assert_eq!(told("gateway.auth.token", json!("s3cret")), "gateway.auth.token is set so");
        assert_eq!(told("gateway.auth", json!({"token": "s3cret"})), "gateway.auth is set so");
    }
}
