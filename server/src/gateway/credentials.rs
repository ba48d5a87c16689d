//! What a client shows, compared with what we hold: the shared secret, device tokens, owner links.

use std::time::Duration;

use access::VerifiedDevice;
use access::admission::{Presented, SharedSecret};
use access::pairing::Device;
use access::policy::AuthMode;
use protocol::handshake::{Auth, AuthMethod};
use protocol::{Connect, Refusal, Secret};

use super::admit::Candidate;
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
pub fn compare_device_token(state: &AppState, candidate: &Candidate<'_>, paired: Option<&Device>) -> Presented {
    let auth = candidate.connect.auth.as_ref();
    let explicit = auth.and_then(|auth| Auth::given(auth.device_token.as_ref()));
    let shared_field = auth.and_then(|auth| Auth::given(auth.token.as_ref()));
    let fallback = shared_field.filter(|_| candidate.shared_secret != SharedSecret::Match);
    let (Some(given), Some(device)) = (explicit.or(fallback), candidate.device) else {
        return Presented::NotGiven;
    };
    let token = candidate.connect.role().and_then(|role| paired?.live_token(role));
    let is_valid = token.is_some_and(|token| {
        issuer_lives(state, token.issuer.as_deref())
            && same_secret(given, &state.server_key.device_token(device.id(), token))
    });
    if is_valid {
        return Presented::Valid;
    }
    match state.limiter.locked_for(Attempt::DeviceToken, &candidate.arrival.source(), state.clock.now_ms()) {
        Some(retry_after_ms) if explicit.is_some() => Presented::Locked { retry_after_ms },
        Some(_) | None => Presented::Invalid,
    }
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

/// Claims an owner link for the device that shows it.
pub async fn look_up_owner_link(
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

/// Uses an owner link up. Refused if somebody was faster.
pub async fn spend_owner_link(state: &AppState, connect: &Connect) -> Result<(), Refusal> {
    let code = owner_code(connect).ok_or(Refusal::BootstrapTokenInvalid)?;
    let spent = state.store.redeem_owner_link(&hash_code(code), state.clock.now_ms()).await;
    if spent.map_err(|error| error.refusal())? { Ok(()) } else { Err(Refusal::BootstrapTokenInvalid) }
}

fn owner_code(connect: &Connect) -> Option<&Secret> {
    Auth::given(connect.auth.as_ref()?.bootstrap_token.as_ref())
}

/// Counts a wrong secret. The result is how long to hold the answer back.
pub fn note_failure(state: &AppState, arrival: &Arrival, refusal: &Refusal) -> Duration {
    let attempt = if matches!(refusal, Refusal::SecretMismatch { .. }) {
        Attempt::SharedSecret
    } else if *refusal == Refusal::DeviceTokenMismatch {
        Attempt::DeviceToken
    } else if *refusal == Refusal::BootstrapTokenInvalid {
        Attempt::OwnerLink
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
