//! Secrets in the settings: taken out before anybody sees them, put back when somebody writes.
//!
//! A person or a program reads the settings with [`REDACTED`] in place of every secret, changes something,
//! and sends the whole back. What stands under the same key path is then the secret that is meant; in a
//! list, where items move, it is the item that is otherwise the same.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstRootNode};
use serde_json::{Map, Value};

use super::Problem;
use super::edit::{join, replace_element};

/// What stands where a secret was (wire.md §7.5).
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Replaces secrets in place and keeps everything else. Text that cannot be parsed is not shown at all.
pub fn redact(text: &str) -> String {
    let Ok(root) = CstRootNode::parse(text, &ParseOptions::default()) else {
        return String::new();
    };
    if let Some(value) = root.value() {
        redact_node("", &value);
    }
    root.to_string()
}

/// Goes through the text itself, so that a key that stands there twice is redacted twice.
fn redact_node(name: &str, node: &CstNode) {
    if let Some(object) = node.as_object() {
        for property in object.properties() {
            let Some(value) = property.value() else { continue };
            let name = property.decoded_name().unwrap_or_default();
            if value.to_serde_value().is_some_and(|value| is_concealed(&name, &value)) {
                property.set_value(CstInputValue::String(REDACTED.to_owned()));
            } else {
                redact_node(&name, &value);
            }
        }
    } else if let Some(array) = node.as_array() {
        for (index, element) in array.elements().into_iter().enumerate() {
            if element.to_serde_value().is_some_and(|value| is_concealed(name, &value)) {
                replace_element(&array, index, CstInputValue::String(REDACTED.to_owned()));
            } else {
                redact_node(name, &element);
            }
        }
    }
}

/// Whether a single value under this key must not be shown, whoever's key it is.
pub fn is_concealed(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => is_secret(name) || has_password(text),
        Value::Number(_) => is_secret(name),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The same value with [`REDACTED`] for every secret in it; it stands under the key `name`.
pub fn conceal(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), conceal(key, value))).collect())
        }
        Value::Array(items) => items.iter().map(|item| conceal(name, item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) if is_concealed(name, value) => {
            REDACTED.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let counts_tokens = name.ends_with("tokens");
    let words = ["token", "password", "passphrase", "secret", "apikey", "api_key", "privatekey", "credential"];
    !counts_tokens && words.iter().any(|word| name.contains(word))
}

/// An address such as `https://user:password@host`.
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

fn holds_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| holds_secret(name, value)),
        Value::Array(items) => items.iter().any(|item| holds_secret(name, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => is_concealed(name, value),
    }
}

/// Puts the secrets of `old` back wherever `new` has [`REDACTED`]. Where it cannot be told which one is
/// meant there is a problem, and the value stays as it is.
pub fn restore(new: &Value, old: Option<&Value>, problems: &mut Vec<Problem>) -> Value {
    Restorer { problems }.value(new, old, "", "")
}

struct Restorer<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Restorer<'_> {
    /// `name` is the nearest key above the value.
    fn value(&mut self, new: &Value, old: Option<&Value>, path: &str, name: &str) -> Value {
        match new {
            Value::String(text) if text == REDACTED => match old {
                Some(secret @ (Value::String(_) | Value::Number(_))) => secret.clone(),
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                    self.refuse(path);
                    new.clone()
                }
            },
            Value::Object(fields) => {
                let restored = fields.iter().map(|(key, value)| {
                    let old = old.and_then(|old| old.as_object()?.get(key));
                    (key.clone(), self.value(value, old, &join(path, key), key))
                });
                Value::Object(restored.collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                let old_items = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let restored = items.iter().enumerate().map(|(index, item)| {
                    let path = join(path, &index.to_string());
                    if is_redacted(item) {
                        let old = counterpart(items, old_items, index, name);
                        self.value(item, old, &path, name)
                    } else {
                        item.clone()
                    }
                });
                restored.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => new.clone(),
        }
    }

    fn refuse(&mut self, path: &str) {
        let message = format!("cannot tell which secret {REDACTED} stands for here; write the secret itself");
        self.problems.push(Problem { path: path.to_owned(), message });
    }
}

fn is_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => text == REDACTED,
        Value::Array(items) => items.iter().any(is_redacted),
        Value::Object(fields) => fields.values().any(is_redacted),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The old item that an item with redacted parts was made from, if that is beyond doubt.
fn counterpart<'a>(new: &[Value], old: &'a [Value], index: usize, name: &str) -> Option<&'a Value> {
    let item = &new[index];
    let same_length = new.len() == old.len();
    if same_length && is_same_but_for_secrets(item, &old[index]) {
        return Some(&old[index]);
    }
    let mut candidates = old.iter().filter(|old| is_same_but_for_secrets(item, old));
    if let Some(first) = candidates.next()
        && candidates.all(|other| other == first)
    {
        return Some(first);
    }
    // As many with secrets as before, and each the same as the one at its place among them: others came or
    // went around them.
    let redacted: Vec<usize> = (0..new.len()).filter(|index| is_redacted(&new[*index])).collect();
    let secret: Vec<&Value> = old.iter().filter(|old| holds_secret(name, old)).collect();
    let in_step = redacted.len() == secret.len()
        && redacted.iter().zip(&secret).all(|(index, old)| is_same_but_for_secrets(&new[*index], old));
    if in_step {
        return redacted.iter().position(|other| *other == index).and_then(|place| secret.get(place).copied());
    }
    // Nothing moved: all the others are where they were.
    let others_stayed = same_length
        && (0..new.len())
            .filter(|other| *other != index)
            .all(|other| is_same_but_for_secrets(&new[other], &old[other]));
    others_stayed.then(|| &old[index])
}

fn is_same_but_for_secrets(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::String(text), Value::String(_) | Value::Number(_)) if text == REDACTED => true,
        (Value::Object(new), Value::Object(old)) => {
            new.len() == old.len()
                && new.iter().all(|(key, value)| old.get(key).is_some_and(|old| is_same_but_for_secrets(value, old)))
        }
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| is_same_but_for_secrets(new, old))
        }
        _ => new == old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_taken_out_in_place_and_the_rest_is_kept() {
        let text = "{ // mine\n gateway: { auth: { token: 'abc', password: \"p\" }, port: 1 }, bots: [{ botToken: 'xyz', maxTokens: 5 }] }";
        let redacted = redact(text);
        for secret in ["abc", "\"p\"", "xyz"] {
            assert!(!redacted.contains(secret), "{redacted}");
        }
        assert!(redacted.contains("// mine") && redacted.contains("port: 1") && redacted.contains("maxTokens: 5"));
        assert_eq!(redacted.matches(REDACTED).count(), 3);
    }

    #[test]
    fn a_broken_file_is_not_shown() {
        assert_eq!(redact("{ token: 'abc'"), "");
    }

    #[test]
    fn secrets_in_lists_in_addresses_and_under_a_key_that_stands_there_twice_are_taken_out() {
        let text = "{ apiKeys: ['one', 'two'], proxy: 'http://me:three@host/x', a: { token: 'four', token: 'five' }, \
                    \"to\\u006ben\": 'six', docs: 'https://host/@a:b', secretName: 7 }";
        let redacted = redact(text);
        for secret in ["one", "two", "three", "four", "five", "six", "7"] {
            assert!(!redacted.contains(secret), "{secret} in {redacted}");
        }
        assert!(redacted.contains("https://host/@a:b"));
    }

    #[track_caller]
    fn check(new: &Value, old: &Value, expected: Result<Value, &str>) {
        let mut problems = Vec::new();
        let restored = restore(new, Some(old), &mut problems);
        match expected {
            Ok(expected) => assert_eq!((restored, problems), (expected, Vec::new())),
            Err(path) => {
                let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
                assert_eq!(paths, [path], "{restored}");
            }
        }
    }

    #[test]
    fn a_secret_is_put_back_under_its_key() {
        let old = json!({"auth": {"token": "t", "pin": 4}, "x": 1});
        check(&json!({"auth": {"token": REDACTED}, "x": 2}), &old, Ok(json!({"auth": {"token": "t"}, "x": 2})));
        check(&json!({"auth": {"pin": REDACTED}}), &old, Ok(json!({"auth": {"pin": 4}})));
        check(&json!({"auth": {"password": REDACTED}}), &old, Err("auth.password"));
        check(&json!({"auth": REDACTED}), &old, Err("auth"));
        check(&json!({"new": {"token": REDACTED}}), &old, Err("new.token"));
    }

    #[test]
    fn in_a_list_the_item_that_is_otherwise_the_same_keeps_its_secret() {
        let bot = |name: &str, token: &str| json!({"name": name, "token": token});
        let old = json!([bot("a", "A"), bot("b", "B")]);
        check(&json!([bot("a", REDACTED), bot("b", REDACTED)]), &old, Ok(old.clone()));
        check(&json!([bot("b", REDACTED), bot("a", REDACTED)]), &old, Ok(json!([bot("b", "B"), bot("a", "A")])));
        check(&json!([bot("b", REDACTED)]), &old, Ok(json!([bot("b", "B")])));
        check(&json!([bot("z", REDACTED), bot("b", REDACTED)]), &old, Ok(json!([bot("z", "A"), bot("b", "B")])));
        check(
            &json!([bot("n", "N"), bot("a", REDACTED), bot("b", REDACTED)]),
            &old,
            Ok(json!([bot("n", "N"), bot("a", "A"), bot("b", "B")])),
        );
        check(&json!([bot("z", REDACTED)]), &old, Err("0.token"));
    }

    #[test]
    fn where_two_items_look_alike_only_their_places_tell_them_apart() {
        let old = json!({"apiKeys": ["A", "B"]});
        check(&json!({"apiKeys": [REDACTED, REDACTED]}), &old, Ok(old.clone()));
        check(&json!({"apiKeys": [REDACTED, "C"]}), &old, Ok(json!({"apiKeys": ["A", "C"]})));
        check(&json!({"apiKeys": [REDACTED, REDACTED, "C"]}), &old, Ok(json!({"apiKeys": ["A", "B", "C"]})));
        check(&json!({"apiKeys": ["C", REDACTED, REDACTED]}), &old, Ok(json!({"apiKeys": ["C", "A", "B"]})));
        check(&json!({"apiKeys": [REDACTED]}), &old, Err("apiKeys.0"));
        let same = json!({"apiKeys": ["A", "A"]});
        check(&json!({"apiKeys": [REDACTED]}), &same, Ok(json!({"apiKeys": ["A"]})));
    }
}
