//! Closed shapes for what clients send, and the error texts the official clients are used to.
//!
//! serde alone stops at the first problem and words it differently; people compare these texts with
//! what they find on the web, so they are kept as recorded (wire.md §1.5).

use serde_json::{Map, Value};

/// What a value must look like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Any,
    Bool,
    /// `true` and nothing else.
    True,
    /// A string of at least `min` and at most `max` characters.
    Text {
        min: usize,
        max: usize,
    },
    /// An integer of at least `min`.
    Integer {
        min: u64,
    },
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Exactly this string.
    Constant(&'static str),
    /// A list whose items all have the same shape.
    List(&'static Shape),
    /// A map from any key to a boolean.
    Flags,
    /// An object with these properties and no others.
    Object(&'static [Property]),
}

/// Any string, the empty one included.
pub const TEXT: Shape = Shape::Text { min: 0, max: usize::MAX };
/// A string with at least one character.
pub const NON_EMPTY: Shape = Shape::Text { min: 1, max: usize::MAX };

/// One property of an object shape.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    name: &'static str,
    shape: Shape,
    required: bool,
}

pub const fn required(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, required: true }
}

pub const fn optional(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, required: false }
}

impl Shape {
    /// Checks a value. The error is every problem found, joined with `; `.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let mut problems = Vec::new();
        self.collect(value, "", &mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    fn collect(&self, value: &Value, path: &str, problems: &mut Vec<String>) {
        match *self {
            Self::Any => {}
            Self::Bool if value.is_boolean() => {}
            Self::Bool => problems.push(at(path, "must be boolean")),
            Self::True => {
                if value != &Value::Bool(true) {
                    problems.push(at(path, "must be equal to constant"));
                }
            }
            Self::Text { min, max } => check_text(value, min, max, path, problems),
            Self::Integer { min } => match value.as_u64() {
                Some(number) if number >= min => {}
                Some(_) => problems.push(at(path, &format!("must be >= {min}"))),
                None => problems.push(at(path, "must be integer")),
            },
            Self::OneOf(allowed) => {
                if !value.as_str().is_some_and(|text| allowed.contains(&text)) {
                    problems.push(at(path, "must be equal to one of the allowed values"));
                }
            }
            Self::Constant(expected) => {
                if value.as_str() != Some(expected) {
                    problems.push(at(path, "must be equal to constant"));
                }
            }
            Self::List(item) => match value.as_array() {
                Some(items) => {
                    for (index, entry) in items.iter().enumerate() {
                        item.collect(entry, &format!("{path}/{index}"), problems);
                    }
                }
                None => problems.push(at(path, "must be array")),
            },
            Self::Flags => match value.as_object() {
                Some(flags) => {
                    for (name, flag) in flags {
                        Self::Bool.collect(flag, &format!("{path}/{name}"), problems);
                    }
                }
                None => problems.push(at(path, "must be object")),
            },
            Self::Object(properties) => match value.as_object() {
                Some(object) => check_object(object, properties, path, problems),
                None => problems.push(at(path, "must be object")),
            },
        }
    }
}

fn check_text(value: &Value, min: usize, max: usize, path: &str, problems: &mut Vec<String>) {
    let Some(text) = value.as_str() else {
        problems.push(at(path, "must be string"));
        return;
    };
    let length = text.chars().count();
    if length < min {
        problems.push(at(path, &format!("must not have fewer than {min} characters")));
    } else if length > max {
        problems.push(at(path, &format!("must not have more than {max} characters")));
    }
}

/// Reports the first missing property only, as the reference does, then every stray one, then the
/// problems of the properties themselves.
fn check_object(object: &Map<String, Value>, properties: &[Property], path: &str, problems: &mut Vec<String>) {
    if let Some(missing) = properties.iter().find(|p| p.required && !object.contains_key(p.name)) {
        let problem = format!("must have required property '{}'", missing.name);
        problems.push(if path.is_empty() { problem } else { at(path, &problem) });
    }
    for name in object.keys() {
        if !properties.iter().any(|p| p.name == name) {
            problems.push(at(path, &format!("unexpected property '{name}'")));
        }
    }
    for property in properties {
        if let Some(value) = object.get(property.name) {
            property.shape.collect(value, &format!("{path}/{}", property.name), problems);
        }
    }
}

fn at(path: &str, problem: &str) -> String {
    if path.is_empty() { format!("at root: {problem}") } else { format!("at {path}: {problem}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SAMPLE: Shape = Shape::Object(&[
        required("id", NON_EMPTY),
        optional("kind", Shape::OneOf(&["a", "b"])),
        optional("tags", Shape::List(&NON_EMPTY)),
    ]);

    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(SAMPLE.check(value).err().unwrap_or_default(), expected);
    }

    #[test]
    fn words_each_problem_like_the_reference() {
        check(&json!({"id": "x", "kind": "a"}), "");
        check(&json!({}), "must have required property 'id'");
        check(&json!({"id": "x", "bogus": 1}), "at root: unexpected property 'bogus'");
        check(&json!({"id": ""}), "at /id: must not have fewer than 1 characters");
        check(&json!({"id": "x", "kind": "c"}), "at /kind: must be equal to one of the allowed values");
        check(&json!({"id": "x", "tags": ["a", ""]}), "at /tags/1: must not have fewer than 1 characters");
        check(&json!([]), "at root: must be object");
    }
}
