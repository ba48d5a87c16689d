//! From a silent socket to a session: challenge, proof, verdict (wire.md §2–4).

use std::time::Duration;

use access::admission::{Facts, Presented, SharedSecret, Verdict};
use access::locality::Ingress as Way;
use access::origin::{self, PageFacts};
use access::pairing::{DevicePairing, PairingEvent};
use access::policy::AuthMode;
use access::{Grant, VerifiedDevice, identity};
use futures_util::FutureExt;
use http::{HeaderMap, header};
use protocol::event::Event;
use protocol::frame::{EventFrame, FrameError};
use protocol::handshake::{Auth, AuthMethod, Challenge};
use protocol::pairing::ApprovedVia;
use protocol::refusal::PairingRequired;
use protocol::{CAP_PAIRING_WAIT, Connect, Refusal, Request, Secret};
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::limits::{Attempt, Source, UnauthenticatedSocket};
use super::registry::Connection;
use super::socket::{Inbound, Socket};
use super::{effects, hello, session, waiting};
use crate::config::Config;
use crate::http::peer::Ingress;
use crate::keys::{hash_code, same_secret};
use crate::state::AppState;
use crate::store::Seen;

/// How many frames may pile up behind `connect` before the hello (wire.md §1.4).
pub const MAX_PENDING_FRAMES: usize = 15;

/// A socket that has just opened.
pub struct Arrival {
    pub ingress: Ingress,
    pub host: Option<String>,
    /// The Origin header: the page that opened the socket.
    pub page: Option<String>,
    place: Option<UnauthenticatedSocket>,
}

impl Arrival {
    pub fn new(ingress: Ingress, headers: &HeaderMap, place: Option<UnauthenticatedSocket>) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // An Origin that is not even text is an Origin all the same.
        let page = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null").to_owned());
        Self { ingress, host: text(header::HOST), page, place }
    }

    fn source(&self) -> Source {
        Source::new(self.ingress.attribution.client, self.page.as_deref())
    }
}

/// A client that said `connect`.
struct Candidate {
    connect: Connect,
    device: Option<VerifiedDevice>,
    shared_secret: SharedSecret,
    bootstrap: Presented,
}

/// Greets a socket, decides about it, and serves it if it is let in.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(state: AppState, mut arrival: Arrival, mut socket: Socket<S>) {
    let connection_id = Uuid::new_v4().to_string();
    let challenge = Challenge { nonce: Uuid::new_v4().to_string(), ts: state.clock.now_ms() };
    let greeting = serde_json::json!(challenge);
    if socket.send_json(&EventFrame::new(Event::ConnectChallenge.name(), greeting, None)).await.is_err() {
        return;
    }
    let (request, connect) = match read_connect(&state, &mut socket).await {
        Ok(connect) => connect,
        Err(Some((id, refusal))) => {
            log_refusal(&connection_id, &arrival, None, &refusal);
            return socket.refuse(id.as_deref(), &refusal).await;
        }
        Err(None) => return,
    };
    let judged = match examine(&state, &arrival, connect, &challenge.nonce).await {
        Ok(candidate) => admit(&state, &arrival, candidate, &connection_id, &mut socket).await,
        Err((connect, refusal)) => Err(Some((connect, refusal))),
    };
    let (admitted, candidate) = match judged {
        Ok(admitted) => admitted,
        Err(Some((connect, refusal))) => {
            log_refusal(&connection_id, &arrival, Some(&connect), &refusal);
            let delay = note_failure(&state, &arrival, &refusal);
            tokio::time::sleep(delay).await;
            return socket.refuse(Some(&request), &refusal).await;
        }
        Err(None) => return,
    };
    let mut backlog = Vec::new();
    while let Some(inbound) = socket.receive().now_or_never() {
        match inbound {
            Inbound::Text(text) => backlog.push(text),
            Inbound::Ping | Inbound::Pong => {}
            Inbound::TooLarge => return socket.refuse(None, &Refusal::FrameTooLarge).await,
            Inbound::Gone => return,
        }
        if backlog.len() >= MAX_PENDING_FRAMES {
            return socket.refuse(None, &Refusal::TooManyPendingFrames).await;
        }
    }
    arrival.place.take();
    socket.trust();
    let Admitted { grant, pairing, pending_request } = admitted;
    let device_id = candidate.device.as_ref().map(|device| device.id().clone());
    let hello = hello::compose(&state, &connection_id, &grant, pairing.as_ref(), pending_request.as_deref());
    let is_extended = candidate.connect.has_cap(CAP_PAIRING_WAIT);
    let is_owner = arrival.ingress.is_owner;
    let (connection, queue) = Connection::new(connection_id, &grant, device_id, is_owner, is_extended, pending_request);
    // Registered first, so that a revocation from now on finds it; the hello is first in its queue.
    let hello = serde_json::to_string(&protocol::Response::ok(request, serde_json::json!(hello)));
    let Ok(hello) = hello else { return };
    connection.send(hello.into());
    state.registry.add(std::sync::Arc::clone(&connection));
    log_admission(&connection, &arrival, &candidate.connect);
    session::run(&state, &connection, queue, socket, backlog).await;
    state.registry.remove(&connection.id);
    tracing::info!(conn.id = %connection.id, "Disconnected");
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

/// Checks what can be checked without knowing the device, and compares the shared secret.
async fn examine(
    state: &AppState,
    arrival: &Arrival,
    connect: Connect,
    nonce: &str,
) -> Result<Candidate, (Connect, Refusal)> {
    let config = state.config();
    let checked = check_surroundings(&config, arrival, &connect)
        .and_then(|()| identity::verify(&connect, nonce, state.clock.now_ms()));
    let device = match checked {
        Ok(device) => device,
        Err(refusal) => return Err((connect, refusal)),
    };
    let shared_secret = compare_shared_secret(state, &config, arrival, &connect);
    let bootstrap = match look_up_owner_link(state, arrival, &connect, device.as_ref()).await {
        Ok(bootstrap) => bootstrap,
        Err(refusal) => return Err((connect, refusal)),
    };
    Ok(Candidate { connect, device, shared_secret, bootstrap })
}

/// Protocol, role and page, in the order of wire.md §4.1.
fn check_surroundings(config: &Config, arrival: &Arrival, connect: &Connect) -> Result<(), Refusal> {
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

fn compare_shared_secret(state: &AppState, config: &Config, arrival: &Arrival, connect: &Connect) -> SharedSecret {
    if config.policy.auth_mode == AuthMode::None {
        return SharedSecret::Match;
    }
    let Some(given) = given_shared_secret(config, connect) else {
        return SharedSecret::NotGiven;
    };
    let Some(expected) = config.shared_secret() else {
        return SharedSecret::NotConfigured;
    };
    let now_ms = state.clock.now_ms();
    if let Some(retry_after_ms) = state.limiter.locked_for(Attempt::SharedSecret, &arrival.source(), now_ms) {
        return SharedSecret::Locked { retry_after_ms };
    }
    if same_secret(given, expected) { SharedSecret::Match } else { SharedSecret::Mismatch }
}

/// The secret may come in either field; the one that fits the mode is preferred.
fn given_shared_secret<'a>(config: &Config, connect: &'a Connect) -> Option<&'a Secret> {
    let auth = connect.auth.as_ref()?;
    let (token, password) = (Auth::given(auth.token.as_ref()), Auth::given(auth.password.as_ref()));
    match config.policy.auth_mode {
        AuthMode::Password => password.or(token),
        AuthMode::Token | AuthMode::None => token.or(password),
    }
}

async fn look_up_owner_link(
    state: &AppState,
    arrival: &Arrival,
    connect: &Connect,
    device: Option<&VerifiedDevice>,
) -> Result<Presented, Refusal> {
    let (Some(code), Some(device)) = (owner_code(connect), device) else {
        return Ok(Presented::NotGiven);
    };
    let now_ms = state.clock.now_ms();
    if let Some(retry_after_ms) = state.limiter.locked_for(Attempt::OwnerLink, &arrival.source(), now_ms) {
        return Ok(Presented::Locked { retry_after_ms });
    }
    let claimed = state.store.claim_owner_link(&hash_code(code), device.id(), now_ms).await;
    Ok(if claimed.map_err(|error| error.refusal())? { Presented::Valid } else { Presented::Invalid })
}

fn owner_code(connect: &Connect) -> Option<&Secret> {
    Auth::given(connect.auth.as_ref()?.bootstrap_token.as_ref())
}

/// What the session starts with.
struct Admitted {
    grant: Grant,
    pairing: Option<DevicePairing>,
    pending_request: Option<String>,
}

type Judged = Result<(Admitted, Candidate), Option<(Connect, Refusal)>>;

/// Asks for the verdict and carries it out; a held client is judged again when a person has decided.
async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    arrival: &Arrival,
    candidate: Candidate,
    connection_id: &str,
    socket: &mut Socket<S>,
) -> Judged {
    let mut approved_at = None;
    loop {
        let next = match judge(state, arrival, &candidate, socket).await {
            Ok(next) => next,
            Err(refusal) => return Err(refusal.map(|refusal| (candidate.connect, refusal))),
        };
        match next {
            Next::In(admitted) => {
                if let Some(at) = approved_at {
                    let waited: std::time::Instant = at;
                    tracing::info!(
                        conn.id = connection_id,
                        decision_to_hello_us = u64::try_from(waited.elapsed().as_micros()).unwrap_or(u64::MAX),
                        "A held device was let in"
                    );
                }
                return Ok((admitted, candidate));
            }
            Next::Again { at } => approved_at = Some(at),
        }
    }
}

enum Next {
    In(Admitted),
    /// Somebody approved; look at the device again.
    Again {
        at: std::time::Instant,
    },
}

async fn judge<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    arrival: &Arrival,
    candidate: &Candidate,
    socket: &mut Socket<S>,
) -> Result<Next, Option<Refusal>> {
    let config = state.config();
    let connect = &candidate.connect;
    // Listen before anything is stored, so that no decision slips by.
    let decisions = candidate.device.as_ref().map(|device| state.registry.wait_for(device.id()));
    let pairing = match &candidate.device {
        Some(device) => Some(state.store.find_pairing(device.id()).await.map_err(|error| error.refusal())?),
        None => None,
    };
    let known = pairing.clone().unwrap_or_default();
    let facts = Facts {
        connect,
        device: candidate.device.as_ref(),
        is_owner: arrival.ingress.is_owner,
        attribution: &arrival.ingress.attribution,
        is_encrypted: arrival.ingress.is_encrypted,
        page: arrival.page.as_deref(),
        shared_secret: candidate.shared_secret,
        device_token: compare_device_token(state, &config, arrival, candidate, &known),
        bootstrap: candidate.bootstrap,
        pairing: &known,
    };
    match access::decide(&facts, &config.policy) {
        Verdict::Refuse(refusal) => Err(Some(refusal)),
        Verdict::Admit(grant) => enter(state, arrival, candidate, grant, pairing).await.map(Next::In).map_err(Some),
        Verdict::Approve { ask, via, grant } => {
            if via == ApprovedVia::Bootstrap {
                spend_owner_link(state, connect).await?;
            }
            let event = PairingEvent::Grant {
                issuer: issuer(state, &config, candidate, grant.method),
                generation: Uuid::new_v4().to_string(),
                via,
                ask,
            };
            let pairing = apply(state, candidate, event).await?;
            enter(state, arrival, candidate, grant, pairing).await.map(Next::In).map_err(Some)
        }
        Verdict::Pair(asked) => {
            check_build(arrival, connect)?;
            let event = PairingEvent::Ask { ask: Box::new(asked.ask.clone()), request_id: Uuid::new_v4().to_string() };
            let pending = apply(state, candidate, event).await?.and_then(|pairing| pairing.pending);
            let pending = pending.ok_or(Refusal::StoreUnavailable)?;
            if let (true, Some(decisions)) = (connect.has_cap(CAP_PAIRING_WAIT), decisions) {
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
    }
}

/// The last steps of somebody who is let in: the page must be ours, the token must fit, a wish for more
/// is written down.
async fn enter(
    state: &AppState,
    arrival: &Arrival,
    candidate: &Candidate,
    grant: Grant,
    mut pairing: Option<DevicePairing>,
) -> Result<Admitted, Refusal> {
    check_build(arrival, &candidate.connect)?;
    if grant.method == AuthMethod::BootstrapToken && candidate.bootstrap == Presented::Valid {
        // A device that was paired already spends the link all the same.
        let _ = spend_owner_link(state, &candidate.connect).await;
    }
    if matches!(candidate.shared_secret, SharedSecret::Match) {
        state.limiter.forget(Attempt::SharedSecret, &arrival.source());
    }
    let mut pending_request = None;
    if let Some(ask) = grant.pending.clone() {
        let event = PairingEvent::Ask { ask, request_id: Uuid::new_v4().to_string() };
        pairing = apply(state, candidate, event).await?;
        pending_request = pairing.as_ref().and_then(|p| p.pending.as_ref()).map(|pending| pending.request_id.clone());
    }
    if grant.issues_device_token {
        pairing = refresh_token(state, candidate, &grant, pairing).await?;
    }
    note_seen(state, candidate, &grant);
    Ok(Admitted { grant, pairing, pending_request })
}

/// Replaces a token that does not fit any more (wire.md §6.2, `ensureDeviceToken`).
async fn refresh_token(
    state: &AppState,
    candidate: &Candidate,
    grant: &Grant,
    pairing: Option<DevicePairing>,
) -> Result<Option<DevicePairing>, Refusal> {
    let config = state.config();
    let current_issuer = config.shared_secret().map(|secret| state.server_key.issuer(secret));
    let token = pairing.as_ref().and_then(|pairing| pairing.paired.as_ref()?.live_token(grant.role));
    let Some(token) = token else {
        return Ok(pairing);
    };
    let issuer_is_gone = token.issuer.is_some() && token.issuer != current_issuer;
    if !issuer_is_gone && token.scopes.allow_all(grant.role, &grant.scopes) {
        return Ok(pairing);
    }
    let event = PairingEvent::Reissue {
        role: grant.role,
        scopes: grant.scopes.clone(),
        generation: Uuid::new_v4().to_string(),
        issuer: issuer(state, &config, candidate, grant.method),
    };
    apply(state, candidate, event).await
}

/// The stamp of a browser's token that only the shared secret vouched for.
fn issuer(state: &AppState, config: &Config, candidate: &Candidate, method: AuthMethod) -> Option<String> {
    let by_secret = matches!(method, AuthMethod::Token | AuthMethod::Password);
    let secret = config.shared_secret().filter(|_| by_secret && candidate.connect.is_web_page())?;
    Some(state.server_key.issuer(secret))
}

fn compare_device_token(
    state: &AppState,
    config: &Config,
    arrival: &Arrival,
    candidate: &Candidate,
    pairing: &DevicePairing,
) -> Presented {
    let auth = candidate.connect.auth.clone().unwrap_or_default();
    let explicit = Auth::given(auth.device_token.as_ref());
    let fallback = Auth::given(auth.token.as_ref()).filter(|_| candidate.shared_secret != SharedSecret::Match);
    let (Some(given), Some(device)) = (explicit.or(fallback), &candidate.device) else {
        return Presented::NotGiven;
    };
    let role = candidate.connect.role();
    let token = role.and_then(|role| pairing.paired.as_ref()?.live_token(role));
    let current_issuer = config.shared_secret().map(|secret| state.server_key.issuer(secret));
    let is_valid = token.is_some_and(|token| {
        (token.issuer.is_none() || token.issuer == current_issuer)
            && same_secret(given, &state.server_key.device_token(device.id(), token))
    });
    if is_valid {
        return Presented::Valid;
    }
    match state.limiter.locked_for(Attempt::DeviceToken, &arrival.source(), state.clock.now_ms()) {
        Some(retry_after_ms) if explicit.is_some() => Presented::Locked { retry_after_ms },
        Some(_) | None => Presented::Invalid,
    }
}

async fn apply(state: &AppState, candidate: &Candidate, event: PairingEvent) -> Result<Option<DevicePairing>, Refusal> {
    let Some(device) = &candidate.device else {
        return Ok(None);
    };
    let applied = state.store.apply(device.id(), event, state.clock.now_ms()).await;
    let applied = applied.map_err(|error| error.refusal())?;
    effects::carry_out(state, applied.effects).await;
    Ok(Some(applied.pairing))
}

async fn spend_owner_link(state: &AppState, connect: &Connect) -> Result<(), Refusal> {
    let code = owner_code(connect).ok_or(Refusal::BootstrapTokenInvalid)?;
    let spent = state.store.redeem_owner_link(&hash_code(code), state.clock.now_ms()).await;
    if spent.map_err(|error| error.refusal())? { Ok(()) } else { Err(Refusal::BootstrapTokenInvalid) }
}

/// A page that an older gateway served must be loaded anew (wire.md §4.3).
fn check_build(arrival: &Arrival, connect: &Connect) -> Result<(), Refusal> {
    let build = crate::http::control_ui::build_id();
    let same_host = match (arrival.page.as_deref().and_then(|page| page.split_once("://")), arrival.host.as_deref()) {
        (Some((_, page)), Some(host)) => page.trim_end_matches('/').eq_ignore_ascii_case(host),
        (None, _) | (_, None) => false,
    };
    let is_current = connect.client.build_id.as_deref().is_some_and(|id| id == build || id == "dev");
    if connect.is_control_ui() && same_host && !is_current {
        return Err(Refusal::ControlUiOutdated { gateway_build_id: build.to_owned() });
    }
    Ok(())
}

fn note_seen(state: &AppState, candidate: &Candidate, grant: &Grant) {
    if let Some(device) = &candidate.device {
        let client = &candidate.connect.client;
        state.seen.add(Seen {
            device_id: device.id().clone(),
            role: grant.role,
            at_ms: state.clock.now_ms(),
            display_name: client.display_name.clone(),
            platform: client.platform.clone(),
            device_family: client.device_family.clone(),
        });
    }
}

/// Counts a wrong secret. The result is how long to hold the answer back.
fn note_failure(state: &AppState, arrival: &Arrival, refusal: &Refusal) -> Duration {
    let attempt = match refusal {
        Refusal::SecretMismatch { .. } => Attempt::SharedSecret,
        Refusal::DeviceTokenMismatch => Attempt::DeviceToken,
        Refusal::BootstrapTokenInvalid => Attempt::OwnerLink,
        _ => return Duration::ZERO,
    };
    let rules = state.config().rate_limit;
    let delay = state.limiter.record_failure(attempt, &arrival.source(), &rules, state.clock.now_ms());
    if attempt == Attempt::SharedSecret { delay } else { Duration::ZERO }
}

fn log_refusal(connection_id: &str, arrival: &Arrival, connect: Option<&Connect>, refusal: &Refusal) {
    let details = refusal.details();
    let code = details.as_ref().and_then(|details| details["code"].as_str()).unwrap_or(refusal.code());
    let attribution = &arrival.ingress.attribution;
    tracing::info!(
        conn.id = connection_id,
        peer.address = %attribution.client,
        peer.resolved = attribution.resolved(),
        client.id = connect.map(|connect| connect.client.id.as_str()),
        device.id = connect.and_then(|connect| connect.device.as_ref()).map(|device| device.id.get(..8)),
        refusal.code = code,
        "Refused: {}",
        refusal.advice().sentence
    );
}

fn log_admission(connection: &Connection, arrival: &Arrival, connect: &Connect) {
    let attribution = &arrival.ingress.attribution;
    tracing::info!(
        conn.id = %connection.id,
        peer.address = %attribution.client,
        peer.resolved = attribution.resolved(),
        client.id = connect.client.id,
        device.id = connection.device_id.as_ref().and_then(|id| id.as_str().get(..8)),
        role = %connection.role,
        "Connected"
    );
}
