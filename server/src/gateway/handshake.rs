//! From a silent socket to a session: challenge, `connect`, verdict, hello (wire.md §2–4).

use std::sync::Arc;
use std::time::Duration;

use access::admission::{Blocked, BootstrapProof};
use access::pairing::Device;
use access::{VerifiedDevice, identity};
use futures_channel::mpsc;
use futures_util::FutureExt;
use http::{HeaderMap, header};
use protocol::doctor::Header;
use protocol::event::Event;
use protocol::frame::{EventFrame, FrameError};
use protocol::handshake::Challenge;
use protocol::{CAP_PAIRING_WAIT, Close, Connect, Refusal, Request};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::admit::{self, Admitted};
use super::connection::{Connection, Introduction, Outgoing, Particulars};
use super::limits::{Source, UnauthenticatedSocket};
use super::nodes::{self, LiveNode};
use super::socket::{Inbound, Socket};
use super::{attempts, credentials, hello, session};
use crate::http::peer::{Arrived, Ingress, Peer};
use crate::state::AppState;

/// How many frames may pile up behind `connect` before the hello (wire.md §1.4).
pub const MAX_PENDING_FRAMES: usize = 15;

/// The longest origin that is looked at: a scheme, the longest host name, a port.
const MAX_ORIGIN: usize = 300;

/// A socket that has just opened.
pub struct Arrival {
    pub ingress: Ingress,
    /// The Origin header: the page that opened the socket.
    pub page: Option<String>,
    /// The headers by which proxies speak.
    pub forwarded: Vec<Header>,
    arrived: Box<Arrived>,
    /// Taken until the handshake is over.
    _place: Option<UnauthenticatedSocket>,
}

impl Arrival {
    pub fn new(ingress: Ingress, peer: Peer, headers: &HeaderMap, place: Option<UnauthenticatedSocket>) -> Self {
        // An Origin that is not even text is an Origin all the same.
        let page = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null"));
        // No origin is this long; one that claims to be is as good as none.
        let page = page.map(|page| if page.len() > MAX_ORIGIN { "null" } else { page }.to_owned());
        let arrived = Box::new(Arrived::new(peer, headers));
        Self { ingress, page, forwarded: attempts::kept(headers), arrived, _place: place }
    }

    /// The Host header.
    pub fn host(&self) -> Option<&str> {
        self.arrived.host()
    }

    /// Whom a wrong secret is counted against.
    pub fn source(&self) -> Source {
        Source::new(self.ingress.attribution.client, self.page.as_deref())
    }
}

/// A connection that was let in, with what its session needs.
pub struct Entered<S> {
    connection: Arc<Connection>,
    queue: mpsc::UnboundedReceiver<Outgoing>,
    socket: Socket<S>,
    /// What the client sent before its hello.
    backlog: Vec<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Entered<S> {
    /// Serves the connection until it ends.
    pub async fn serve(self, state: &AppState) {
        let Self { connection, queue, socket, backlog } = self;
        session::run(state, &connection, queue, socket, backlog).await;
        // Whatever still runs for this connection ends with it.
        connection.close(Close::silent(1005));
        state.registry.remove(&connection);
        nodes::left(state, &connection);
        tracing::info!(conn.id = %connection.id, "Disconnected");
    }
}

/// Greets a socket and decides about it. `None` when the client was refused or went away.
pub async fn enter<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    arrival: Arrival,
    mut socket: Socket<S>,
) -> Option<Entered<S>> {
    let connection_id = Uuid::new_v4().to_string();
    let challenge = Challenge { nonce: Uuid::new_v4().to_string(), ts: state.clock.now_ms() };
    let greeting = EventFrame::new(Event::ConnectChallenge.name(), json!(challenge), None);
    socket.send_json(&greeting).await.ok()?;
    let (request, connect) = match read_connect(state, &mut socket).await {
        Ok(connect) => connect,
        Err(refused) => {
            let (id, refusal) = refused?;
            log_refusal(&connection_id, &arrival, None, &refusal);
            attempts::note_refusal(state, &arrival, None, &refusal);
            socket.refuse(id.as_deref(), &refusal).await;
            return None;
        }
    };
    let (revocations, expulsions) = (state.registry.revocations(), state.registry.expulsions());
    let (device, admitted) = match decide(state, &arrival, &connect, &challenge.nonce, &mut socket).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let refusal = refusal?;
            log_refusal(&connection_id, &arrival, Some(&connect), &refusal);
            attempts::note_refusal(state, &arrival, Some(&connect), &refusal);
            tokio::time::sleep(credentials::note_failure(state, &arrival, &refusal)).await;
            socket.refuse(Some(&request), &refusal).await;
            return None;
        }
    };
    let backlog = match backlog(&mut socket) {
        Ok(backlog) => backlog,
        Err(refusal) => {
            socket.refuse(None, &refusal?).await;
            return None;
        }
    };
    socket.trust();
    let hello = hello::compose(state, &connection_id, &admitted);
    let hello = session::success(&request, &serde_json::to_string(&hello).ok()?);
    let Admitted { grant, paired, pending_request } = admitted;
    let device_id = device.map(|device| device.id().clone());
    let peer = arrival.ingress.peer();
    let particulars = Particulars {
        node: LiveNode::of(&connect, grant.role).map(Box::new),
        is_owner: arrival.ingress.is_owner,
        is_extended: connect.has_cap(CAP_PAIRING_WAIT),
        pending_request,
        introduction: Introduction {
            client: connect.client,
            user_agent: connect.user_agent,
            attribution: arrival.ingress.attribution,
            is_encrypted: arrival.ingress.is_encrypted,
            page: arrival.page,
            arrived: Some(arrival.arrived),
            connected_at_ms: state.clock.now_ms(),
        },
    };
    let (connection, queue) = Connection::new(connection_id, &grant, device_id, particulars);
    // Registered first, so that a revocation from now on finds it; the hello is first in its queue.
    connection.send(hello);
    state.registry.add(Arc::clone(&connection));
    if state.registry.revocations() != revocations && !still_holds(state, &connection, paired.as_ref()).await {
        connection.close(Close::device_removed());
    }
    if state.registry.expulsions() != expulsions && !connection.is_owner {
        connection.close(Close::auth_changed());
    }
    log_admission(&connection);
    attempts::note_admission(state, &connection, peer, arrival.forwarded);
    Some(Entered { connection, queue, socket, backlog })
}

/// Checks the device's proof and asks for the verdict.
async fn decide<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    arrival: &Arrival,
    connect: &Connect,
    nonce: &str,
    socket: &mut Socket<S>,
) -> Result<(Option<VerifiedDevice>, Admitted), Option<Refusal>> {
    admit::check_surroundings(&state.config(), arrival, connect)?;
    let device = identity::verify(connect, nonce, state.clock.now_ms())?;
    let address = arrival.ingress.attribution.client.to_string();
    let blocked = match &device {
        Some(device) => state.store.find_block(device.id(), &address).await.map_err(|error| error.refusal())?,
        None => Blocked::No,
    };
    // Whoever stays out does not take a one-time code with it.
    let bootstrap = match blocked {
        Blocked::No => credentials::look_up_code(state, arrival, connect, device.as_ref()).await?,
        Blocked::Device | Blocked::Address => BootstrapProof::NotGiven,
    };
    let candidate = admit::Candidate {
        arrival,
        connect,
        device: device.as_ref(),
        shared_secret: credentials::compare_shared_secret(state, arrival, connect),
        bootstrap,
        blocked,
    };
    let admitted = admit::admit(state, &candidate, socket).await?;
    Ok((device, admitted))
}

/// Reads the one request that a stranger may send. `None` when the other end went away.
async fn read_connect<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    socket: &mut Socket<S>,
) -> Result<(String, Connect), Option<(Option<String>, Refusal)>> {
    let silence = Duration::from_millis(state.config().handshake_timeout_ms);
    let first = async {
        loop {
            match socket.receive().await {
                Inbound::Text(text) => return Ok(text),
                Inbound::Ping | Inbound::Pong => {}
                Inbound::TooLarge => return Err(Some((None, Refusal::FrameTooLarge))),
                Inbound::Gone => return Err(None),
            }
        }
    };
    let text = tokio::select! {
        text = first => text?,
        () = tokio::time::sleep(silence) => return Err(Some((None, Refusal::HandshakeTimeout))),
        () = state.stopping.cancelled() => return Err(Some((None, Refusal::GatewayStopping))),
    };
    let request = Request::parse(&text).map_err(|error| {
        let refusal = match error {
            FrameError::NotJson => Refusal::NotJson,
            FrameError::Invalid { .. } => Refusal::NotARequest,
        };
        Some((None, refusal))
    })?;
    let refuse = |refusal| Some((Some(request.id.clone()), refusal));
    if request.method != "connect" {
        return Err(refuse(Refusal::ConnectExpected));
    }
    let params = request.params.unwrap_or_default();
    if Connect::claims_worker(&params) {
        return Err(refuse(Refusal::WorkerUnsupported));
    }
    match Connect::parse(&params) {
        Ok(connect) => Ok((request.id, connect)),
        Err(problems) => Err(refuse(Refusal::ConnectInvalid { problems })),
    }
}

/// What the client has sent behind its `connect`, without waiting for more.
fn backlog<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) -> Result<Vec<String>, Option<Refusal>> {
    // What was sent behind `connect` has room of its own, however large `connect` was.
    socket.allow_one_more_frame();
    let mut backlog = Vec::new();
    while let Some(inbound) = socket.receive().now_or_never() {
        match inbound {
            Inbound::Text(text) => backlog.push(text),
            Inbound::Ping | Inbound::Pong => {}
            Inbound::TooLarge => return Err(Some(Refusal::FrameTooLarge)),
            Inbound::Gone => return Err(None),
        }
        if backlog.len() >= MAX_PENDING_FRAMES {
            return Err(Some(Refusal::TooManyPendingFrames));
        }
    }
    Ok(backlog)
}

/// Whether the store still says what a device was let in by.
async fn still_holds(state: &AppState, connection: &Connection, admitted: Option<&Device>) -> bool {
    let Some(device_id) = &connection.device_id else {
        return true;
    };
    let generation = |device: &Device| device.live_token(connection.role).map(|token| token.generation.clone());
    if admitted.is_some_and(|device| generation(device).is_none()) {
        // It was revoked while it came in.
        return false;
    }
    let address = connection.introduction.attribution.client.to_string();
    match (state.store.find_device(device_id).await, state.store.find_block(device_id, &address).await) {
        (Ok(_), Ok(Blocked::Device)) => false,
        (Ok(current), Ok(Blocked::No | Blocked::Address)) => {
            let allows = |device: &Device| device.scopes.allow_all(connection.role, &connection.scopes);
            // Some programs of this machine may more than their device.
            let is_narrowed = admitted.is_some_and(allows) && !current.as_ref().is_some_and(allows);
            current.as_ref().and_then(generation) == admitted.and_then(generation) && !is_narrowed
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "The pairing store failed");
            false
        }
    }
}

fn log_refusal(connection_id: &str, arrival: &Arrival, connect: Option<&Connect>, refusal: &Refusal) {
    if matches!(refusal, Refusal::PairingStillRequired { .. }) {
        // It was said when this node host asked first, and it comes back at once.
        return tracing::debug!(conn.id = connection_id, "An official node host goes on waiting");
    }
    let code = refusal.detail_code().unwrap_or(refusal.code());
    let attribution = &arrival.ingress.attribution;
    tracing::info!(
        conn.id = connection_id,
        peer.address = %attribution.client,
        peer.resolved = attribution.resolved(),
        client.id = connect.map(|connect| connect.client.id.as_str()),
        device.id = connect.and_then(|connect| connect.device.as_ref()).and_then(|device| device.id.get(..8)),
        refusal.code = code,
        "Refused: {}",
        refusal.advice().sentence
    );
}

fn log_admission(connection: &Connection) {
    let Introduction { client, attribution, .. } = &connection.introduction;
    tracing::info!(
        conn.id = %connection.id,
        peer.address = %attribution.client,
        peer.resolved = attribution.resolved(),
        client.id = client.id,
        device.id = connection.device_id.as_ref().and_then(|id| id.as_str().get(..8)),
        role = %connection.role,
        "Connected"
    );
}
