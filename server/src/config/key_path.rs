//! Names of single values: `gateway.auth.token`, `channels.list[0].name`, `hosts["a.example"].port`.
//!
//! Pure functions from what the file says and what is wanted to the change that makes it so.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::edit::join;

/// A key path. Items of lists go by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(Vec<String>);

/// A merge patch, and the key paths under which it does not merge but replaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    pub value: Value,
    pub replace_paths: Vec<String>,
}

/// Why a value cannot be changed under this key path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("`{0}` is not set")]
    NotSet(String),
    #[error("`{0}` is a single value, so there is nothing below it")]
    NotAGroup(String),
    #[error("`{path}` is a list of {length}, so its items have the numbers below that, and {length} for one more")]
    NoSuchItem { path: String, length: usize },
}

impl KeyPath {
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// What the file says there.
    pub fn find<'a>(&self, file: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(file, |value, key| match value {
            Value::Object(fields) => fields.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// What changes the file so that it says `new` there, or nothing any more.
    pub fn patch(&self, file: &Value, new: Option<&Value>) -> Result<Patch, PathError> {
        let mut below = String::new();
        let mut at = Some(file);
        for (depth, key) in self.0.iter().enumerate() {
            match at {
                Some(Value::Object(fields)) => at = fields.get(key),
                Some(Value::Array(_)) => {
                    let mut list = at.cloned().unwrap_or_default();
                    assign(&mut list, &self.0[depth..], new, &below)?;
                    return Ok(nested(&self.0[..depth], list));
                }
                None | Some(Value::Null) => at = None,
                Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => return Err(PathError::NotAGroup(below)),
            }
            below = join(&below, key);
        }
        match (at, new) {
            (None, None) => Err(PathError::NotSet(self.to_string())),
            (Some(_), None) => Ok(nested(&self.0, Value::Null)),
            (_, Some(new)) => Ok(nested(&self.0, new.clone())),
        }
    }
}

/// Sets or removes what is `keys` below `target`.
fn assign(target: &mut Value, keys: &[String], new: Option<&Value>, path: &str) -> Result<(), PathError> {
    let Some((key, rest)) = keys.split_first() else {
        *target = new.cloned().unwrap_or_default();
        return Ok(());
    };
    let below = join(path, key);
    let removes = rest.is_empty() && new.is_none();
    match target {
        Value::Array(items) => {
            let length = items.len();
            let unknown = PathError::NoSuchItem { path: path.to_owned(), length };
            let index: usize = key.parse().map_err(|_| unknown.clone())?;
            if index == length && new.is_some() {
                items.push(Value::Null);
            }
            if removes && index < length {
                items.remove(index);
                return Ok(());
            }
            assign(items.get_mut(index).ok_or(unknown)?, rest, new, &below)
        }
        Value::Null if new.is_some() => {
            *target = Value::Object(Map::new());
            assign(target, keys, new, path)
        }
        Value::Object(fields) if removes => fields.remove(key).map(drop).ok_or(PathError::NotSet(below)),
        Value::Object(fields) if new.is_some() => {
            assign(fields.entry(key.clone()).or_insert(Value::Null), rest, new, &below)
        }
        Value::Object(fields) => {
            let inner = fields.get_mut(key).ok_or_else(|| PathError::NotSet(below.clone()))?;
            assign(inner, rest, new, &below)
        }
        Value::Null => Err(PathError::NotSet(below)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(PathError::NotAGroup(path.to_owned())),
    }
}

fn nested(keys: &[String], value: Value) -> Patch {
    let path = keys.iter().fold(String::new(), |path, key| join(&path, key));
    let value = keys.iter().rev().fold(value, |value, key| Value::Object(Map::from_iter([(key.clone(), value)])));
    Patch { value, replace_paths: vec![path] }
}

/// As it can be typed again.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            if key.is_empty() || key.contains(['.', '[', ']', '"']) {
                write!(f, "[{}]", Value::from(key.as_str()))?;
            } else {
                write!(f, "{}{key}", if index == 0 { "" } else { "." })?;
            }
        }
        Ok(())
    }
}

impl FromStr for KeyPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut keys = Vec::new();
        let mut rest = text.trim();
        loop {
            let (key, after) = if let Some(inside) = rest.strip_prefix('[') {
                bracketed(inside).ok_or("brackets hold a number or a quoted key: list[0], [\"a.b\"]")?
            } else {
                let end = rest.find(['.', '[']).filter(|end| *end > 0).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            };
            if !rest.starts_with('[') && (key.is_empty() || key.starts_with('.')) {
                return Err("a key path looks like gateway.auth.token".to_owned());
            }
            keys.push(key);
            // After a full stop there is a name; brackets need none before them.
            rest = match after.strip_prefix('.') {
                None if after.is_empty() => return Ok(Self(keys)),
                None if after.starts_with('[') => after,
                Some(more) if !more.starts_with('[') => more,
                None | Some(_) => {
                    return Err("names in a key path stand between full stops: gateway.auth.token".to_owned());
                }
            };
        }
    }
}

/// What is in brackets that have just been opened, and what follows them.
fn bracketed(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut keys = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = keys.next()?.ok()?;
        let after = text.get(keys.byte_offset()..)?;
        return Some((key, after.strip_prefix(']')?));
    }
    let (number, after) = text.split_once(']')?;
    number.parse::<usize>().is_ok().then(|| (number.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> KeyPath {
        text.parse().unwrap()
    }

    #[test]
    fn key_paths_read_back_as_they_are_written() {
        for (text, keys) in [
            ("gateway", &["gateway"][..]),
            ("gateway.auth.token", &["gateway", "auth", "token"]),
            ("a[0].b", &["a", "0", "b"]),
            ("a[\"b.c\"][\"\\\"\"].d", &["a", "b.c", "\"", "d"]),
            ("[\"a.b\"].c", &["a.b", "c"]),
        ] {
            assert_eq!(path(text).keys(), keys, "{text}");
            assert_eq!(path(&path(text).to_string()), path(text));
        }
        for text in ["", " ", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a[\"b\"", "a[0]b.", "a.[0]"] {
            assert!(text.parse::<KeyPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn finds_what_stands_there() {
        let file = json!({"a": {"b": [1, {"c": 2}]}, "d.e": 3});
        assert_eq!(path("a.b[1].c").find(&file), Some(&json!(2)));
        assert_eq!(path("a.b.0").find(&file), Some(&json!(1)));
        assert_eq!(path("[\"d.e\"]").find(&file), Some(&json!(3)));
        for nothing in ["a.c", "a.b[2]", "a.b.x", "d.e", "a.b[0].c"] {
            assert_eq!(path(nothing).find(&file), None, "{nothing}");
        }
    }

    #[track_caller]
    fn changes(text: &str, new: Option<&Value>, patch: Value, replaced: &str) {
        let file = json!({"a": {"b": 1, "list": ["x", {"y": 1}]}, "s": "word", "n": null});
        let expected = Patch { value: patch, replace_paths: vec![replaced.to_owned()] };
        assert_eq!(path(text).patch(&file, new), Ok(expected), "{text}");
    }

    #[test]
    fn a_change_touches_the_value_or_the_list_it_is_in() {
        changes("a.b", Some(&json!(2)), json!({"a": {"b": 2}}), "a.b");
        changes("a.b", None, json!({"a": {"b": null}}), "a.b");
        changes("new.deep", Some(&json!({"z": null})), json!({"new": {"deep": {"z": null}}}), "new.deep");
        changes("n.m", Some(&json!(1)), json!({"n": {"m": 1}}), "n.m");
        changes("a.list[0]", Some(&json!("w")), json!({"a": {"list": ["w", {"y": 1}]}}), "a.list");
        changes("a.list[2]", Some(&json!("w")), json!({"a": {"list": ["x", {"y": 1}, "w"]}}), "a.list");
        changes("a.list[2].q.r", Some(&json!(1)), json!({"a": {"list": ["x", {"y": 1}, {"q": {"r": 1}}]}}), "a.list");
        changes("a.list[1].y", None, json!({"a": {"list": ["x", {}]}}), "a.list");
        changes("a.list[0]", None, json!({"a": {"list": [{"y": 1}]}}), "a.list");
    }

    #[test]
    fn a_change_that_would_lose_something_is_refused() {
        let file = json!({"a": {"list": ["x"]}, "s": "word"});
        let refused = |text: &str, new: Option<Value>| path(text).patch(&file, new.as_ref()).unwrap_err();
        assert_eq!(refused("s.t", Some(json!(1))), PathError::NotAGroup("s".to_owned()));
        assert_eq!(refused("a.list[0].t", Some(json!(1))), PathError::NotAGroup("a.list.0".to_owned()));
        let outside = PathError::NoSuchItem { path: "a.list".to_owned(), length: 1 };
        assert_eq!(refused("a.list[2]", Some(json!(1))), outside);
        assert_eq!(refused("a.list.x", Some(json!(1))), outside);
        assert_eq!(refused("a.list[1]", None), outside);
        assert_eq!(refused("a.c", None), PathError::NotSet("a.c".to_owned()));
        assert_eq!(refused("b.c", None), PathError::NotSet("b.c".to_owned()));
    }
}
