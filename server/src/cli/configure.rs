//! `openclaw configure`: a walk through the settings that matter. Nothing is written before the end.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::Outcome;
use super::args::Format;
use super::config::report;
use super::output::{Failure, can_ask, confirm, heading, long, say};
use super::prompt;
use super::settings_file::{change, unreadable};
use crate::config::key_path::{KeyPath, Patch};
use crate::config::settings::{Kind, Setting, find};
use crate::config::{Config, Environment, Overrides, PUBLIC_URL, Paths, file};
use crate::keys::new_secret;

const BIND: &str = "gateway.bind";
const MODE: &str = "gateway.auth.mode";

/// What is asked, in this order: key path and question.
const QUESTIONS: [(&str, &str); 8] = [
    (BIND, "Who can reach the gateway? loopback: this machine; lan: every network; tailnet; custom: one address"),
    ("gateway.customBindHost", "At which address of this machine?"),
    (MODE, "What does a device show to be allowed to ask? token, password, or none (only with loopback)"),
    ("gateway.auth.token", "The token. `new` makes a new one, which every device that uses the old one has to be told"),
    ("gateway.auth.password", "The password"),
    (
        PUBLIC_URL,
        "At which https address do other devices reach it? With Tailscale, what `tailscale serve 18789` shows",
    ),
    (
        "gateway.trustedProxies",
        "Which proxies in front of it are believed? Addresses and ranges, with commas between; for `tailscale serve` 127.0.0.1",
    ),
    (
        "gateway.controlUi.allowedOrigins",
        "Which pages from elsewhere may connect? Such as https://panel.example.com, with commas between",
    ),
];

pub async fn run(env: &Environment) -> Outcome {
    if !can_ask() {
        return Err(Failure::new("This asks questions, and there is no terminal to ask at.")
            .hint("`openclaw config set PATH VALUE` changes a setting without asking"));
    }
    let file = Paths::resolve(env)?.config_file;
    let before = file::parse(&file::read_text(&file)?).map_err(|error| unreadable(&file, &error))?;
    say("Enter keeps what is in brackets, - goes back to the default. Nothing is written before the last question.");
    let mut draft = before.clone();
    for (path, question) in QUESTIONS {
        let Some(setting) = find(path).filter(|setting| matters(&draft, setting)) else { continue };
        let Some(answered) = ask(&draft, setting, question)? else {
            say("\nNothing was changed.");
            return Ok(ExitCode::FAILURE);
        };
        draft = answered;
    }
    let differing = changes(&before, &draft);
    if differing.is_empty() {
        say("\nEverything stays as it is.");
        return Ok(ExitCode::SUCCESS);
    }
    say("");
    for (setting, new) in &differing {
        say(&format!("  {}  {} → {}", setting.path, present(&before, setting), in_words(setting, new.as_ref())));
    }
    if !confirm("\nWrite this?") {
        say("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let patch = Patch { value: merge_patch(&differing), replace_paths: Vec::new() };
    let changed = change(env, move |_| Ok(patch.clone())).await?;
    Ok(report(&changed, Format::default(), &format!("Changed {}.", changed.paths.join(", "))))
}

/// Whether a question is worth asking after what was answered before.
fn matters(draft: &Value, setting: &Setting) -> bool {
    let is = |path: &str, word: &str| text_at(draft, path).as_deref() == Some(word);
    match setting.path {
        "gateway.customBindHost" => is(BIND, "custom"),
        "gateway.auth.token" => !is(MODE, "password") && !is(MODE, "none"),
        "gateway.auth.password" => is(MODE, "password"),
        _ => true,
    }
}

/// Asks until the answer makes sense. `None` when nobody answers any more.
fn ask(draft: &Value, setting: &Setting, question: &str) -> Result<Option<Value>, Failure> {
    say(&format!("\n{}", heading(question)));
    loop {
        let prompt = format!("  {} [{}]: ", setting.path, present(draft, setting));
        let typed = if setting.is_sensitive { prompt::hidden(&prompt) } else { prompt::line(&prompt) };
        let Some(typed) = typed else { return Ok(None) };
        let is_new_secret = setting.is_sensitive && !matches!(typed.trim(), "" | "-" | "new");
        if is_new_secret && prompt::hidden("  again: ").as_deref() != Some(typed.as_str()) {
            say("  That was not the same; once more.");
            continue;
        }
        let typed = if setting.path == "gateway.auth.token" && typed.trim() == "new" {
            new_secret()?.reveal().to_owned()
        } else {
            typed
        };
        let answered = answer(draft, setting, typed.trim());
        match problem(&answered, setting) {
            Some(problem) => say(&format!("  {}", long(&problem))),
            None => return Ok(Some(answered)),
        }
    }
}

/// The settings with an answer put in.
fn answer(draft: &Value, setting: &Setting, typed: &str) -> Value {
    let new = match typed {
        "" => return draft.clone(),
        "-" => None,
        typed => Some(match setting.kind {
            Kind::Texts => typed.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
            Kind::Text | Kind::TextOrOff | Kind::Choice(_) | Kind::Flag | Kind::Integer { .. } => Value::from(typed),
        }),
    };
    let mut answered = draft.clone();
    put(&mut answered, setting.path, new);
    answered
}

/// What is wrong with this setting, if something is.
fn problem(draft: &Value, setting: &Setting) -> Option<String> {
    let found = match Config::resolve(draft, &Environment::default(), &Overrides::default()) {
        Ok(resolved) => resolved.warnings,
        Err(problems) => problems,
    };
    let found = found.into_iter().find(|problem| problem.path == setting.path).map(|problem| problem.message);
    let needs_password =
        setting.path == "gateway.auth.password" && text_at(draft, setting.path).is_none_or(|it| it.is_empty());
    found.or_else(|| needs_password.then(|| "without a password nobody could ask to be let in".to_owned()))
}

/// The settings that differ, with what they are to be; `None` goes back to the default.
fn changes(before: &Value, draft: &Value) -> Vec<(&'static Setting, Option<Value>)> {
    let settings = QUESTIONS.iter().filter_map(|(path, _)| find(path));
    let differs = settings.filter(|setting| at(before, setting.path) != at(draft, setting.path));
    differs.map(|setting| (setting, at(draft, setting.path).cloned())).collect()
}

fn merge_patch(changes: &[(&'static Setting, Option<Value>)]) -> Value {
    let mut patch = Value::Object(Map::new());
    for (setting, new) in changes {
        put(&mut patch, setting.path, Some(new.clone().unwrap_or_default()));
    }
    patch
}

fn at<'a>(file: &'a Value, path: &str) -> Option<&'a Value> {
    path.parse::<KeyPath>().ok()?.find(file).filter(|value| !value.is_null())
}

fn text_at(file: &Value, path: &str) -> Option<String> {
    at(file, path)?.as_str().map(str::to_owned)
}

fn put(file: &mut Value, path: &str, new: Option<Value>) {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut group = file;
    for key in parent.split('.').filter(|key| !key.is_empty()) {
        if !group.get(key).is_some_and(Value::is_object) {
            group[key] = Value::Object(Map::new());
        }
        group = &mut group[key];
    }
    match (new, group.as_object_mut()) {
        (Some(new), Some(group)) => {
            group.insert(key.to_owned(), new);
        }
        (None, Some(group)) => {
            group.remove(key);
        }
        (_, None) => {}
    }
}

/// What a setting is now, for people.
fn present(file: &Value, setting: &Setting) -> String {
    in_words(setting, at(file, setting.path))
}

fn in_words(setting: &Setting, value: Option<&Value>) -> String {
    let default = setting.default_value();
    match value.or(default.as_ref()) {
        Some(_) if setting.is_sensitive && value.is_some() => "hidden".to_owned(),
        Some(Value::Array(items)) if !items.is_empty() => {
            let items: Vec<String> = items.iter().map(|item| long(item.as_str().unwrap_or_default())).collect();
            items.join(", ")
        }
        None | Some(Value::Array(_)) => "none".to_owned(),
        Some(Value::String(text)) => long(text),
        Some(other) => long(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setting(path: &str) -> &'static Setting {
        find(path).unwrap()
    }

    #[test]
    fn every_question_is_about_a_setting() {
        assert!(QUESTIONS.iter().all(|(path, _)| find(path).is_some()));
    }

    #[test]
    fn an_answer_changes_one_setting_and_enter_none() {
        let file = json!({"gateway": {"bind": "lan", "auth": {"token": "t"}}, "agents": 1});
        let answered = answer(&file, setting("gateway.trustedProxies"), " 10.0.0.1 ,, 10.1.0.0/16");
        assert_eq!(answered["gateway"]["trustedProxies"], json!(["10.0.0.1", "10.1.0.0/16"]));
        assert_eq!(answer(&file, setting(BIND), ""), file);
        let default = answer(&file, setting(BIND), "-");
        assert_eq!(default, json!({"gateway": {"auth": {"token": "t"}}, "agents": 1}));
        let found: Vec<&str> = changes(&file, &default).iter().map(|(setting, _)| setting.path).collect();
        assert_eq!(found, [BIND]);
        assert_eq!(merge_patch(&changes(&file, &default)), json!({"gateway": {"bind": null}}));
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_told_before_anything_is_written() {
        let check = |path: &str, typed: &str, expected: bool| {
            let answered = answer(&json!({"gateway": {"bind": "lan"}}), setting(path), typed);
            assert_eq!(problem(&answered, setting(path)).is_none(), expected, "{path} {typed}");
        };
        check(BIND, "everywhere", false);
        check(BIND, "tailnet", true);
        check(MODE, "none", false);
        check(MODE, "password", true);
        check("gateway.auth.password", "", false);
        check("gateway.auth.password", "long enough", true);
        check("gateway.trustedProxies", "10.0.0.1, *", false);
        check("gateway.trustedProxies", "10.0.0.1", true);
        check(PUBLIC_URL, "not an address", false);
        check(PUBLIC_URL, "https://gateway.example.com", true);
    }

    #[test]
    fn secrets_are_never_shown() {
        let file = json!({"gateway": {"auth": {"token": "s3cret"}}});
        assert_eq!(present(&file, setting("gateway.auth.token")), "hidden");
        assert_eq!(present(&json!({}), setting("gateway.auth.token")), "none");
        assert_eq!(present(&json!({}), setting(BIND)), "loopback");
    }

    #[test]
    fn only_questions_that_matter_are_asked() {
        let asked = |file: Value| -> Vec<&str> {
            let settings = QUESTIONS.iter().filter_map(|(path, _)| find(path));
            settings.filter(|setting| matters(&file, setting)).map(|setting| setting.path).take(4).collect()
        };
        assert_eq!(asked(json!({})), [BIND, MODE, "gateway.auth.token", PUBLIC_URL]);
        let custom = json!({"gateway": {"bind": "custom", "auth": {"mode": "password"}}});
        assert_eq!(asked(custom), [BIND, "gateway.customBindHost", MODE, "gateway.auth.password"]);
    }
}
