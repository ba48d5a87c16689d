//! The envelope: requests, responses and events, one JSON object per WebSocket message (wire.md §1.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::handshake::StateVersion;
use crate::shape::{NON_EMPTY, Shape, optional, required};

/// What a client may send. Unknown top-level keys are an error.
const REQUEST: Shape = Shape::Object(&[
    required("id", NON_EMPTY),
    required("method", NON_EMPTY),
    optional("type", Shape::Constant("req")),
    optional("params", Shape::Any),
    optional("traceparent", Shape::Text { min: 0, max: 128 }),
    optional("expectedProfileId", Shape::Text { min: 1, max: 128 }),
]);

/// A client's request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    #[serde(rename = "type")]
    kind: RequestKind,
    pub id: String,
    pub method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum RequestKind {
    #[serde(rename = "req")]
    Req,
}

/// Why a message is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the message is not JSON")]
    NotJson,
    /// Valid JSON of the wrong shape, with the id to answer to where the message had one.
    #[error("{problems}")]
    Invalid { id: Option<String>, problems: String },
}

impl Request {
    pub fn new(id: impl Into<String>, method: impl Into<String>, params: Option<Value>) -> Self {
        Self { kind: RequestKind::Req, id: id.into(), method: method.into(), params }
    }

    /// Parses one message. Nesting deeper than `serde_json` allows counts as not JSON.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let value: Value = serde_json::from_str(text).map_err(|_| FrameError::NotJson)?;
        let id = value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
        let mut shape = REQUEST.check(&value);
        if shape.is_ok() && value.get("type").is_none() {
            shape = Err("must have required property 'type'".to_owned());
        }
        shape.map_err(|problems| FrameError::Invalid { id: id.clone(), problems })?;
        serde_json::from_value(value).map_err(|error| FrameError::Invalid { id, problems: error.to_string() })
    }
}

/// The gateway's answer to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    #[serde(rename = "type")]
    kind: ResponseKind,
    pub id: String,
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WireError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ResponseKind {
    #[serde(rename = "res")]
    Res,
}

impl Response {
    pub fn ok(id: impl Into<String>, payload: Value) -> Self {
        Self { kind: ResponseKind::Res, id: id.into(), ok: true, payload: Some(payload), error: None }
    }

    pub fn error(id: impl Into<String>, error: WireError) -> Self {
        Self { kind: ResponseKind::Res, id: id.into(), ok: false, payload: None, error: Some(error) }
    }
}

/// The `error` of a response. `code` and `message` are never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// An announcement of the gateway. `seq` counts per connection and is absent on targeted events
/// (wire.md §8.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventFrame {
    #[serde(rename = "type")]
    kind: EventKind,
    pub event: String,
    #[serde(default)]
    pub payload: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Which presence and health this is; only on the two events of these names.
    #[serde(default, rename = "stateVersion", skip_serializing_if = "Option::is_none")]
    pub state_version: Option<StateVersion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum EventKind {
    #[serde(rename = "event")]
    Event,
}

impl EventFrame {
    pub fn new(event: impl Into<String>, payload: Value, seq: Option<u64>) -> Self {
        Self { kind: EventKind::Event, event: event.into(), payload, seq, state_version: None }
    }
}

/// What the gateway sends, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    Response(Response),
    Event(EventFrame),
}

impl Incoming {
    /// Parses one message of the gateway; `None` for frames of a shape we do not know, which clients
    /// ignore (wire.md §1.3).
    pub fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        match value.get("type")?.as_str()? {
            "res" => serde_json::from_value(value).ok().map(Self::Response),
            "event" => serde_json::from_value(value).ok().map(Self::Event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = match Request::parse(text) {
            Ok(request) => format!("{} {}", request.id, request.method),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn parses_requests_and_words_what_is_wrong() {
        check(r#"{"type":"req","id":"1","method":"health"}"#, "1 health");
        check("hello", "the message is not JSON");
        check("[1,2]", "at root: must be object");
        check(r#"{"type":"req","id":"q"}"#, "must have required property 'method'");
        check(
            r#"{"type":"event","event":"q"}"#,
            "must have required property 'id'; at root: unexpected property 'event'; at /type: must be equal to constant",
        );
        check(r#"{"type":"req","id":"x","method":"m","bogus":1}"#, "at root: unexpected property 'bogus'");
    }

    #[test]
    fn refuses_json_that_is_nested_too_deeply() {
        let deep =
            format!(r#"{{"type":"req","id":"1","method":"m","params":{}1{}}}"#, "[".repeat(4096), "]".repeat(4096));
        assert_eq!(Request::parse(&deep), Err(FrameError::NotJson));
    }
}
