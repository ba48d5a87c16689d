//! The live connections, and the sockets that are held for a person's decision.
//!
//! **Invariant:** the lock is never held across an await. A connection whose `closing` is set serves no
//! further request, even if its socket is slow to go.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use access::Grant;
use access::pairing::Dropped;
use protocol::event::Event;
use protocol::handshake::{AuthMethod, Client, StateVersion};
use protocol::{Close, DeviceId, MAX_BUFFERED_BYTES, Role, Scopes};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::nodes::LiveNode;

/// How many calls of one connection may take their time beside the others.
const MAX_SLOW_CALLS: usize = 64;

/// Who is at the other end, in its own words and in ours.
#[derive(Debug, Clone, Default)]
pub struct Introduction {
    pub client: Client,
    /// Absent for this machine itself.
    pub remote_ip: Option<String>,
    /// Unix epoch milliseconds.
    pub connected_at_ms: u64,
}

/// An authenticated connection as others see it.
#[derive(Debug)]
pub struct Connection {
    pub id: String,
    pub introduction: Introduction,
    /// Only for nodes.
    pub node: Option<Box<LiveNode>>,
    pub role: Role,
    pub scopes: Scopes,
    pub method: AuthMethod,
    pub device_id: Option<DeviceId>,
    pub is_owner: bool,
    /// Whether it understands our extensions.
    pub is_extended: bool,
    /// The request that asks for more than it was let in with.
    pub pending_request: Option<String>,
    outbox: mpsc::UnboundedSender<Outgoing>,
    queued_bytes: AtomicUsize,
    next_seq: AtomicU64,
    closing: OnceLock<Close>,
    ended: CancellationToken,
    slow_calls: AtomicUsize,
}

/// A message on its way out.
#[derive(Debug)]
pub enum Outgoing {
    Text(String),
    /// What many are told. The text is shared, and put into a frame only when it is written.
    Announcement {
        event: Event,
        payload: Arc<str>,
        seq: u64,
        versions: Option<StateVersion>,
    },
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Announcement { payload, .. } => payload.len(),
        }
    }

    /// The frame.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Announcement { event, payload, seq, versions } => {
                let name = event.name();
                let versions = versions
                    .map(|of| format!(r#","stateVersion":{{"presence":{},"health":{}}}"#, of.presence, of.health))
                    .unwrap_or_default();
                Cow::Owned(format!(r#"{{"type":"event","event":"{name}","payload":{payload},"seq":{seq}{versions}}}"#))
            }
        }
    }
}

/// One of the calls that take their time; dropping it makes room.
#[derive(Debug)]
pub struct SlowCall(Arc<Connection>);

impl Drop for SlowCall {
    fn drop(&mut self) {
        self.0.slow_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// A connection and the end of its outbox that its session empties.
    pub fn new(
        id: String,
        grant: &Grant,
        device_id: Option<DeviceId>,
        particulars: Particulars,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Outgoing>) {
        let Particulars { introduction, node, is_owner, is_extended, pending_request } = particulars;
        let (outbox, queue) = mpsc::unbounded_channel();
        let connection = Self {
            id,
            introduction,
            node,
            role: grant.role,
            scopes: grant.scopes.clone(),
            method: grant.method,
            device_id,
            is_owner,
            is_extended,
            pending_request,
            outbox,
            queued_bytes: AtomicUsize::new(0),
            next_seq: AtomicU64::new(1),
            closing: OnceLock::new(),
            ended: CancellationToken::new(),
            slow_calls: AtomicUsize::new(0),
        };
        (Arc::new(connection), queue)
    }

    /// The node that it is a connection of.
    pub fn node_id(&self) -> Option<&DeviceId> {
        self.node.as_ref()?;
        self.device_id.as_ref()
    }

    /// Queues a message.
    pub fn send(&self, text: String) {
        self.queue(Outgoing::Text(text));
    }

    /// A reader that lets too much pile up is closed.
    fn queue(&self, outgoing: Outgoing) {
        let bytes = outgoing.bytes();
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_BUFFERED_BYTES {
            self.close(Close::slow_consumer());
        } else {
            // The session has ended when nobody takes messages any more.
            let _ = self.outbox.send(outgoing);
        }
    }

    /// To be called when a queued message has been written.
    pub fn written(&self, outgoing: &Outgoing) {
        self.queued_bytes.fetch_sub(outgoing.bytes(), Ordering::Relaxed);
    }

    /// Ends the connection at once. The first reason counts.
    pub fn close(&self, close: Close) {
        if self.closing.set(close).is_ok() {
            self.ended.cancel();
        }
    }

    pub fn closing(&self) -> Option<&Close> {
        self.closing.get()
    }

    /// Waits until somebody closes the connection.
    pub async fn closed(&self) -> Close {
        self.ended.cancelled().await;
        self.closing.get().cloned().unwrap_or_else(|| Close::silent(1005))
    }

    /// Room for a call that takes its time, if there is any.
    pub fn begin_slow_call(self: &Arc<Self>) -> Option<SlowCall> {
        let taken = self.slow_calls.fetch_add(1, Ordering::Relaxed);
        let call = SlowCall(Arc::clone(self));
        (taken < MAX_SLOW_CALLS).then_some(call)
    }

    /// Tells this connection alone; such an event carries no `seq` (wire.md §8.1).
    pub fn tell(&self, event: Event, payload: &impl Serialize) {
        if let Some(payload) = to_json(payload) {
            self.send(format!(r#"{{"type":"event","event":"{}","payload":{payload}}}"#, event.name()));
        }
    }

    fn announce(&self, event: Event, payload: &Arc<str>, versions: Option<StateVersion>) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        self.queue(Outgoing::Announcement { event, payload: Arc::clone(payload), seq, versions });
    }
}

/// What a connection is besides its grant.
#[derive(Debug, Default)]
pub struct Particulars {
    pub introduction: Introduction,
    pub node: Option<Box<LiveNode>>,
    pub is_owner: bool,
    pub is_extended: bool,
    pub pending_request: Option<String>,
}

/// What a held socket hears.
#[derive(Debug, Clone)]
pub enum Wake {
    /// Somebody said yes, at this moment.
    Approved {
        at: Instant,
    },
    Rejected,
    Dropped(Dropped),
}

/// All of them.
#[derive(Debug, Default)]
pub struct Registry {
    inner: Mutex<Inner>,
    /// How often devices were thrown out. Whoever was let in on the word of the store compares it before
    /// and after, because a revocation in between has not found the new connection yet.
    revocations: AtomicU64,
    /// Somebody has come or gone.
    presence_changed: Notify,
    presence_version: AtomicU64,
    health_version: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<String, Arc<Connection>>,
    /// The same, for nodes: the newest last.
    nodes: HashMap<DeviceId, Vec<Arc<Connection>>>,
    announced_presence: Arc<Vec<Value>>,
    waiting: HashMap<DeviceId, Vec<mpsc::UnboundedSender<(String, Wake)>>>,
}

impl Registry {
    pub fn add(&self, connection: Arc<Connection>) {
        let mut inner = self.lock();
        if let Some(node_id) = connection.node_id() {
            inner.nodes.entry(node_id.clone()).or_default().push(Arc::clone(&connection));
        }
        inner.connections.insert(connection.id.clone(), connection);
        drop(inner);
        self.presence_changed.notify_one();
    }

    pub fn remove(&self, connection: &Connection) {
        let mut inner = self.lock();
        inner.connections.remove(&connection.id);
        if let Some(node_id) = connection.node_id()
            && let Some(live) = inner.nodes.get_mut(node_id)
        {
            live.retain(|other| other.id != connection.id);
            if live.is_empty() {
                inner.nodes.remove(node_id);
            }
        }
        drop(inner);
        self.presence_changed.notify_one();
    }

    /// Waits until somebody has come or gone since this was last asked.
    pub async fn presence_changed(&self) {
        self.presence_changed.notified().await;
    }

    /// The newest connection of a node (wire.md §9.3).
    pub fn node(&self, node_id: &DeviceId) -> Option<Arc<Connection>> {
        self.lock().nodes.get(node_id)?.last().cloned()
    }

    /// Tells a node, on all its connections.
    pub fn tell_node(&self, node_id: &DeviceId, event: Event, payload: &impl Serialize) {
        for connection in self.lock().nodes.get(node_id).into_iter().flatten() {
            connection.tell(event, payload);
        }
    }

    /// All of them, for a look.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        self.lock().connections.values().cloned().collect()
    }

    pub fn state_version(&self) -> StateVersion {
        let read = |version: &AtomicU64| version.load(Ordering::SeqCst);
        StateVersion { presence: read(&self.presence_version), health: read(&self.health_version) }
    }

    /// Tells everyone who may hear it who is here now.
    pub fn broadcast_presence(&self, list: Vec<Value>) {
        self.presence_version.fetch_add(1, Ordering::SeqCst);
        let list = Arc::new(list);
        self.lock().announced_presence = Arc::clone(&list);
        self.broadcast_version(Event::Presence, &json!({"presence": list}));
    }

    /// The list that was announced last. Whoever connects gets this one, and hears of what has changed
    /// since like everyone else.
    pub fn announced_presence(&self) -> Arc<Vec<Value>> {
        Arc::clone(&self.lock().announced_presence)
    }

    /// Tells everyone how the gateway is.
    pub fn broadcast_health(&self, payload: &impl Serialize) {
        self.health_version.fetch_add(1, Ordering::SeqCst);
        self.broadcast_version(Event::Health, payload);
    }

    fn broadcast_version(&self, event: Event, payload: &impl Serialize) {
        let Some(payload) = to_json(payload) else {
            return;
        };
        let versions = self.state_version();
        for connection in self.lock().connections.values().filter(|c| event.reaches(c.role, &c.scopes)) {
            connection.announce(event, &payload, Some(versions));
        }
    }

    pub fn count(&self) -> usize {
        self.lock().connections.len()
    }

    pub fn connected_devices(&self) -> std::collections::HashSet<DeviceId> {
        self.lock().connections.values().filter_map(|connection| connection.device_id.clone()).collect()
    }

    /// Tells everyone who may hear it. `extended` replaces the payload for clients of ours; without
    /// `official` only those hear it. The result is how many were told.
    pub fn broadcast(
        &self,
        event: Event,
        official: Option<&impl Serialize>,
        extended: Option<&impl Serialize>,
    ) -> usize {
        let official = official.and_then(to_json);
        let extended = extended.and_then(to_json).or_else(|| official.clone());
        let inner = self.lock();
        let listeners = inner.connections.values().filter(|c| event.reaches(c.role, &c.scopes));
        let mut told = 0;
        for connection in listeners {
            let payload = if connection.is_extended { &extended } else { &official };
            if let Some(payload) = payload {
                connection.announce(event, payload, None);
                told += 1;
            }
        }
        told
    }

    pub fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::SeqCst)
    }

    /// Closes a device's connections; with a role, only those in that role. Official clients know one
    /// reason only; ours hear `ours`.
    pub fn throw_out(&self, device_id: &DeviceId, role: Option<Role>, ours: &Close) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        let is_meant = |connection: &Connection| {
            connection.device_id.as_ref() == Some(device_id) && role.is_none_or(|role| connection.role == role)
        };
        self.close_where(ours, |connection| connection.is_extended && is_meant(connection));
        self.close_where(&Close::device_removed(), |connection| !connection.is_extended && is_meant(connection));
    }

    /// Closes those that asked for more than they had, now that it was decided.
    pub fn close_upgraded(&self, request_id: &str) {
        self.close_where(&Close::scopes_changed(), |c| c.pending_request.as_deref() == Some(request_id));
    }

    pub fn close_where(&self, close: &Close, applies: impl Fn(&Connection) -> bool) {
        for connection in self.lock().connections.values().filter(|connection| applies(connection)) {
            connection.close(close.clone());
        }
    }

    /// Hears what becomes of a device's request. Ask for this before the request is stored, or the answer
    /// may be missed.
    pub fn wait_for(&self, device_id: &DeviceId) -> mpsc::UnboundedReceiver<(String, Wake)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.lock();
        inner.waiting.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        inner.waiting.entry(device_id.clone()).or_default().push(sender);
        receiver
    }

    pub fn wake(&self, device_id: &DeviceId, request_id: &str, wake: &Wake) {
        for sender in self.lock().waiting.get(device_id).into_iter().flatten() {
            // A socket that is gone needs no answer.
            let _ = sender.send((request_id.to_owned(), wake.clone()));
        }
    }

    /// A poisoned lock only means that another task panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_json(value: &impl Serialize) -> Option<Arc<str>> {
    let text = serde_json::to_string(value);
    text.inspect_err(|error| tracing::error!(%error, "An event cannot be written")).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(
        registry: &Registry,
        id: &str,
        scopes: &[&str],
        is_extended: bool,
    ) -> (Arc<Connection>, mpsc::UnboundedReceiver<Outgoing>) {
        let grant = Grant {
            role: Role::Operator,
            scopes: scopes.iter().copied().collect(),
            method: AuthMethod::Token,
            issues_device_token: false,
            issues_token_also_for: None,
            pending: None,
        };
        let particulars = Particulars { is_extended, ..Particulars::default() };
        let (connection, queue) = Connection::new(id.to_owned(), &grant, Some(DeviceId::claimed("d")), particulars);
        registry.add(Arc::clone(&connection));
        (connection, queue)
    }

    #[test]
    fn seq_counts_only_what_a_connection_may_hear() {
        let registry = Registry::default();
        let (_a, mut admin) = connect(&registry, "a", &["operator.admin"], false);
        let (_b, mut reader) = connect(&registry, "b", &["operator.read"], false);
        let payload = json!({});
        registry.broadcast(Event::DevicePairChanged, Some(&payload), None::<&()>);
        registry.broadcast(Event::Tick, Some(&payload), None::<&()>);
        assert!(admin.try_recv().unwrap().text().ends_with(r#""seq":1}"#));
        assert!(admin.try_recv().unwrap().text().ends_with(r#""seq":2}"#));
        assert_eq!(reader.try_recv().unwrap().text(), r#"{"type":"event","event":"tick","payload":{},"seq":1}"#);
    }

    #[test]
    fn extensions_reach_only_clients_that_know_them() {
        let registry = Registry::default();
        let (_a, mut official) = connect(&registry, "a", &["operator.pairing"], false);
        let (_b, mut ours) = connect(&registry, "b", &["operator.pairing"], true);
        registry.broadcast(Event::DevicePairRequested, Some(&json!({"a": 1})), Some(&json!({"a": 1, "b": 2})));
        assert!(official.try_recv().unwrap().text().contains(r#"{"a":1}"#));
        assert!(ours.try_recv().unwrap().text().contains(r#"{"a":1,"b":2}"#));
        registry.broadcast(Event::DevicePairChanged, None::<&()>, Some(&json!({})));
        assert!(official.try_recv().is_err());
        assert!(ours.try_recv().is_ok());
    }

    #[tokio::test]
    async fn a_reader_that_lets_too_much_pile_up_is_closed() {
        let registry = Registry::default();
        let (connection, _queue) = connect(&registry, "a", &[], false);
        let large = "x".repeat(MAX_BUFFERED_BYTES / 2);
        connection.send(large.clone());
        connection.send(large);
        assert_eq!(connection.closing(), None);
        connection.send("one more".to_owned());
        assert_eq!(connection.closed().await, Close::slow_consumer());
    }

    #[tokio::test]
    async fn everyone_who_waits_for_a_device_is_woken() {
        let registry = Registry::default();
        let device = DeviceId::claimed("d");
        let (mut first, mut second) = (registry.wait_for(&device), registry.wait_for(&device));
        registry.wake(&device, "r1", &Wake::Rejected);
        for waiter in [&mut first, &mut second] {
            let (request_id, wake) = waiter.recv().await.unwrap();
            assert_eq!(request_id, "r1");
            assert!(matches!(wake, Wake::Rejected));
        }
    }
}
