//! Asking a node to do something, and carrying its answer back (wire.md §7.4, §9.5).
//!
//! **Invariant:** an answer reaches the caller only if it comes from the connection that was asked, in
//! time, and for an id that it was given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::surface::{InvokeFacts, Platform, may_invoke, takes_admin_to_invoke};
use protocol::event::Event;
use protocol::node::{
    DEFAULT_INVOKE_TIMEOUT_MS, InvokeCancel, InvokeParams, InvokeRequest, InvokeResultParams, Invoked, NodeError,
};
use protocol::refusal::NodeRefusal;
use protocol::role::ADMIN;
use protocol::{DeviceId, Refusal, Role};
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::gateway::connection::Connection;
use crate::state::AppState;

/// The longest that a node may take, in milliseconds: an hour.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// Fields of the parameters by which a gateway tells a node that somebody has approved what it is about
/// to do. Nobody else may set them, at any depth, in any spelling.
const RESERVED_PARAMS: [&str; 9] = [
    "approved",
    "approval",
    "approvalid",
    "approvaldecision",
    "approvalsource",
    "approvalruntimetoken",
    "systemrunplan",
    "__proto__",
    "constructor",
];

/// What nodes were asked and have not answered.
#[derive(Debug, Default)]
pub struct Invocations(Mutex<HashMap<String, Waiting>>);

#[derive(Debug)]
struct Waiting {
    /// The connection that was asked.
    asked: String,
    answer: oneshot::Sender<Result<Answer, NodeError>>,
}

#[derive(Debug)]
struct Answer {
    payload: Option<Value>,
    payload_json: Option<String>,
}

/// Whether a node's word was about anything that it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Accepted,
    /// Too late, never asked, or asked of somebody else.
    Ignored,
}

impl Invocations {
    fn add(&self, id: &str, asked: &Connection) -> oneshot::Receiver<Result<Answer, NodeError>> {
        let (answer, receiver) = oneshot::channel();
        self.lock().insert(id.to_owned(), Waiting { asked: asked.id.clone(), answer });
        receiver
    }

    /// Hears an answer from the connection that gives it.
    pub fn answer(&self, from: &Connection, result: InvokeResultParams) -> Heard {
        let mut waiting = self.lock();
        let Some(asked) = waiting.remove(&result.id) else {
            return Heard::Ignored;
        };
        if asked.asked != from.id {
            waiting.insert(result.id, asked);
            return Heard::Ignored;
        }
        let answer = if result.ok {
            Ok(Answer { payload: result.payload, payload_json: result.payload_json })
        } else {
            Err(result.error.unwrap_or_else(NodeError::without_reason))
        };
        // The caller may have gone in this moment.
        let _ = asked.answer.send(answer);
        Heard::Accepted
    }

    /// Whether this connection was asked under this id and has not answered.
    pub fn is_waiting_for(&self, from: &Connection, id: &str) -> bool {
        self.lock().get(id).is_some_and(|waiting| waiting.asked == from.id)
    }

    /// A connection is gone: it will not answer any more.
    pub fn abandon(&self, connection_id: &str) {
        self.lock().retain(|_, waiting| waiting.asked != connection_id);
    }

    fn forget(&self, id: &str) -> bool {
        self.lock().remove(id).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question to one node. Dropping it before it is answered tells the node to stop.
struct Question<'a> {
    state: &'a AppState,
    node: Arc<Connection>,
    node_id: &'a DeviceId,
    id: String,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if self.state.invocations.forget(&self.id) {
            let cancel = InvokeCancel { invoke_id: self.id.clone(), node_id: self.node_id.clone() };
            self.node.tell(Event::NodeInvokeCancel, &cancel);
        }
    }
}

/// Asks a node and waits for its answer. Dropping the future takes the question back.
pub async fn invoke(state: &AppState, caller: &Connection, params: InvokeParams) -> Result<Invoked, Refusal> {
    if takes_admin_to_invoke(&params.command) && !caller.scopes.allow(Role::Operator, ADMIN) {
        return Err(Refusal::MissingScope { scope: ADMIN.to_owned() });
    }
    if let Some(name) = params.params.as_ref().and_then(reserved_param) {
        return Err(Refusal::Node(NodeRefusal::ParamReserved { name }));
    }
    let node = choose(state, &params).await?;
    let timeout_ms = params.timeout_ms.unwrap_or(DEFAULT_INVOKE_TIMEOUT_MS).min(MAX_TIMEOUT_MS);
    let question = Question { state, node, node_id: &params.node_id, id: Uuid::new_v4().to_string() };
    let answer = state.invocations.add(&question.id, &question.node);
    let request = InvokeRequest {
        id: question.id.clone(),
        node_id: params.node_id.clone(),
        command: params.command.clone(),
        params_json: params.params.filter(|params| !params.is_null()).map(|params| params.to_string()),
        timeout_ms,
        idempotency_key: params.idempotency_key,
    };
    question.node.tell(Event::NodeInvokeRequest, &request);
    let failed = |code: &str, message: &str| {
        Refusal::Node(NodeRefusal::Failed(NodeError { code: code.to_owned(), message: message.to_owned() }))
    };
    let answer = tokio::select! {
        answer = answer => answer.map_err(|_| failed("NOT_CONNECTED", "node disconnected before it answered"))?,
        _ = question.node.closed() => return Err(failed("NOT_CONNECTED", "node disconnected before it answered")),
        () = tokio::time::sleep(Duration::from_millis(timeout_ms)) => {
            return Err(failed("TIMEOUT", "node invoke timed out"));
        }
    };
    let Answer { payload, payload_json } = answer.map_err(|error| Refusal::Node(NodeRefusal::Failed(error)))?;
    let parsed = payload_json.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Ok(Invoked {
        ok: true,
        payload: parsed.or(payload).unwrap_or_default(),
        payload_json,
        node_id: params.node_id.clone(),
        command: params.command,
    })
}

/// The connection to ask, if the command may be sent there.
async fn choose(state: &AppState, params: &InvokeParams) -> Result<Arc<Connection>, Refusal> {
    let device = state.store.find_device(&params.node_id).await.map_err(|error| error.refusal())?;
    let device = device.filter(|device| device.live_token(Role::Node).is_some());
    let connection = state.registry.node(&params.node_id);
    let live = connection.as_ref().and_then(|connection| connection.node.as_ref());
    let platform = match (&connection, &device) {
        (Some(connection), _) => Platform::of_client(&connection.introduction.client),
        (None, Some(device)) => Platform::of(&device.platform, device.device_family.as_deref()),
        (None, None) => Platform::Unknown,
    };
    let facts = InvokeFacts {
        command: &params.command,
        platform,
        approved: device.as_ref().and_then(|device| device.surface.as_ref()),
        declared: live.map(|node| &node.declared),
    };
    may_invoke(facts, &state.config().policy.commands).map_err(Refusal::Node)?;
    connection.ok_or(Refusal::Node(NodeRefusal::Offline))
}

/// A field that only a gateway may set, wherever in the parameters it stands.
fn reserved_param(params: &Value) -> Option<String> {
    match params {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let plain: String =
                name.chars().filter(|c| !matches!(c, '-' | ' ')).collect::<String>().to_ascii_lowercase();
            let squeezed = if plain.starts_with("__") { plain } else { plain.replace('_', "") };
            if RESERVED_PARAMS.contains(&squeezed.as_str()) { Some(name.clone()) } else { reserved_param(value) }
        }),
        Value::Array(items) => items.iter().find_map(reserved_param),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(params: &Value, expected: Option<&str>) {
        assert_eq!(reserved_param(params).as_deref(), expected, "{params}");
    }

    #[test]
    fn nobody_but_a_gateway_says_that_something_was_approved() {
        check(&json!({"command": ["ls"], "cwd": "/"}), None);
        check(&json!({"approved": true}), Some("approved"));
        check(&json!({"a": [{"Approval_Decision": "allow-always"}]}), Some("Approval_Decision"));
        check(&json!({"approval-id": "x"}), Some("approval-id"));
        check(&json!({"env": {"__proto__": {"a": 1}}}), Some("__proto__"));
        check(&json!({"systemRunPlan": {}}), Some("systemRunPlan"));
        check(&json!(["approved"]), None);
    }
}
