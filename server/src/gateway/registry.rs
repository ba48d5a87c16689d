//! The live connections, and the sockets that are held for a person's decision.
//!
//! **Invariant:** the lock is never held across an await. A connection whose `closing` is set serves no
//! further request, even if its socket is slow to go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use std::net::IpAddr;

use access::Grant;
use access::pairing::{Ask, Dropped};
use protocol::event::Event;
use protocol::handshake::{AuthMethod, StateVersion};
use protocol::{Close, DeviceId, MAX_BUFFERED_BYTES, Role, Scopes};
use serde::Serialize;
use tokio::sync::{Notify, mpsc};

/// Where a connection comes from, and how its device introduced itself.
#[derive(Debug)]
pub struct Introduction {
    /// The resolved address of the client.
    pub address: IpAddr,
    /// What the device would ask a person with, were it to ask for more.
    pub ask: Option<Box<Ask>>,
}

/// An authenticated connection as others see it.
#[derive(Debug)]
pub struct Connection {
    pub id: String,
    pub role: Role,
    pub scopes: Scopes,
    pub method: AuthMethod,
    pub device_id: Option<DeviceId>,
    pub is_owner: bool,
    /// Whether it understands our extensions.
    pub is_extended: bool,
    /// The request that asks for more than it was let in with.
    pub pending_request: Option<String>,
    pub introduction: Introduction,
    outbox: mpsc::UnboundedSender<Arc<str>>,
    queued_bytes: AtomicUsize,
    next_seq: AtomicU64,
    closing: OnceLock<Close>,
    close_soon: Notify,
}

impl Connection {
    /// A connection and the end of its outbox that its session empties.
    pub fn new(
        id: String,
        grant: &Grant,
        device_id: Option<DeviceId>,
        is_owner: bool,
        is_extended: bool,
        pending_request: Option<String>,
        introduction: Introduction,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Arc<str>>) {
        let (outbox, queue) = mpsc::unbounded_channel();
        let connection = Self {
            id,
            role: grant.role,
            scopes: grant.scopes.clone(),
            method: grant.method,
            device_id,
            is_owner,
            is_extended,
            pending_request,
            introduction,
            outbox,
            queued_bytes: AtomicUsize::new(0),
            next_seq: AtomicU64::new(1),
            closing: OnceLock::new(),
            close_soon: Notify::new(),
        };
        (Arc::new(connection), queue)
    }

    /// Queues a message. A reader that lets too much pile up is closed.
    pub fn send(&self, text: Arc<str>) {
        let queued = self.queued_bytes.fetch_add(text.len(), Ordering::Relaxed) + text.len();
        if queued > MAX_BUFFERED_BYTES {
            self.close(Close::slow_consumer());
        } else {
            // The session has ended when nobody takes messages any more.
            let _ = self.outbox.send(text);
        }
    }

    /// To be called when a queued message has been written.
    pub fn written(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Ends the connection at once. The first reason counts.
    pub fn close(&self, close: Close) {
        if self.closing.set(close).is_ok() {
            self.close_soon.notify_waiters();
        }
    }

    pub fn closing(&self) -> Option<&Close> {
        self.closing.get()
    }

    /// Waits until somebody closes the connection.
    pub async fn closed(&self) -> Close {
        loop {
            // Listening before looking, or a close in between would be missed; several may listen at once.
            let mut closing = std::pin::pin!(self.close_soon.notified());
            closing.as_mut().enable();
            if let Some(close) = self.closing.get() {
                return close.clone();
            }
            closing.await;
        }
    }

    fn announce(&self, event: Event, payload: &str, version: Option<StateVersion>) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let version = version.and_then(|version| to_json(&version));
        let version = version.map(|version| format!(r#","stateVersion":{version}"#)).unwrap_or_default();
        let name = event.name();
        self.send(format!(r#"{{"type":"event","event":"{name}","payload":{payload},"seq":{seq}{version}}}"#).into());
    }
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
    presence_changed: AtomicBool,
    /// How often everyone was told how the gateway is (wire.md §8.1).
    health_version: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<String, Arc<Connection>>,
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
        self.note_presence(&connection);
        self.lock().connections.insert(connection.id.clone(), connection);
    }

    pub fn remove(&self, id: &str) {
        let removed = self.lock().connections.remove(id);
        if let Some(connection) = removed {
            self.note_presence(&connection);
        }
    }

    fn note_presence(&self, connection: &Connection) {
        if connection.device_id.is_some() {
            self.presence_changed.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a device has come or gone since this was last asked.
    pub fn take_presence_change(&self) -> bool {
        self.presence_changed.swap(false, Ordering::Relaxed)
    }

    pub fn count(&self) -> usize {
        self.lock().connections.len()
    }

    pub fn connected_devices(&self) -> std::collections::HashSet<DeviceId> {
        self.lock().connections.values().filter_map(|connection| connection.device_id.clone()).collect()
    }

    /// Which presence and health is the current one; what a hello starts from.
    pub fn state_version(&self) -> StateVersion {
        StateVersion { presence: 0, health: self.health_version.load(Ordering::SeqCst) }
    }

    /// Tells everyone how the gateway is, as the next version.
    pub fn broadcast_health(&self, health: &impl Serialize) {
        let Some(payload) = to_json(health) else { return };
        let inner = self.lock();
        self.health_version.fetch_add(1, Ordering::SeqCst);
        let version = self.state_version();
        for connection in inner.listeners(Event::Health) {
            connection.announce(Event::Health, &payload, Some(version));
        }
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

fn to_json(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).inspect_err(|error| tracing::error!(%error, "An event cannot be written")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn connect(
        registry: &Registry,
        id: &str,
        scopes: &[&str],
        is_extended: bool,
    ) -> (Arc<Connection>, mpsc::UnboundedReceiver<Arc<str>>) {
        let grant = Grant {
            role: Role::Operator,
            scopes: scopes.iter().copied().collect(),
            method: AuthMethod::Token,
            issues_device_token: false,
            pending: None,
        };
        let introduction = Introduction { address: IpAddr::from([127, 0, 0, 1]), ask: None };
        let (connection, queue) = Connection::new(
            id.to_owned(),
            &grant,
            Some(DeviceId::claimed("d")),
            false,
            is_extended,
            None,
            introduction,
        );
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
        assert!(admin.try_recv().unwrap().ends_with(r#""seq":1}"#));
        assert!(admin.try_recv().unwrap().ends_with(r#""seq":2}"#));
        assert_eq!(&*reader.try_recv().unwrap(), r#"{"type":"event","event":"tick","payload":{},"seq":1}"#);
    }

    #[test]
    fn health_is_counted_and_told_to_everyone_who_is_not_being_closed() {
        let registry = Registry::default();
        let (closing, mut closed) = connect(&registry, "a", &["operator.admin"], false);
        let (_b, mut nobody) = connect(&registry, "b", &[], false);
        closing.close(Close::device_removed());
        registry.broadcast_health(&json!({"ok": true}));
        let heard = nobody.try_recv().unwrap();
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
        assert!(official.try_recv().unwrap().contains(r#"{"a":1}"#));
        assert!(ours.try_recv().unwrap().contains(r#"{"a":1,"b":2}"#));
        registry.broadcast(Event::DevicePairChanged, None::<&()>, Some(&json!({})));
        assert!(official.try_recv().is_err());
        assert!(ours.try_recv().is_ok());
    }

    #[tokio::test]
    async fn a_reader_that_lets_too_much_pile_up_is_closed() {
        let registry = Registry::default();
        let (connection, _queue) = connect(&registry, "a", &[], false);
        let large: Arc<str> = "x".repeat(MAX_BUFFERED_BYTES / 2).into();
        connection.send(Arc::clone(&large));
        connection.send(Arc::clone(&large));
        assert_eq!(connection.closing(), None);
        connection.send("one more".into());
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
