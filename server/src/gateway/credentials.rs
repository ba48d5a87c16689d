//! What a client shows, compared with what we hold: the shared secret, device tokens, one-time codes.

use std::time::Duration;

use access::VerifiedDevice;
use access::admission::{BootstrapProof, Presented, SharedSecret};
use access::bootstrap::Presentation;
use access::pairing::{Device, Token};
use access::policy::AuthMode;
use protocol::event::Event;
use protocol::handshake::{Auth, AuthMethod};
use protocol::{BootstrapProfile, Connect, DeviceId, Refusal, Secret};

use super::admit::Candidate;
use super::auditing;
use super::handshake::Arrival;
use super::limits::Attempt;
use crate::keys::{hash_code, same_secret};
use crate::state::AppState;

pub fn compare_shared_secret(state: &AppState, arrival: &Arrival, connect: &Connect) -> SharedSecret {
    let config = state.config();
    if config.policy.auth_mode == AuthMode::None {
        return SharedSecret::Match;
    }
    let Some(given) = given_shared_secret(config.policy.auth_mode, connect) else {
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
fn given_shared_secret(mode: AuthMode, connect: &Connect) -> Option<&Secret> {
    let auth = connect.auth.as_ref()?;
    let (token, password) = (Auth::given(auth.token.as_ref()), Auth::given(auth.password.as_ref()));
    match mode {
        AuthMode::Password => password.or(token),
        AuthMode::Token | AuthMode::None => token.or(password),
    }
}

/// A device token may stand in its own field, or in that of the shared token.
pub async fn compare_device_token(
    state: &AppState,
    candidate: &Candidate<'_>,
    paired: Option<&Device>,
) -> Result<Presented, Refusal> {
    let auth = candidate.connect.auth.as_ref();
    let explicit = auth.and_then(|auth| Auth::given(auth.device_token.as_ref()));
    let shared_field = auth.and_then(|auth| Auth::given(auth.token.as_ref()));
    let fallback = shared_field.filter(|_| candidate.shared_secret != SharedSecret::Match);
    let (Some(given), Some(device)) = (explicit.or(fallback), candidate.device) else {
        return Ok(Presented::NotGiven);
    };
    let token = candidate.connect.role().and_then(|role| paired?.live_token(role));
    if let Some(token) = token.filter(|token| issuer_lives(state, token.issuer.as_deref())) {
        let is_ours = same_secret(given, &state.server_key.device_token(device.id(), token));
        if is_ours || brought_along(state, device.id(), token, given).await? {
            return Ok(Presented::Valid);
        }
    }
    Ok(match state.limiter.locked_for(Attempt::DeviceToken, &candidate.arrival.source(), state.clock.now_ms()) {
        Some(retry_after_ms) if explicit.is_some() => Presented::Locked { retry_after_ms },
        Some(_) | None => Presented::Invalid,
    })
}

/// Whether this is the token that another gateway gave the device before it was taken over.
async fn brought_along(state: &AppState, device_id: &DeviceId, token: &Token, given: &Secret) -> Result<bool, Refusal> {
    let found = state.store.find_imported_token(device_id, token.role, &token.generation).await;
    let expected = found.map_err(|error| error.refusal())?;
    Ok(expected.is_some_and(|hash| same_secret(&Secret::new(hash_code(given)), &Secret::new(hash))))
}

/// Whether the shared secret that vouched for a token is still the one in force.
pub fn issuer_lives(state: &AppState, issuer: Option<&str>) -> bool {
    let Some(issuer) = issuer else {
        return true;
    };
    state.config().shared_secret().is_some_and(|secret| state.server_key.issuer(secret) == issuer)
}

/// The stamp for a browser's token that only the shared secret vouches for.
pub fn issuer(state: &AppState, connect: &Connect, method: AuthMethod) -> Option<String> {
    let by_secret = matches!(method, AuthMethod::Token | AuthMethod::Password);
    let config = state.config();
    let secret = config.shared_secret().filter(|_| by_secret && connect.is_web_page())?;
    Some(state.server_key.issuer(secret))
}

/// Claims a one-time code for the device that shows it, if it is good for what that device asks for.
pub async fn look_up_code(
    state: &AppState,
    arrival: &Arrival,
    connect: &Connect,
    device: Option<&VerifiedDevice>,
) -> Result<BootstrapProof, Refusal> {
    let (Some(code), Some(device), Some(role)) = (shown_code(connect), device, connect.role()) else {
        return Ok(BootstrapProof::NotGiven);
    };
    let now_ms = state.clock.now_ms();
    if let Some(retry_after_ms) = state.limiter.locked_for(Attempt::Bootstrap, &arrival.source(), now_ms) {
        return Ok(BootstrapProof::Locked { retry_after_ms });
    }
    let shown = Presentation { device_id: device.id().clone(), role, scopes: connect.scopes() };
    let claimed = state.store.claim_code(&hash_code(code), &shown, now_ms).await;
    let profile = claimed.map_err(|error| error.refusal())?;
    Ok(profile.map_or(BootstrapProof::Invalid, BootstrapProof::Valid))
}

/// Uses a one-time code up. Refused if somebody was faster.
pub async fn spend_code(state: &AppState, candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let (code, device) = shown_code(candidate.connect).zip(candidate.device).ok_or(Refusal::BootstrapTokenInvalid)?;
    let BootstrapProof::Valid(profile) = candidate.bootstrap else {
        return Err(Refusal::BootstrapTokenInvalid);
    };
    let used = auditing::code_used(candidate, profile);
    let spent = state.store.redeem_code(&hash_code(code), device.id(), used, state.clock.now_ms()).await;
    if spent.map_err(|error| error.refusal())? { Ok(()) } else { Err(Refusal::BootstrapTokenInvalid) }
}

/// Tells those who may pair that a setup code did its work. The owner's own links are nobody else's
/// business.
pub async fn announce_setup(state: &AppState, candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let BootstrapProof::Valid(profile) = candidate.bootstrap else {
        return Ok(());
    };
    let Some(code) = shown_code(candidate.connect) else {
        return Ok(());
    };
    let name = candidate.connect.client.display_name.as_deref();
    let completed = state.store.complete_setup(&hash_code(code), name, state.clock.now_ms()).await;
    let Some(completed) = completed.map_err(|error| error.refusal())? else {
        return Ok(());
    };
    tracing::info!(
        setup.id = completed.setup_id,
        setup.profile = profile.as_str(),
        device.id = completed.device_id.as_str().get(..8),
        "A one-time code let a device in"
    );
    if profile != BootstrapProfile::Owner {
        state.registry.broadcast(Event::DevicePairSetupCompleted, Some(&completed), None::<&()>);
    }
    Ok(())
}

fn shown_code(connect: &Connect) -> Option<&Secret> {
    Auth::given(connect.auth.as_ref()?.bootstrap_token.as_ref())
}

/// Counts a wrong secret. The result is how long to hold the answer back.
pub fn note_failure(state: &AppState, arrival: &Arrival, refusal: &Refusal) -> Duration {
    let attempt = if matches!(refusal, Refusal::SecretMismatch { .. }) {
        Attempt::SharedSecret
    } else if *refusal == Refusal::DeviceTokenMismatch {
        Attempt::DeviceToken
    } else if *refusal == Refusal::BootstrapTokenInvalid {
        Attempt::Bootstrap
    } else {
        return Duration::ZERO;
    };
    let rules = state.config().rate_limit;
    let delay = state.limiter.record_failure(attempt, &arrival.source(), &rules, state.clock.now_ms());
    if attempt == Attempt::SharedSecret { delay } else { Duration::ZERO }
}

/// A right secret makes the wrong ones before it forgotten.
pub fn note_success(state: &AppState, candidate: &Candidate<'_>) {
    if candidate.shared_secret == SharedSecret::Match {
        state.limiter.forget(Attempt::SharedSecret, &candidate.arrival.source());
    }
}
