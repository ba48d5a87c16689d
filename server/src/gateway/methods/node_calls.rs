//! What nodes call (wire.md §9.2, §9.5, §9.6). Everything that they say is about themselves: whom it is
//! about is never read from what they send.

use protocol::event::Event;
use protocol::node::{
    HostStats, InvokeProgressParams, InvokeResultParams, NodeEventParams, PendingAckParams, PluginSurfaceParams,
    PluginToolsParams, SkillsParams,
};
use protocol::refusal::{NodeRefusal, Work};
use protocol::{DeviceId, Method, Refusal, Role};
use serde_json::{Value, json};

use crate::gateway::connection::Connection;
use crate::gateway::nodes::invoke::Heard;
use crate::gateway::nodes::{self, LiveNode};
use crate::state::AppState;

/// How many tools of plugins a node may list.
const MAX_PLUGIN_TOOLS: usize = 128;

/// The longest reason for a sign of life, in characters.
const MAX_REASON: usize = 64;

/// A node on its own connection.
pub struct Caller<'a> {
    connection: &'a Connection,
    node_id: &'a DeviceId,
    live: &'a LiveNode,
}

impl<'a> Caller<'a> {
    pub fn of(connection: &'a Connection) -> Result<Self, Refusal> {
        let wrong_role = Refusal::RoleUnauthorized { role: connection.role };
        let (Some(node_id), Some(live)) = (connection.node_id(), connection.node.as_deref()) else {
            return Err(wrong_role);
        };
        Ok(Self { connection, node_id, live })
    }

    /// Events that this gateway knows; others are acknowledged and ignored, whatever they claim.
    pub async fn event(&self, state: &AppState, params: NodeEventParams) -> Result<Value, Refusal> {
        self.must_be_approved(state, Work::Invocation).await?;
        let payload = match params.payload_json {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => params.payload.unwrap_or_default(),
        };
        let (is_handled, reason) = match params.event.as_str() {
            "node.host.stats" => self.host_stats(state, payload),
            "node.presence.alive" => self.alive(state, &payload),
            _ => (false, "unsupported_event"),
        };
        Ok(json!({"ok": true, "event": params.event, "handled": is_handled, "reason": reason}))
    }

    fn host_stats(&self, state: &AppState, payload: Value) -> (bool, &'static str) {
        let Some(said) = serde_json::from_value(payload).ok().filter(HostStats::is_plausible) else {
            return (false, "invalid_payload");
        };
        let host = HostStats { updated_at_ms: Some(state.clock.now_ms()), ..said };
        let news = json!({"nodeId": self.node_id, "hostStats": host});
        self.live.said().host_stats = Some(host);
        state.registry.broadcast(Event::NodeHostStats, Some(&news), None::<&()>);
        (true, "updated")
    }

    fn alive(&self, state: &AppState, payload: &Value) -> (bool, &'static str) {
        let trigger = payload.get("trigger").and_then(Value::as_str).unwrap_or("alive");
        let reason: String = trigger.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
        nodes::note(state, self.node_id, &reason, None);
        (true, "persisted")
    }

    pub fn invoke_result(&self, state: &AppState, params: InvokeResultParams) -> Result<Value, Refusal> {
        self.must_be(&params.node_id)?;
        Ok(acknowledged(state.invocations.answer(self.connection, params)))
    }

    /// Nobody listens to progress here; it is acknowledged so that the node goes on.
    pub fn invoke_progress(&self, state: &AppState, params: &InvokeProgressParams) -> Result<Value, Refusal> {
        self.must_be(&params.node_id)?;
        let is_expected = state.invocations.is_waiting_for(self.connection, &params.invoke_id);
        Ok(acknowledged(if is_expected { Heard::Accepted } else { Heard::Ignored }))
    }

    /// This gateway queues no work for nodes that are away, so there is never any.
    pub async fn pending_pull(&self, state: &AppState) -> Result<Value, Refusal> {
        self.must_be_approved(state, Work::Invocation).await?;
        Ok(json!({"nodeId": self.node_id, "actions": []}))
    }

    pub async fn pending_ack(&self, state: &AppState, params: PendingAckParams) -> Result<Value, Refusal> {
        self.must_be_approved(state, Work::Invocation).await?;
        Ok(json!({"nodeId": self.node_id, "ackedIds": params.ids, "remainingCount": 0}))
    }

    pub async fn pending_drain(&self, state: &AppState) -> Result<Value, Refusal> {
        self.must_be_approved(state, Work::PendingWork).await?;
        Ok(json!({"nodeId": self.node_id, "revision": 0, "items": [], "hasMore": false}))
    }

    pub fn plugin_tools(&self, params: PluginToolsParams) -> Value {
        let tools: Vec<Value> = params.tools.into_iter().take(MAX_PLUGIN_TOOLS).collect();
        self.live.said().plugin_tools.clone_from(&tools);
        json!({"nodeId": self.node_id, "tools": tools})
    }

    /// This gateway has no agents that could use them; the node is told what arrived.
    pub fn skills(&self, params: &SkillsParams) -> Value {
        json!({"nodeId": self.node_id, "skills": params.skills})
    }

    /// There are no workers here; who watches nodes is told that this one is ready.
    pub async fn runner_inventory(&self, state: &AppState) -> Result<Value, Refusal> {
        let device = state.store.find_device(self.node_id).await.map_err(|error| error.refusal())?;
        let waiting = device.as_ref().and_then(|device| device.pending_surface.as_ref());
        match (device.as_ref().and_then(|device| device.surface.as_ref()), waiting) {
            (Some(_), _) => {}
            (None, Some(pending)) => {
                let request_id = pending.request_id.clone();
                return Err(Refusal::Node(NodeRefusal::AwaitsApproval { request_id }));
            }
            (None, None) => return Err(Refusal::Node(NodeRefusal::NotApproved { what: Work::Invocation })),
        }
        let news = json!({"nodeId": self.node_id});
        state.registry.broadcast(Event::NodeRunnerInventoryChanged, Some(&news), None::<&()>);
        Ok(news)
    }

    pub fn plugin_surface(params: PluginSurfaceParams) -> Result<Value, Refusal> {
        Err(Refusal::Node(NodeRefusal::PluginSurfaceUnavailable { surface: params.surface }))
    }

    fn must_be(&self, node_id: &str) -> Result<(), Refusal> {
        if node_id == self.node_id.as_str() { Ok(()) } else { Err(Refusal::Node(NodeRefusal::IdMismatch)) }
    }

    async fn must_be_approved(&self, state: &AppState, what: Work) -> Result<(), Refusal> {
        let device = state.store.find_device(self.node_id).await.map_err(|error| error.refusal())?;
        let is_approved =
            device.is_some_and(|device| device.live_token(Role::Node).is_some() && device.surface.is_some());
        if is_approved { Ok(()) } else { Err(Refusal::Node(NodeRefusal::NotApproved { what })) }
    }
}

/// Nodes write `null` where they have nothing to say.
pub fn read_result(method: Method, mut params: Option<Value>) -> Result<InvokeResultParams, Refusal> {
    if let Some(fields) = params.as_mut().and_then(Value::as_object_mut) {
        fields.retain(|name, value| !(value.is_null() && matches!(name.as_str(), "payloadJSON" | "error")));
    }
    method.read_params(params)
}

fn acknowledged(heard: Heard) -> Value {
    match heard {
        Heard::Accepted => json!({"ok": true}),
        Heard::Ignored => json!({"ok": true, "ignored": true}),
    }
}
