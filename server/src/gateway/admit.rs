//! Gathers the facts about a client, asks [`access::decide`], and carries the verdict out.

use std::time::Instant;

use access::admission::{Facts, Presented, SharedSecret, Verdict, Waiting};
use access::locality::Ingress as Way;
use access::origin::{self, PageFacts};
use access::pairing::{Ask, Device, DevicePairing, PairingEvent};
use access::{Grant, VerifiedDevice, metadata};
use protocol::pairing::ApprovedVia;
use protocol::refusal::PairingRequired;
use protocol::{CAP_PAIRING_WAIT, Connect, Refusal};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::handshake::Arrival;
use super::registry::Wake;
use super::socket::Socket;
use super::{credentials, effects, waiting};
use crate::config::Config;
use crate::http::control_ui::build_id;
use crate::state::AppState;
use crate::store::Seen;

/// A client that said `connect` and proved what it could.
pub struct Candidate<'a> {
    pub arrival: &'a Arrival,
    pub connect: &'a Connect,
    pub device: Option<&'a VerifiedDevice>,
    pub shared_secret: SharedSecret,
    pub bootstrap: Presented,
}

/// What the session starts with.
pub struct Admitted {
    pub grant: Grant,
    /// The device as stored, if it has a pairing.
    pub paired: Option<Device>,
    pub pending_request: Option<String>,
}

/// What one look at a candidate came to.
enum Next {
    In(Box<Admitted>),
    /// Somebody approved, at this moment; look at the device again.
    Again {
        at: Instant,
    },
}

/// Protocol, role and page, in the order of wire.md §4.1.
pub fn check_surroundings(config: &Config, arrival: &Arrival, connect: &Connect) -> Result<(), Refusal> {
    if !connect.protocol_fits() {
        return Err(Refusal::ProtocolMismatch { min: connect.min_protocol, max: connect.max_protocol });
    }
    if connect.role().is_none() {
        return Err(Refusal::RoleInvalid);
    }
    if arrival.page.is_none() && !connect.is_web_page() {
        return Ok(());
    }
    let page = PageFacts {
        origin: arrival.page.as_deref(),
        host: arrival.host.as_deref(),
        is_direct_local: arrival.ingress.attribution.is_direct_local(),
        is_behind_trusted_proxy: matches!(arrival.ingress.attribution.ingress, Way::TrustedProxy { .. }),
    };
    origin::check(page, &config.policy.origins)
}

/// What a device that got in would ask a person with, were it to ask for more (wire.md §7.2).
pub fn introduce(arrival: &Arrival, connect: &Connect, device: &VerifiedDevice) -> Ask {
    let page = arrival.page.as_deref();
    access::admission::introduce(connect, device, &arrival.ingress.attribution, arrival.ingress.is_encrypted, page)
}

/// Lets a candidate in, holds it until a person has decided, or says why not. An error without a
/// refusal means that it went away.
pub async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    candidate: &Candidate<'_>,
    socket: &mut Socket<S>,
) -> Result<Admitted, Option<Refusal>> {
    let mut approved_at: Option<Instant> = None;
    loop {
        match judge(state, candidate, socket).await? {
            Next::Again { at } => approved_at = Some(at),
            Next::In(admitted) => {
                if let Some(at) = approved_at {
                    let decision_to_hello_us = u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
                    tracing::info!(decision_to_hello_us, "A held device was let in");
                }
                return Ok(*admitted);
            }
        }
    }
}

async fn judge<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    candidate: &Candidate<'_>,
    socket: &mut Socket<S>,
) -> Result<Next, Option<Refusal>> {
    let Candidate { arrival, connect, device, shared_secret, bootstrap } = *candidate;
    // Listen before anything is stored, so that no decision slips by.
    let waits = connect.has_cap(CAP_PAIRING_WAIT);
    let decisions = device.filter(|_| waits).map(|device| state.registry.wait_for(device.id()));
    let paired = match device {
        Some(device) => state.store.find_device(device.id()).await.map_err(|error| error.refusal())?,
        None => None,
    };
    let facts = Facts {
        connect,
        device,
        is_owner: arrival.ingress.is_owner,
        attribution: &arrival.ingress.attribution,
        is_encrypted: arrival.ingress.is_encrypted,
        page: arrival.page.as_deref(),
        shared_secret,
        device_token: credentials::compare_device_token(state, candidate, paired.as_ref()),
        bootstrap,
        paired: paired.as_ref(),
    };
    let verdict = access::decide(&facts, &state.config().policy);
    let is_refused = matches!(verdict, Verdict::Refuse(_));
    if !is_refused {
        check_build(candidate)?;
    }
    if !is_refused && bootstrap == Presented::Valid {
        // Also by a device that was paired already: a link works once, whoever uses it.
        credentials::spend_owner_link(state, connect).await?;
    }
    match verdict {
        Verdict::Refuse(refusal) => Err(Some(refusal)),
        Verdict::Admit(grant) => Ok(Next::In(Box::new(enter(state, candidate, grant, paired).await?))),
        Verdict::Approve { ask, via, grant } => {
            let paired = approve(state, candidate, ask, via, &grant).await?;
            Ok(Next::In(Box::new(enter(state, candidate, grant, paired).await?)))
        }
        Verdict::Pair(asked) => pair(state, candidate, *asked, decisions, socket).await,
    }
}

/// Records what a rule or an owner link approved.
async fn approve(
    state: &AppState,
    candidate: &Candidate<'_>,
    ask: Box<Ask>,
    via: ApprovedVia,
    grant: &Grant,
) -> Result<Option<Device>, Refusal> {
    let event = PairingEvent::Grant {
        issuer: credentials::issuer(state, candidate.connect, grant.method),
        generation: Uuid::new_v4().to_string(),
        via,
        ask,
    };
    Ok(apply(state, candidate, event).await?.paired)
}

/// Writes the request down; holds the socket of a client of ours, and sends others away.
async fn pair<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    candidate: &Candidate<'_>,
    asked: Waiting,
    decisions: Option<mpsc::UnboundedReceiver<(String, Wake)>>,
    socket: &mut Socket<S>,
) -> Result<Next, Option<Refusal>> {
    let event = PairingEvent::Ask { ask: Box::new(asked.ask.clone()), request_id: Uuid::new_v4().to_string() };
    let pending = apply(state, candidate, event).await?.pending.ok_or(Refusal::StoreUnavailable)?;
    if let Some(decisions) = decisions {
        return waiting::hold(state, &pending, decisions, socket).await.map(|at| Next::Again { at });
    }
    Err(Some(Refusal::PairingRequired(Box::new(PairingRequired {
        reason: asked.ask.reason,
        request_id: pending.request_id,
        device_id: asked.ask.device_id,
        role: asked.ask.role,
        scopes: asked.ask.scopes,
        approved: asked.approved,
        wait_then_retry: asked.wait_then_retry,
    }))))
}

/// The last steps of somebody who is let in: a wish for more is written down, the token must fit.
async fn enter(
    state: &AppState,
    candidate: &Candidate<'_>,
    grant: Grant,
    mut paired: Option<Device>,
) -> Result<Admitted, Refusal> {
    credentials::note_success(state, candidate);
    let mut pending_request = None;
    if let Some(ask) = grant.pending.clone() {
        let event = PairingEvent::Ask { ask, request_id: Uuid::new_v4().to_string() };
        pending_request = apply(state, candidate, event).await?.pending.map(|pending| pending.request_id);
    }
    if grant.issues_device_token {
        paired = refresh_token(state, candidate, &grant, paired).await?;
        note_seen(state, candidate, &grant);
    } else {
        paired = None;
    }
    Ok(Admitted { grant, paired, pending_request })
}

/// Replaces a token that does not fit any more (wire.md §6.2, `ensureDeviceToken`).
async fn refresh_token(
    state: &AppState,
    candidate: &Candidate<'_>,
    grant: &Grant,
    paired: Option<Device>,
) -> Result<Option<Device>, Refusal> {
    let fits = paired.as_ref().and_then(|device| device.live_token(grant.role)).is_none_or(|token| {
        token.scopes.allow_all(grant.role, &grant.scopes) && credentials::issuer_lives(state, token.issuer.as_deref())
    });
    if fits {
        return Ok(paired);
    }
    let event = PairingEvent::Reissue {
        role: grant.role,
        scopes: grant.scopes.clone(),
        generation: Uuid::new_v4().to_string(),
        issuer: credentials::issuer(state, candidate.connect, grant.method),
    };
    Ok(apply(state, candidate, event).await?.paired)
}

/// Stores what happened to the candidate's device.
async fn apply(state: &AppState, candidate: &Candidate<'_>, event: PairingEvent) -> Result<DevicePairing, Refusal> {
    let device = candidate.device.ok_or(Refusal::DeviceRequired)?;
    effects::apply(state, device.id(), event).await.map_err(|error| error.refusal())
}

/// A page that an older gateway served must be loaded anew (wire.md §4.3).
fn check_build(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let Candidate { arrival, connect, .. } = candidate;
    let page_host = arrival.page.as_deref().and_then(|page| page.split_once("://")).map(|(_, host)| host);
    let is_ours = page_host
        .zip(arrival.host.as_deref())
        .is_some_and(|(page, host)| page.trim_end_matches('/').eq_ignore_ascii_case(host));
    let is_current = connect.client.build_id.as_deref().is_some_and(|id| id == build_id() || id == "dev");
    if connect.is_control_ui() && is_ours && !is_current {
        return Err(Refusal::ControlUiOutdated { gateway_build_id: build_id().to_owned() });
    }
    Ok(())
}

fn note_seen(state: &AppState, candidate: &Candidate<'_>, grant: &Grant) {
    let Some(device) = candidate.device else {
        return;
    };
    let client = &candidate.connect.client;
    let (platform, device_family) = metadata::described(client);
    state.seen.add(Seen {
        device_id: device.id().clone(),
        role: grant.role,
        at_ms: state.clock.now_ms(),
        display_name: client.display_name.clone(),
        platform,
        device_family,
    });
}
