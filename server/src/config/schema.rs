//! The table of settings as a JSON schema, and what a page shows beside each value (wire.md §7.5,
//! `config.schema`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::edit::join;
use super::settings::{Kind, SETTINGS, Setting, find};

/// The schema of the whole file. Keys that are not ours are allowed everywhere.
pub fn schema() -> Value {
    let mut schema = schema_of("");
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "OpenClaw gateway".into();
    schema
}

/// What a page shows beside each value: key path to hint.
pub fn hints() -> Value {
    Value::Object(SETTINGS.iter().map(|setting| (setting.path.to_owned(), hint(setting))).collect())
}

/// One setting, one group of settings, or an item of a list (`…*`), with what is below it. `None` where
/// there is no such thing.
pub fn look_up(path: &str) -> Option<Value> {
    let path = path.replace("[]", ".*");
    let path = path.trim_matches('.');
    let node = Node::find(path)?;
    let children: Vec<Value> = node.children(path).iter().map(|(key, path)| child(key, path)).collect();
    let mut found = json!({
        "path": if path.is_empty() { "." } else { path },
        "schema": node.schema(path),
        "children": children,
    });
    describe(&node, path, &mut found);
    Some(found)
}

/// What stands at a key path.
enum Node {
    Group,
    Setting(&'static Setting),
    /// Each item of a list.
    Item(&'static Setting),
}

impl Node {
    fn find(path: &str) -> Option<Self> {
        if let Some(setting) = find(path) {
            return Some(Self::Setting(setting));
        }
        if let Some(setting) = path.strip_suffix(".*").and_then(find) {
            return (setting.kind == Kind::Texts).then_some(Self::Item(setting));
        }
        let is_group = path.is_empty() || SETTINGS.iter().any(|setting| is_below(setting.path, path));
        is_group.then_some(Self::Group)
    }

    fn schema(&self, path: &str) -> Value {
        match self {
            Self::Group => schema_of(path),
            Self::Setting(setting) => value_schema(setting),
            Self::Item(_) => json!({"type": "string"}),
        }
    }

    /// Keys and key paths one step below.
    fn children(&self, path: &str) -> Vec<(String, String)> {
        match self {
            Self::Group => keys_below(path).into_iter().map(|key| (key.to_owned(), join(path, key))).collect(),
            Self::Setting(setting) if setting.kind == Kind::Texts => vec![("*".to_owned(), join(path, "*"))],
            Self::Setting(_) | Self::Item(_) => Vec::new(),
        }
    }

    /// When a change works; only where everything below agrees.
    fn reload(&self, path: &str) -> Option<&'static str> {
        match self {
            Self::Group => {
                let below = SETTINGS.iter().filter(|setting| is_below(setting.path, path));
                let kinds: BTreeSet<&str> = below.map(|setting| setting.reload.as_str()).collect();
                kinds.first().copied().filter(|_| kinds.len() == 1)
            }
            Self::Setting(setting) | Self::Item(setting) => Some(setting.reload.as_str()),
        }
    }

    fn hint(&self) -> Value {
        match self {
            Self::Group => json!({"advanced": false}),
            Self::Setting(setting) => hint(setting),
            Self::Item(setting) => json!({"advanced": false, "sensitive": setting.is_sensitive}),
        }
    }
}

fn child(key: &str, path: &str) -> Value {
    let node = Node::find(path).unwrap_or(Node::Group);
    let mut child = json!({
        "key": key,
        "path": path,
        "type": node.schema(path)["type"],
        "required": false,
        "hasChildren": !node.children(path).is_empty(),
    });
    describe(&node, path, &mut child);
    child
}

fn describe(node: &Node, path: &str, into: &mut Value) {
    if let Some(reload) = node.reload(path) {
        into["reloadKind"] = reload.into();
    }
    into["hint"] = node.hint();
    into["hintPath"] = path.into();
}

fn hint(setting: &Setting) -> Value {
    let mut hint = json!({
        "label": setting.label,
        "help": setting.help,
        "advanced": false,
        "placeholder": setting.example,
    });
    if setting.is_sensitive {
        hint["sensitive"] = true.into();
    }
    hint
}

fn schema_of(path: &str) -> Value {
    let properties = keys_below(path).into_iter().map(|key| {
        let path = join(path, key);
        let schema = find(&path).map_or_else(|| schema_of(&path), value_schema);
        (key.to_owned(), schema)
    });
    json!({"type": "object", "properties": properties.collect::<Map<_, _>>(), "additionalProperties": true})
}

fn value_schema(setting: &Setting) -> Value {
    let mut schema = match setting.kind {
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Integer { min, max: u64::MAX } => json!({"type": "integer", "minimum": min}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Text => json!({"type": "string"}),
        Kind::TextOrOff => json!({"type": ["string", "boolean"]}),
        Kind::Choice(words) => json!({"type": "string", "enum": words}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
    };
    schema["title"] = setting.label.into();
    schema["description"] = setting.help.into();
    if let Some(default) = setting.default_value() {
        schema["default"] = default;
    }
    schema
}

/// The next keys below a path, each once, in the order of the table.
fn keys_below(path: &str) -> Vec<&'static str> {
    let mut keys = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| is_below(setting.path, path)) {
        let rest = if path.is_empty() { setting.path } else { &setting.path[path.len() + 1..] };
        let key = rest.split('.').next().unwrap_or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn is_below(setting: &str, path: &str) -> bool {
    path.is_empty() || setting.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_the_schema_and_can_be_looked_up() {
        let schema = schema();
        for setting in SETTINGS {
            let pointer = format!("/properties/{}", setting.path.replace('.', "/properties/"));
            let found = look_up(setting.path).unwrap();
            assert_eq!(schema.pointer(&pointer), Some(&found["schema"]), "{}", setting.path);
            assert_eq!(found["reloadKind"], setting.reload.as_str());
            assert_eq!(found["hint"]["sensitive"] == true, setting.is_sensitive);
        }
    }

    #[test]
    fn groups_and_items_can_be_looked_up_and_other_names_cannot() {
        let auth = look_up("gateway.auth").unwrap();
        let keys: Vec<&Value> = auth["children"].as_array().unwrap().iter().map(|child| &child["key"]).collect();
        assert_eq!(keys, ["mode", "token", "password", "rateLimit"]);
        assert_eq!((&auth["children"][3]["hasChildren"], &auth["reloadKind"]), (&json!(true), &json!("hot")));
        assert_eq!(look_up("gateway").unwrap().get("reloadKind"), None);
        assert_eq!(look_up(".").unwrap()["children"][0]["path"], "gateway");
        let items = look_up("gateway.trustedProxies[]").unwrap();
        assert_eq!(
            (&items["path"], &items["schema"]),
            (&json!("gateway.trustedProxies.*"), &json!({"type": "string"}))
        );
        for path in ["gateway.nope", "gateway.port.*", "gate", "gateway.auth.tok", "*"] {
            assert_eq!(look_up(path), None, "{path}");
        }
    }
}
