//! Changes to the text of the settings: single values change in place, every other byte stays.
//!
//! Pure functions from text to text. Whether the result makes sense is for [`super::live`] to find out.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::{Map, Value};

use super::{Problem, file, secrets};

/// The text of a changed file, and the key paths that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    pub changed_paths: Vec<String>,
}

/// What to do with the settings.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Everything is as this text says.
    Set { raw: String },
    /// What this text names is as it says; `null` deletes (RFC 7396). Under `replace_paths` it says all.
    Patch { raw: String, replace_paths: Vec<String> },
}

impl Edit {
    /// Applies the change. Secrets that the caller never saw are put back; nothing else is checked.
    pub fn apply(&self, current: &str) -> Result<Edited, Vec<Problem>> {
        match self {
            Self::Set { raw } => set(current, raw),
            Self::Patch { raw, replace_paths } => patch(current, raw, replace_paths),
        }
    }
}

/// Strict JSON comes from a program, which has lost the comments: its values are set one by one in the text
/// that is there. Anything else is a person's text and is taken as it is. A file that cannot be read as
/// JSON5 is replaced, so that it can be repaired.
fn set(current: &str, raw: &str) -> Result<Edited, Vec<Problem>> {
    let sent = parse(raw)?;
    let Ok(old) = parse(current) else {
        return build(raw, &sent, &restored(&sent, &empty())?, &empty());
    };
    let new = restored(&sent, &old)?;
    let by_a_program = serde_json::from_str::<Value>(raw).is_ok();
    if by_a_program && !current.trim().is_empty() {
        build(current, &old, &new, &old)
    } else {
        build(raw, &sent, &new, &old)
    }
}

fn patch(current: &str, raw: &str, replace_paths: &[String]) -> Result<Edited, Vec<Problem>> {
    let old = parse(current)?;
    let patch = parse(raw)?;
    let mut new = old.clone();
    merge(&mut new, &patch, "", replace_paths);
    let new = restored(&new, &old)?;
    build(current, &old, &new, &old)
}

fn restored(new: &Value, old: &Value) -> Result<Value, Vec<Problem>> {
    let mut problems = Vec::new();
    let restored = secrets::restore(new, Some(old), &mut problems);
    if problems.is_empty() { Ok(restored) } else { Err(problems) }
}

/// RFC 7396, except that what is named in `replace_paths` is not merged but replaced.
fn merge(target: &mut Value, change: &Value, path: &str, replace_paths: &[String]) {
    let Some(fields) = change.as_object().filter(|_| !replace_paths.iter().any(|replaced| replaced == path)) else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = empty();
    }
    let Some(object) = target.as_object_mut() else { return };
    for (key, value) in fields {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key).or_insert(Value::Null), value, &join(path, key), replace_paths);
        }
    }
}

/// Reads a text that somebody wants to write. A key that stands there twice would mean one thing to us and
/// another to the next reader, so it is refused.
fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let refuse = |path: String, message: String| vec![Problem { path, message }];
    let value = file::parse(text).map_err(|error| refuse(String::new(), error.to_string()))?;
    let root = parse_tree(text)?;
    match root.value().and_then(|value| find_repeated_key(&value, "")) {
        Some(path) => Err(refuse(path, "this key stands there twice".to_owned())),
        None => Ok(value),
    }
}

fn parse_tree(text: &str) -> Result<CstRootNode, Vec<Problem>> {
    CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| vec![Problem { path: String::new(), message: error.to_string() }])
}

fn find_repeated_key(node: &CstNode, path: &str) -> Option<String> {
    if let Some(object) = node.as_object() {
        let mut seen = std::collections::HashSet::new();
        return object.properties().into_iter().find_map(|property| {
            let name = property.decoded_name().unwrap_or_default();
            let path = join(path, &name);
            if !seen.insert(name) {
                return Some(path);
            }
            find_repeated_key(&property.value()?, &path)
        });
    }
    let elements = node.as_array()?.elements();
    elements.iter().enumerate().find_map(|(index, item)| find_repeated_key(item, &join(path, &index.to_string())))
}

/// Changes `text`, which says `from`, until it says `to`. The result lists what differs from `before`.
fn build(text: &str, from: &Value, to: &Value, before: &Value) -> Result<Edited, Vec<Problem>> {
    let mut changed_paths = Vec::new();
    collect_changes(Some(before), Some(to), "", &mut changed_paths);
    changed_paths.sort_unstable();
    let root = parse_tree(text)?;
    if let (Some(old), Some(new)) = (from.as_object(), to.as_object()) {
        change_object(&root.object_value_or_set(), old, new);
    }
    let text = root.to_string();
    // What is written must say exactly what was asked for, whatever the text looked like before.
    if file::parse(&text).ok().as_ref() == Some(to) {
        Ok(Edited { text, changed_paths })
    } else {
        let message = "this change cannot be made in place; edit the file by hand".to_owned();
        Err(vec![Problem { path: changed_paths.first().cloned().unwrap_or_default(), message }])
    }
}

fn change_object(object: &CstObject, old: &Map<String, Value>, new: &Map<String, Value>) {
    for gone in old.keys().filter(|key| !new.contains_key(*key)) {
        if let Some(property) = object.get(gone) {
            property.remove();
        }
    }
    for (key, value) in new {
        let known = old.get(key).zip(object.get(key));
        match known {
            None => {
                object.append(key, input(value));
            }
            Some((before, _)) if before == value => {}
            Some((before, property)) => {
                let changed = property.value().is_some_and(|node| change_inside(&node, before, value));
                if !changed {
                    property.set_value(input(value));
                }
            }
        }
    }
}

/// Changes what is inside an object or list. False where the value has to be replaced as a whole.
fn change_inside(node: &CstNode, old: &Value, new: &Value) -> bool {
    if let (Some(object), Value::Object(old), Value::Object(new)) = (node.as_object(), old, new) {
        change_object(&object, old, new);
        return true;
    }
    if let (Some(array), Value::Array(old), Value::Array(new)) = (node.as_array(), old, new) {
        change_array(&array, old, new);
        return true;
    }
    false
}

/// Leaves what is the same at the beginning and at the end, with its comments.
fn change_array(array: &CstArray, old: &[Value], new: &[Value]) {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let elements = array.elements();
    let (gone, come) = (start..old.len() - end, start..new.len() - end);
    if gone.len() == come.len() {
        for index in come {
            if old[index] != new[index] && !change_inside(&elements[index], &old[index], &new[index]) {
                replace_element(array, index, input(&new[index]));
            }
        }
        return;
    }
    for element in elements.into_iter().skip(gone.start).take(gone.len()) {
        element.remove();
    }
    for index in come {
        array.insert(index, input(&new[index]));
    }
}

/// Puts another value in the place of an item; the comments around it stay.
pub fn replace_element(array: &CstArray, index: usize, value: CstInputValue) {
    let Some(node) = array.elements().into_iter().nth(index) else { return };
    if let Some(text) = node.as_string_lit() {
        text.replace_with(value);
    } else if let Some(number) = node.as_number_lit() {
        number.replace_with(value);
    } else if let Some(flag) = node.as_boolean_lit() {
        flag.replace_with(value);
    } else if let Some(object) = node.as_object() {
        object.replace_with(value);
    } else if let Some(list) = node.as_array() {
        list.replace_with(value);
    } else {
        node.remove();
        array.insert(index, value);
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => {
            CstInputValue::Object(fields.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}

/// The key paths of all values that differ. A list is one value.
fn collect_changes(old: Option<&Value>, new: Option<&Value>, path: &str, into: &mut Vec<String>) {
    if old == new {
        return;
    }
    let fields = |value: Option<&Value>| value.and_then(Value::as_object).filter(|fields| !fields.is_empty()).cloned();
    let is_node = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let (before, after) = (fields(old), fields(new));
    if is_node(old) && is_node(new) && (before.is_some() || after.is_some()) {
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let added = after.keys().filter(|key| !before.contains_key(*key));
        for key in before.keys().chain(added) {
            collect_changes(before.get(key), after.get(key), &join(path, key), into);
        }
    } else {
        into.push(path.to_owned());
    }
}

/// A key path and the key below it.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

#[cfg(test)]
mod tests;
