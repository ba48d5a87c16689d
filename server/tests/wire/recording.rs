//! A recording of the reference gateway, and what its names are called here.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One line of a recording.
#[derive(Debug, Deserialize)]
pub struct Row {
    pub t: u64,
    pub conn: String,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum What {
    Open {
        open: String,
        gateway: String,
        /// The address of a client that is not on the gateway's machine.
        from: Option<String>,
        #[serde(default)]
        headers: Map<String, Value>,
    },
    Rejected {
        rejected: u16,
        body: Value,
    },
    In {
        r#in: Value,
    },
    Out {
        out: Value,
    },
    Raw {
        raw: String,
    },
    Binary {
        binary: String,
    },
    Padding {
        pad: usize,
    },
    Close {
        close: u16,
        reason: String,
    },
    Leave {
        leave: bool,
    },
}

/// What the recording calls something, and what it is called here.
#[derive(Default)]
pub struct Names(pub HashMap<String, String>);

impl Names {
    pub fn bind(&mut self, recorded: &str, ours: &str) -> bool {
        if let Some(known) = self.0.get(recorded) {
            return known == ours;
        }
        let is_new = self.0.values().all(|other| other != ours);
        self.0.insert(recorded.to_owned(), ours.to_owned());
        is_new
    }

    pub fn translate(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.0.get(text).unwrap_or(text).as_str().into(),
            Value::Array(items) => items.iter().map(|item| self.translate(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, item)| (name.clone(), self.translate(item))).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A close reason may end in the middle of an id.
    pub fn translate_reason(&self, reason: &str) -> String {
        let Some((text, id)) = reason.split_once("(requestId: ") else { return reason.to_owned() };
        let (id, end) = id.strip_suffix(')').map_or((id, ""), |id| (id, ")"));
        let (_, ours) = self.0.iter().find(|(recorded, _)| recorded.starts_with(id)).unwrap();
        format!("{text}(requestId: {}{end}", &ours[..id.len()])
    }
}
