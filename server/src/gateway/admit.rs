//! Gathers the facts about a client, asks [`access::decide`], and carries the verdict out.

use std::time::Instant;

use access::admission::{Blocked, BootstrapProof, Facts, SharedSecret, Verdict, Waiting};
use access::locality::Ingress as Way;
use access::origin::{self, PageFacts};
use access::pairing::{Device, DevicePairing, PairingEvent};
use access::{Attribution, Grant, VerifiedDevice, metadata};
use protocol::pairing::ApprovedVia;
use protocol::refusal::PairingRequired;
use protocol::{CAP_PAIRING_WAIT, Connect, Refusal, Role};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::handshake::Arrival;
use super::registry::Wake;
use super::socket::Socket;
use super::{attempts, credentials, effects, nodes, superseding, waiting};
use crate::config::Config;
use crate::http::control_ui::build_id;
use crate::state::AppState;
use crate::store::{BlockedBy, Seen};

/// A client that said `connect` and proved what it could.
pub struct Candidate<'a> {
    pub arrival: &'a Arrival,
    pub connect: &'a Connect,
    pub device: Option<&'a VerifiedDevice>,
    pub shared_secret: SharedSecret,
    pub bootstrap: BootstrapProof,
    pub blocked: Blocked,
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
    let page = page_facts(&arrival.ingress.attribution, arrival.page.as_deref(), arrival.host());
    origin::check(page, &config.policy.origins)
}

/// What a request says about the page it comes from, and what we know of its way.
pub fn page_facts<'a>(attribution: &Attribution, page: Option<&'a str>, host: Option<&'a str>) -> PageFacts<'a> {
    PageFacts {
        origin: page,
        host,
        is_direct_local: attribution.is_direct_local(),
        is_behind_trusted_proxy: matches!(attribution.ingress, Way::TrustedProxy { .. }),
    }
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
    let Candidate { arrival, connect, device, shared_secret, bootstrap, blocked } = *candidate;
    // Listen before anything is stored, so that no decision slips by.
    let may_wait = connect.has_cap(CAP_PAIRING_WAIT) || waiting::is_official_node_host(connect);
    let decisions = device.filter(|_| may_wait).map(|device| state.registry.wait_for(device.id()));
    let mut paired = match device {
        Some(device) => state.store.find_device(device.id()).await.map_err(|error| error.refusal())?,
        None => None,
    };
    if paired.as_ref().is_some_and(|device| device.runs_out(state.clock.now_ms())) {
        // The clockwork looks once a second; nobody gets in meanwhile.
        paired = apply(state, candidate, PairingEvent::Sweep).await?.paired;
    }
    let facts = Facts {
        connect,
        device,
        is_owner: arrival.ingress.is_owner,
        attribution: &arrival.ingress.attribution,
        is_encrypted: arrival.ingress.is_encrypted,
        page: arrival.page.as_deref(),
        shared_secret,
        device_token: credentials::compare_device_token(state, candidate, paired.as_ref()).await?,
        bootstrap,
        paired: paired.as_ref(),
        blocked,
    };
    let verdict = access::decide(&facts, &state.config().policy);
    if !matches!(verdict, Verdict::Refuse(_)) {
        check_build(candidate)?;
    }
    let lets_in = matches!(verdict, Verdict::Admit(_) | Verdict::Approve { .. });
    if lets_in && matches!(bootstrap, BootstrapProof::Valid(_)) {
        // Also by a device that was paired already: a code works once, whoever uses it.
        credentials::spend_code(state, candidate).await?;
    }
    match verdict {
        Verdict::Refuse(refusal) => {
            note_knock(state, &refusal);
            Err(Some(refusal))
        }
        Verdict::Admit(grant) => Ok(Next::In(Box::new(enter(state, candidate, grant, paired).await?))),
        Verdict::Approve { ask, roles, via, grant } => {
            let event = PairingEvent::Grant {
                issuer: credentials::issuer(state, connect, grant.method),
                generation: Uuid::new_v4().to_string(),
                via,
                roles,
                ask,
            };
            let paired = apply(state, candidate, event).await?.paired;
            if let (ApprovedVia::Silent, Some(newest)) = (via, device) {
                superseding::forget_older(state, newest.id()).await;
            }
            Ok(Next::In(Box::new(enter(state, candidate, grant, paired).await?)))
        }
        Verdict::Pair(asked) => pair(state, candidate, *asked, decisions, socket).await,
    }
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
        let decided = if candidate.connect.has_cap(CAP_PAIRING_WAIT) {
            attempts::note_waiting(state, candidate.arrival, candidate.connect, &pending.request_id);
            Some(waiting::hold(state, &pending, decisions, socket).await)
        } else if pending.refreshed_at_ms.is_some() {
            // The first time it is sent away, because that makes it say to its user what it waits for.
            Some(waiting::hold_silently(state, &pending, decisions, socket).await)
        } else {
            None
        };
        if let Some(decided) = decided {
            return decided.map(|at| Next::Again { at });
        }
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
        if grant.role == Role::Node
            && let Some(device) = paired.take()
        {
            paired = Some(nodes::declare(state, candidate.connect, device).await?);
        }
        note_seen(state, candidate, &grant);
    } else {
        paired = None;
    }
    credentials::announce_setup(state, candidate).await?;
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
    let is_ours =
        page_host.zip(arrival.host()).is_some_and(|(page, host)| page.trim_end_matches('/').eq_ignore_ascii_case(host));
    let is_current = connect.client.build_id.as_deref().is_some_and(|id| id == build_id() || id == "dev");
    if connect.is_control_ui() && is_ours && !is_current {
        return Err(Refusal::ControlUiOutdated { gateway_build_id: build_id().to_owned() });
    }
    Ok(())
}

/// Counts those that are blocked; nobody is shown what they ask.
fn note_knock(state: &AppState, refusal: &Refusal) {
    if let Refusal::Block(refusal) = refusal
        && let Some(who) = BlockedBy::in_refusal(refusal)
    {
        state.knocks.add(who, state.clock.now_ms());
    }
}

fn note_seen(state: &AppState, candidate: &Candidate<'_>, grant: &Grant) {
    let Some(device) = candidate.device else {
        return;
    };
    let client = &candidate.connect.client;
    let (platform, device_family) = metadata::described(client);
    let now_ms = state.clock.now_ms();
    state.seen.add(Seen {
        display_name: client.display_name.clone(),
        platform: Some(platform),
        device_family,
        address: Some(candidate.arrival.ingress.attribution.client.to_string()),
        node_connected_at_ms: (grant.role == Role::Node).then_some(now_ms),
        ..Seen::new(device.id().clone(), grant.role, now_ms, "connect")
    });
}
