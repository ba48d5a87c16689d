//! The live connections, and the sockets that are held for a person's decision.
//!
//! **Invariant:** the lock is never held across an await. A connection whose `closing` is set serves no
//! further request, even if its socket is slow to go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use access::pairing::Dropped;
use protocol::event::Event;
use protocol::handshake::StateVersion;
use protocol::{Close, DeviceId, Role};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use super::connection::{Connection, to_json};

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
    /// How often everyone was thrown out. Whoever was being let in meanwhile is found by it.
    expulsions: AtomicU64,
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

impl Inner {
    /// Those who may hear an event. Who is being closed hears nothing more.
    fn listeners(&self, event: Event) -> impl Iterator<Item = &Arc<Connection>> {
        let hears = move |c: &&Arc<Connection>| c.closing().is_none() && event.reaches(c.role, &c.scopes);
        self.connections.values().filter(hears)
    }
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

    /// The newest connection of a node that is not about to end (wire.md §9.3).
    pub fn node(&self, node_id: &DeviceId) -> Option<Arc<Connection>> {
        let inner = self.lock();
        inner.nodes.get(node_id)?.iter().rev().find(|connection| connection.closing().is_none()).cloned()
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
        let inner = self.lock();
        let versions = self.state_version();
        for connection in inner.listeners(event) {
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
        let mut told = 0;
        for connection in inner.listeners(event) {
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

    /// Sends a device's connections away to come back with less. Whoever is being let in meanwhile is found by the
    /// count of revocations.
    pub fn narrow(&self, device_id: &DeviceId) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.close_where(&Close::scopes_changed(), |connection| connection.device_id.as_ref() == Some(device_id));
    }

    pub fn expulsions(&self) -> u64 {
        self.expulsions.load(Ordering::SeqCst)
    }

    /// Closes every connection but one.
    pub fn throw_everyone_out(&self, except: &str, close: &Close) {
        self.expulsions.fetch_add(1, Ordering::SeqCst);
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.close_where(close, |connection| connection.id != except);
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use access::locality::Ingress;
    use access::{Attribution, Grant};
    use protocol::MAX_BUFFERED_BYTES;
    use protocol::handshake::{AuthMethod, Client};

    use super::super::connection::{Introduction, Outgoing, Particulars};
    use super::*;

    fn connect(
        registry: &Registry,
        id: &str,
        scopes: &[&str],
        is_extended: bool,
    ) -> (Arc<Connection>, futures_channel::mpsc::UnboundedReceiver<Outgoing>) {
        let grant = Grant {
            role: Role::Operator,
            scopes: scopes.iter().copied().collect(),
            method: AuthMethod::Token,
            issues_device_token: false,
            issues_token_also_for: None,
            pending: None,
        };
        let introduction = Introduction {
            client: Client::default(),
            user_agent: None,
            attribution: Attribution { ingress: Ingress::DirectLocal, client: IpAddr::from([127, 0, 0, 1]) },
            is_encrypted: false,
            page: None,
            arrived: None,
            connected_at_ms: 0,
        };
        let (is_owner, pending_request) = (false, None);
        let particulars = Particulars { introduction, node: None, is_owner, is_extended, pending_request };
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
        assert!(admin.try_recv().unwrap().pieces().concat().ends_with(r#""seq":1}"#));
        assert!(admin.try_recv().unwrap().pieces().concat().ends_with(r#""seq":2}"#));
        assert_eq!(
            reader.try_recv().unwrap().pieces().concat(),
            r#"{"type":"event","event":"tick","payload":{},"seq":1}"#
        );
    }

    #[test]
    fn health_is_counted_and_told_to_everyone_who_is_not_being_closed() {
        let registry = Registry::default();
        let (closing, mut closed) = connect(&registry, "a", &["operator.admin"], false);
        let (_b, mut nobody) = connect(&registry, "b", &[], false);
        closing.close(Close::device_removed());
        registry.broadcast_health(&json!({"ok": true}));
        let heard = nobody.try_recv().unwrap();
        let heard = heard.pieces().concat();
        let expected = r#"{"type":"event","event":"health","payload":{"ok":true},"seq":1,"stateVersion":{"presence":0,"health":1}}"#;
        assert_eq!(&*heard, expected);
        assert_eq!(registry.state_version().health, 1);
        assert!(closed.try_recv().is_err());
    }

    #[tokio::test]
    async fn everyone_who_waits_for_a_close_hears_of_it() {
        let registry = Registry::default();
        let (connection, _queue) = connect(&registry, "a", &[], false);
        let both = async { tokio::join!(connection.closed(), connection.closed()) };
        let (closes, ()) = tokio::join!(both, async { connection.close(Close::device_removed()) });
        assert_eq!(closes, (Close::device_removed(), Close::device_removed()));
    }

    #[test]
    fn extensions_reach_only_clients_that_know_them() {
        let registry = Registry::default();
        let (_a, mut official) = connect(&registry, "a", &["operator.pairing"], false);
        let (_b, mut ours) = connect(&registry, "b", &["operator.pairing"], true);
        registry.broadcast(Event::DevicePairRequested, Some(&json!({"a": 1})), Some(&json!({"a": 1, "b": 2})));
        assert!(official.try_recv().unwrap().pieces().concat().contains(r#"{"a":1}"#));
        assert!(ours.try_recv().unwrap().pieces().concat().contains(r#"{"a":1,"b":2}"#));
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
