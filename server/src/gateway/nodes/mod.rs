//! Nodes that are connected: what they said of themselves, and what they are asked to do.

mod declare;
pub mod invoke;
pub mod view;

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::node::{HostStats, Surface};
use protocol::{Connect, DeviceId, Role};
use serde_json::Value;

pub use declare::declare;

use super::connection::Connection;
use crate::state::AppState;
use crate::store::Seen;

/// A node as it is connected now. Nothing of this is worth keeping once it is gone.
#[derive(Debug, Default)]
pub struct LiveNode {
    /// What it declared, all of it. What may be used is decided each time.
    pub declared: Surface,
    /// Where it looks for programs.
    pub path_env: Option<String>,
    said: Mutex<Said>,
}

/// What it said since.
#[derive(Debug, Default, Clone)]
pub struct Said {
    pub host_stats: Option<HostStats>,
    pub plugin_tools: Vec<Value>,
}

impl LiveNode {
    pub fn of(connect: &Connect, role: Role) -> Option<Self> {
        (role == Role::Node).then(|| Self {
            declared: connect.surface(),
            path_env: connect.path_env.clone(),
            said: Mutex::default(),
        })
    }

    pub fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cleans up after a connection that has ended: whoever waits for this node is told, and it is written
/// down when it was last here.
pub fn left(state: &AppState, connection: &Connection) {
    let Some(node_id) = connection.node_id() else {
        return;
    };
    state.invocations.abandon(&connection.id);
    let now_ms = state.clock.now_ms();
    if state.registry.node(node_id).is_none() {
        note(state, node_id, "disconnect", Some(now_ms));
    }
}

/// Writes down a sign of life.
pub fn note(state: &AppState, node_id: &DeviceId, reason: &str, disconnected_at_ms: Option<u64>) {
    state.seen.add(Seen {
        node_disconnected_at_ms: disconnected_at_ms,
        ..Seen::new(node_id.clone(), Role::Node, state.clock.now_ms(), reason)
    });
}
