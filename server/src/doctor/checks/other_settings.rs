//! Settings where no gateway reads them, and switches that no gateway obeys.

use std::path::Path;

use serde_json::Value;

use crate::config::retired::{explanation, find_retired};
use crate::config::settings::{SETTINGS, Setting};
use crate::doctor::facts::{Facts, OtherSettings};
use crate::doctor::repair::Assignments;
use crate::doctor::{Change, Finding};

/// Settings that let more people in. A file that nobody has read so far must not switch them on by surprise.
const LEFT_TO_PEOPLE: [&str; 5] = [
    "gateway.auth.mode",
    "gateway.controlUi.allowedOrigins",
    "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback",
    "gateway.nodes.pairing.autoApproveCidrs",
    "gateway.pairing.knock",
];

pub fn other(facts: &Facts) -> Vec<Finding> {
    facts.other_settings.iter().map(|file| judge(facts, file)).collect()
}

fn judge(facts: &Facts, other: &OtherSettings) -> Finding {
    let (file, ours) = (other.file.display(), facts.paths.config_file.display());
    let what = format!("{file} holds settings that no gateway reads.");
    let why = format!("Some guides call the settings that, but they are read from {ours} only.");
    let content = match &other.content {
        Ok(content) => content,
        Err(problem) => {
            let fix = format!("copy what you need with: openclaw config set KEY VALUE, then remove {file}");
            return Finding::warning(what).because(why).seen([problem.clone()]).fix(fix);
        }
    };
    let said = SETTINGS.iter().filter_map(|setting| at(content, setting.path).map(|value| (setting, value)));
    let (mut imported, mut evidence) = (Vec::new(), Vec::new());
    let mut by_hand = None;
    for (setting, value) in said {
        match at(&facts.settings.value, setting.path) {
            Some(same) if same == value => {}
            Some(_) => evidence.push(format!("{} is set to something else in {ours}, which counts", setting.path)),
            None if LEFT_TO_PEOPLE.contains(&setting.path) => {
                let command = command(setting, value);
                evidence.push(format!("left to you: {command}"));
                by_hand.get_or_insert(command);
            }
            None => {
                evidence.push(command(setting, value));
                imported.push((setting.path.to_owned(), value.clone()));
            }
        }
    }
    if !imported.is_empty() && facts.settings.unreadable.is_none() {
        let fix = format!("sets what is not set yet in {ours}; {file} stays as it is");
        let repair = Change::Set(Assignments(imported));
        return Finding::warning(what).because(why).seen(evidence).fix(fix).repaired_by(repair);
    }
    let remove = || format!("mv {file} {file}.unused");
    Finding::note(what).because(why).seen(evidence).fix(by_hand.unwrap_or_else(remove))
}

/// The command that sets it. Secrets are not shown.
fn command(setting: &Setting, value: &Value) -> String {
    if setting.is_sensitive {
        return format!("openclaw config set {} (a secret, not shown)", setting.path);
    }
    match value.as_str() {
        Some(text) => format!("openclaw config set {} {text}", setting.path),
        None => format!("openclaw config set {} '{value}'", setting.path),
    }
}

pub fn switches(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, value) in find_retired(&facts.settings.value) {
        let fix = format!("openclaw config unset {path}");
        found.extend(not_obeyed(path, value, &facts.paths.config_file).map(|finding| finding.fix(fix)));
    }
    for other in &facts.other_settings {
        for (path, value) in other.content.iter().flat_map(find_retired) {
            found.extend(not_obeyed(path, value, &other.file).map(|finding| finding.fix(DECIDE)));
        }
    }
    if facts.openclaw.has_silent_request {
        let file = facts.paths.state_dir.join("devices/pending.json");
        found.extend(not_obeyed("silent", &Value::Bool(true), &file).map(|finding| finding.fix(DECIDE)));
    }
    found
}

/// How devices come in here.
const DECIDE: &str = "openclaw devices list, then: openclaw devices approve <requestId>";

fn not_obeyed(path: &str, value: &Value, file: &Path) -> Option<Finding> {
    let shown = if value.is_object() { path.to_owned() } else { format!("{path}: {value}") };
    let finding = Finding::note(format!("`{shown}` {}.", explanation(path)?))
        .because("Whoever wrote it expects something that does not happen.")
        .seen([format!("in {}", file.display())]);
    Some(finding)
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key)).filter(|found| !found.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::{Repair, Severity};
    use serde_json::json;

    fn with(content: Value) -> Facts {
        let other = OtherSettings { file: "/home/ada/.openclaw/openclaw.config.json".into(), content: Ok(content) };
        Facts { other_settings: vec![other], ..healthy::facts() }
    }

    #[test]
    fn known_settings_that_are_unset_are_offered_and_nothing_is_overwritten() {
        let facts = with(json!({
            "gateway": {
                "port": 19000, "trustedProxies": ["172.18.0.0/16"], "auth": {"token": "other", "mode": "none"},
                "strange": 1,
            },
        }));
        let found = other(&facts);
        let Some(Repair::Change(Change::Set(Assignments(set)))) = &found[0].repair else { panic!("no repair") };
        assert_eq!(
            set[..],
            [
                ("gateway.port".to_owned(), json!(19000)),
                ("gateway.trustedProxies".to_owned(), json!(["172.18.0.0/16"])),
            ]
        );
        let expected = [
            "openclaw config set gateway.port '19000'",
            "left to you: openclaw config set gateway.auth.mode none",
            "gateway.auth.token is set to something else in /home/ada/.openclaw/openclaw.json, which counts",
            "openclaw config set gateway.trustedProxies '[\"172.18.0.0/16\"]'",
        ];
        assert_eq!(found[0].evidence, expected);
    }

    #[test]
    fn what_was_taken_over_is_only_a_note_and_secrets_are_not_shown() {
        let facts = with(json!({"gateway": {"auth": {"token": "right"}}}));
        assert_eq!(other(&facts)[0].severity, Severity::Note);
        let facts = with(json!({"gateway": {"auth": {"password": "hunter2"}}}));
        let told = format!("{:?}", other(&facts));
        assert!(told.contains("gateway.auth.password") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn switches_against_pairing_are_explained_and_not_taken_over() {
        let mut facts = with(json!({"gateway": {"pairingRequired": false}}));
        facts.openclaw.has_silent_request = true;
        facts.settings.value["gateway"]["controlUi"] = json!({"allowInsecureAuth": true});
        let found = switches(&facts);
        assert!(found.iter().all(|finding| finding.severity == Severity::Note && finding.repair.is_none()));
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].fix, "openclaw config unset gateway.controlUi.allowInsecureAuth");
        assert_eq!(other(&facts)[0].repair, None);
        assert_eq!(switches(&with(json!({"gateway": {"pairingRequired": true}}))), []);
    }
}
