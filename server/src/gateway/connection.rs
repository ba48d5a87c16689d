//! One authenticated connection as the rest of the gateway sees it: who it is, and its outbox.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use access::{Attribution, Grant};
use futures_channel::mpsc;
use protocol::event::Event;
use protocol::handshake::{AuthMethod, Client, StateVersion};
use protocol::pairing::Origin;
use protocol::{Close, DeviceId, MAX_BUFFERED_BYTES, Role, Scopes};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::nodes::LiveNode;
use super::step_up;
use crate::http::peer::Arrived;

/// How many calls of one connection may take their time beside the others.
const MAX_SLOW_CALLS: usize = 64;

/// Who is at the other end, in its own words and in ours.
#[derive(Debug, Clone)]
pub struct Introduction {
    pub client: Client,
    pub user_agent: Option<String>,
    pub attribution: Attribution,
    pub is_encrypted: bool,
    /// The Origin header: the page that opened the socket.
    pub page: Option<String>,
    /// What it said when it came; in a box, because most connections are never asked again.
    pub arrived: Option<Box<Arrived>>,
    /// Unix epoch milliseconds.
    pub connected_at_ms: u64,
}

impl Introduction {
    /// Where it is, and how we know.
    pub fn origin(&self) -> Origin {
        self.attribution.origin(self.is_encrypted, self.page.as_deref())
    }
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
    /// What it was asked to prove, and has proved.
    pub step_up: step_up::Open,
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
    Text(Box<str>),
    Announcement(Box<Announcement>),
}

/// What many are told. The text is shared, also while it is written: what is large is never copied whole for
/// each listener.
#[derive(Debug)]
pub struct Announcement {
    event: Event,
    payload: Arc<str>,
    seq: u64,
    versions: Option<StateVersion>,
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Announcement(announcement) => announcement.payload.len(),
        }
    }

    /// The frame, in the pieces it is kept in.
    pub fn pieces(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Text(text) => vec![Cow::Borrowed(text)],
            Self::Announcement(announcement) => announcement.pieces(),
        }
    }
}

impl Announcement {
    fn pieces(&self) -> Vec<Cow<'_, str>> {
        let Self { event, payload, seq, versions } = self;
        let versions = versions
            .map(|of| format!(r#","stateVersion":{{"presence":{},"health":{}}}"#, of.presence, of.health))
            .unwrap_or_default();
        vec![
            Cow::Owned(format!(r#"{{"type":"event","event":"{}","payload":"#, event.name())),
            Cow::Borrowed(payload),
            Cow::Owned(format!(r#","seq":{seq}{versions}}}"#)),
        ]
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
    /// Whether the gateway's secret let it in, so that a new secret ends it.
    pub fn came_by_secret(&self) -> bool {
        matches!(self.method, AuthMethod::Token | AuthMethod::Password)
    }

    /// A connection and the end of its outbox that its session empties.
    pub fn new(
        id: String,
        grant: &Grant,
        device_id: Option<DeviceId>,
        particulars: Particulars,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Outgoing>) {
        let Particulars { introduction, node, is_owner, is_extended, pending_request } = particulars;
        let (outbox, queue) = mpsc::unbounded();
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
            step_up: step_up::Open::default(),
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
        self.queue(Outgoing::Text(text.into_boxed_str()));
    }

    /// A reader that lets too much pile up is closed.
    fn queue(&self, outgoing: Outgoing) {
        let bytes = outgoing.bytes();
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_BUFFERED_BYTES {
            self.close(Close::slow_consumer());
        } else {
            // The session has ended when nobody takes messages any more.
            let _ = self.outbox.unbounded_send(outgoing);
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
    /// One that is being closed hears nothing any more.
    pub fn tell(&self, event: Event, payload: &impl Serialize) {
        if self.closing().is_some() {
            return;
        }
        if let Some(payload) = to_json(payload) {
            self.send(format!(r#"{{"type":"event","event":"{}","payload":{payload}}}"#, event.name()));
        }
    }

    pub(super) fn announce(&self, event: Event, payload: &Arc<str>, versions: Option<StateVersion>) {
        if self.closing().is_some() {
            return;
        }
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        self.queue(Outgoing::Announcement(Box::new(Announcement {
            event,
            payload: Arc::clone(payload),
            seq,
            versions,
        })));
    }
}

/// What a connection is besides its grant.
#[derive(Debug)]
pub struct Particulars {
    pub introduction: Introduction,
    pub node: Option<Box<LiveNode>>,
    pub is_owner: bool,
    pub is_extended: bool,
    pub pending_request: Option<String>,
}

/// A payload as text that many connections can share.
pub(super) fn to_json(value: &impl Serialize) -> Option<Arc<str>> {
    let text = serde_json::to_string(value);
    text.inspect_err(|error| tracing::error!(%error, "An event cannot be written")).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_an_outbox_is_two_words() {
        assert_eq!(size_of::<Outgoing>(), 2 * size_of::<usize>());
    }
}
