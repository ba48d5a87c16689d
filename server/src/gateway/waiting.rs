//! Extension: a client of ours that has to wait for a person keeps its socket, and its `connect` is
//! answered when the person has decided (docs/protocol.md, "Waiting on the socket").

use std::time::{Duration, Instant};

use access::pairing::{Dropped, Pending};
use protocol::event::{Event, PairPending};
use protocol::frame::EventFrame;
use protocol::refusal::BlockRefusal;
use protocol::{CAP_PAIRING_WAIT, Connect, PublicKey, Refusal, Role};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::handshake::MAX_PENDING_FRAMES;
use super::registry::Wake;
use super::socket::{Inbound, Socket};
use crate::state::AppState;

/// How often a held socket is pinged, so that proxies keep it and dead ones are found.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// Tells the client what it waits for, and waits. `Ok` carries the moment of the approval; an error
/// without a refusal means that the client went away. Its request stays until it expires.
pub async fn hold<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    pending: &Pending,
    decisions: mpsc::UnboundedReceiver<(String, Wake)>,
    socket: &mut Socket<S>,
) -> Result<Instant, Option<Refusal>> {
    let key = PublicKey::parse(&pending.ask.public_key).ok_or(Refusal::PublicKeyInvalid)?;
    let news = PairPending {
        request_id: pending.request_id.clone(),
        device_id: pending.ask.device_id.clone(),
        reason: pending.ask.reason,
        expires_at_ms: pending.expires_at_ms(),
        now_ms: state.clock.now_ms(),
        fingerprint: key.fingerprint(),
        role: pending.ask.role,
        scopes: pending.ask.scopes.clone(),
    };
    let frame = EventFrame::new(Event::DevicePairPending.name(), serde_json::json!(news), None);
    socket.send_json(&frame).await.map_err(|_| None)?;
    tracing::info!(
        request.id = pending.request_id,
        device.id = pending.ask.device_id.as_str().get(..8),
        peer.address = pending.ask.origin.address,
        "A device waits for approval"
    );
    decision(state, pending, decisions, socket).await
}

/// How long an official node host's connect is held. It gives up after fifteen seconds.
const SILENT_HOLD: Duration = Duration::from_secs(12);

/// Whether this is the official node host, which waits in its own way (docs/protocol.md, "Official node
/// hosts").
pub fn is_official_node_host(connect: &Connect) -> bool {
    connect.client.id == "node-host" && connect.role() == Some(Role::Node) && !connect.has_cap(CAP_PAIRING_WAIT)
}

/// Holds the connect of an official node host, which knows nothing of waiting, for as long as it is patient;
/// then sends it away with words after which it is back at once.
pub async fn hold_silently<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    pending: &Pending,
    decisions: mpsc::UnboundedReceiver<(String, Wake)>,
    socket: &mut Socket<S>,
) -> Result<Instant, Option<Refusal>> {
    let decided = decision(state, pending, decisions, socket);
    tokio::time::timeout(SILENT_HOLD, decided).await.unwrap_or_else(|_| {
        let (reason, request_id) = (pending.ask.reason, pending.request_id.clone());
        Err(Some(Refusal::PairingStillRequired { reason, request_id }))
    })
}

/// Waits for a person's decision about a request, as long as the client is there.
async fn decision<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    pending: &Pending,
    mut decisions: mpsc::UnboundedReceiver<(String, Wake)>,
    socket: &mut Socket<S>,
) -> Result<Instant, Option<Refusal>> {
    socket.allow_one_more_frame();
    let mut pings = tokio::time::interval(PING_INTERVAL);
    pings.tick().await;
    let mut answered = true;
    let mut frames = 0;
    loop {
        tokio::select! {
            Some((request_id, wake)) = decisions.recv() => {
                if request_id == pending.request_id {
                    return outcome(pending, &wake).map_err(Some);
                }
            }
            inbound = socket.receive() => match inbound {
                Inbound::Text(_) => {
                    frames += 1;
                    if frames >= MAX_PENDING_FRAMES {
                        return Err(Some(Refusal::TooManyPendingFrames));
                    }
                }
                Inbound::Pong | Inbound::Ping => answered = true,
                Inbound::TooLarge => return Err(Some(Refusal::FrameTooLarge)),
                Inbound::Gone => return Err(None),
            },
            _ = pings.tick() => {
                if !answered || socket.ping().await.is_err() {
                    return Err(None);
                }
                answered = false;
            }
            () = state.stopping.cancelled() => return Err(Some(Refusal::GatewayStopping)),
        }
    }
}

fn outcome(pending: &Pending, wake: &Wake) -> Result<Instant, Refusal> {
    let request_id = pending.request_id.clone();
    match wake {
        Wake::Approved { at } => Ok(*at),
        Wake::Rejected | Wake::Dropped(Dropped::Removed) => Err(Refusal::PairingRejected { request_id }),
        Wake::Dropped(Dropped::Expired) => Err(Refusal::PairingExpired { request_id }),
        Wake::Dropped(Dropped::Superseded) => Err(Refusal::PairingSuperseded { request_id }),
        Wake::Dropped(Dropped::Blocked) => {
            Err(Refusal::Block(BlockRefusal::Device { device_id: pending.ask.device_id.clone() }))
        }
        Wake::Dropped(Dropped::CrowdedOut) => Err(Refusal::TooManyRequestsWaiting),
    }
}
