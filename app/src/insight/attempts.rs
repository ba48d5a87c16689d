//! Attempts to connect and the findings of the checks, as the Doctor page shows them.

use protocol::doctor::{Attempt, CheckFinding, Fix, Header, Outcome, SettingFix};
use protocol::pairing::client_kind;
use serde_json::{Map, Value};

use crate::language::{fill, t};
use crate::reading::{self, flag, number, text, texts};

pub fn attempts(value: &Value) -> Vec<Attempt> {
    let list = value.get("attempts").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(attempt).collect()
}

fn attempt(value: &Value) -> Option<Attempt> {
    let forwarded = value.get("forwarded").and_then(Value::as_array);
    Some(Attempt {
        id: number(value, "id")?,
        first_at_ms: number(value, "firstAtMs")?,
        at_ms: number(value, "atMs")?,
        count: number(value, "count").unwrap_or(1),
        outcome: Outcome::parse(value.get("outcome")?.as_str()?)?,
        code: text(value, "code"),
        origin: value.get("origin").and_then(reading::origin)?,
        peer: text(value, "peer")?,
        host: text(value, "host"),
        forwarded: forwarded.into_iter().flatten().filter_map(header).collect(),
        device_id: reading::id(value),
        name: text(value, "name"),
        client: text(value, "client"),
        user_agent: text(value, "userAgent"),
        cause: text(value, "cause").unwrap_or_default(),
        fix: value.get("fix").and_then(fix),
    })
}

fn header(value: &Value) -> Option<Header> {
    Some(Header { name: text(value, "name")?, value: text(value, "value")? })
}

pub fn fix(value: &Value) -> Option<Fix> {
    let setting = value.get("setting").and_then(|setting| {
        Some(SettingFix { path: text(setting, "path")?, add: text(setting, "add")?, warning: text(setting, "warning") })
    });
    Some(Fix { words: text(value, "words")?, command: text(value, "command"), setting })
}

pub fn findings(value: &Value) -> Vec<CheckFinding> {
    let list = value.get("findings").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(finding).collect()
}

fn finding(value: &Value) -> Option<CheckFinding> {
    Some(CheckFinding {
        id: text(value, "id")?,
        severity: text(value, "severity")?,
        what: text(value, "what")?,
        why: text(value, "why").unwrap_or_default(),
        evidence: texts(value, "evidence"),
        fix: text(value, "fix").unwrap_or_default(),
        fixable: flag(value, "fixable"),
    })
}

/// Who it was, as far as it said.
pub fn who(attempt: &Attempt) -> String {
    if let Some(name) = attempt.name.as_ref().filter(|name| !name.trim().is_empty()) {
        return name.clone();
    }
    match attempt.client.as_deref().and_then(|client| client.split(' ').next()) {
        Some(client) => client_kind(client).to_owned(),
        None => t("Somebody").to_owned(),
    }
}

/// A pill for what became of it: its tone and its word.
pub fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::In => ("pill ok", t("let in")),
        Outcome::Waiting => ("pill warn", t("waits")),
        Outcome::Refused => ("pill risk", t("refused")),
    }
}

/// What its button says.
pub fn offer(setting: &SettingFix) -> String {
    let sentence = if setting.path.ends_with("trustedProxies") { t("Trust {entry}") } else { t("Allow {entry}") };
    fill(sentence, &[("entry", &setting.add)])
}

/// The list of the settings that a fix adds to, as it stands in the file; an error where it is no list of texts.
pub fn listed(config: &Value, path: &str) -> Result<Vec<String>, String> {
    let mut at = config.get("parsed").unwrap_or(&Value::Null);
    for key in path.split('.') {
        at = at.get(key).unwrap_or(&Value::Null);
    }
    let odd = || fill(t("{path} is no plain list in the file; change it there."), &[("path", path)]);
    match at {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list.iter().map(|entry| entry.as_str().map(str::to_owned).ok_or_else(odd)).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Err(odd()),
    }
}

/// The list with one more entry.
pub fn with(list: &[String], entry: &str) -> Vec<String> {
    let mut list = list.to_vec();
    if !list.iter().any(|known| known == entry) {
        list.push(entry.to_owned());
    }
    list
}

/// A merge patch that sets one key.
pub fn patch(path: &str, list: &[String]) -> Value {
    let list = Value::Array(list.iter().map(|entry| entry.as_str().into()).collect());
    path.rsplit('.').fold(list, |value, key| {
        let mut map = Map::new();
        map.insert(key.to_owned(), value);
        Value::Object(map)
    })
}

#[cfg(test)]
mod tests {
    use protocol::doctor::Attempts;
    use protocol::pairing::{Network, Origin};
    use serde_json::json;

    use super::*;

    fn sample() -> Attempt {
        Attempt {
            id: 3,
            first_at_ms: 1,
            at_ms: 2,
            count: 14,
            outcome: Outcome::Refused,
            code: Some("X".to_owned()),
            origin: Origin {
                address: "172.18.0.1".to_owned(),
                network: Network::Lan,
                resolved: "directly".to_owned(),
                encrypted: false,
                page: None,
            },
            peer: "172.18.0.1".to_owned(),
            host: None,
            forwarded: vec![Header { name: "x-forwarded-for".to_owned(), value: "203.0.113.9".to_owned() }],
            device_id: None,
            name: None,
            client: Some("openclaw-control-ui 1.0".to_owned()),
            user_agent: None,
            cause: "No.".to_owned(),
            fix: Some(Fix {
                words: "Trust it.".to_owned(),
                command: None,
                setting: Some(SettingFix {
                    path: "gateway.trustedProxies".to_owned(),
                    add: "172.18.0.0/16".to_owned(),
                    warning: Some("Careful.".to_owned()),
                }),
            }),
        }
    }

    #[test]
    fn reads_what_the_gateway_writes() {
        let said = serde_json::to_value(Attempts { attempts: vec![sample()] }).unwrap();
        assert_eq!(attempts(&said), [sample()]);
        let found = CheckFinding {
            id: "state-mode".to_owned(),
            severity: "warning".to_owned(),
            what: "w".to_owned(),
            why: "y".to_owned(),
            evidence: vec!["e".to_owned()],
            fix: "f".to_owned(),
            fixable: true,
        };
        assert_eq!(findings(&json!({"findings": [found]})), [found]);
    }

    #[test]
    fn names_whoever_it_was() {
        assert_eq!(who(&sample()), "Browser");
        assert_eq!(who(&Attempt { name: Some("Phone".to_owned()), ..sample() }), "Phone");
        assert_eq!(who(&Attempt { client: None, ..sample() }), "Somebody");
        assert_eq!(offer(sample().fix.unwrap().setting.as_ref().unwrap()), "Trust 172.18.0.0/16");
    }

    #[test]
    fn adds_to_a_list_and_to_nothing_else() {
        let config = |proxies: Value| json!({"parsed": {"gateway": {"trustedProxies": proxies}}});
        let path = "gateway.trustedProxies";
        assert_eq!(listed(&config(json!(["10.0.0.1"])), path), Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(listed(&json!({"parsed": {}}), path), Ok(Vec::new()));
        assert!(listed(&config(json!("${PROXIES}")), path).is_err());
        let more = with(&["a".to_owned()], "b");
        assert_eq!((more.len(), with(&more, "b").len()), (2, 2));
        assert_eq!(patch(path, &more), json!({"gateway": {"trustedProxies": ["a", "b"]}}));
    }
}
