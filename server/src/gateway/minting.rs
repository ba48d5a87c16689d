//! Making one-time codes. Only so many: a stolen session must not fill the store with ways in.

use std::sync::{Mutex, PoisonError};

use protocol::refusal::SetupRefusal;
use protocol::{BOOTSTRAP_LIFETIME_MS, BootstrapProfile, Refusal, Secret};
use uuid::Uuid;

use super::auditing;
use super::connection::Connection;
use super::limits::Lately;
use crate::clock::rfc3339;
use crate::keys::{hash_code, new_secret};
use crate::state::AppState;
use crate::store::NewCode;

/// A code for whoever asked; only its hash is stored.
#[derive(Debug)]
pub struct Minted {
    pub code: Secret,
    pub setup_id: String,
    /// Unix epoch, milliseconds.
    pub expires_at_ms: u64,
}

/// Makes a one-time code, and writes down in the log who had it made, for what, and until when it works. `by`
/// is the connection that asked; without one, it was the owner of the machine.
pub async fn mint(state: &AppState, by: Option<&Connection>, profile: BootstrapProfile) -> Result<Minted, Refusal> {
    let now_ms = state.clock.now_ms();
    let too_many = |retry_after_ms| Refusal::Setup(SetupRefusal::TooMany { retry_after_ms });
    state.minting.take(now_ms).map_err(too_many)?;
    let code = new_secret().map_err(|error| {
        tracing::error!(%error, "No one-time code could be made");
        Refusal::StoreUnavailable
    })?;
    let new = NewCode {
        code_hash: hash_code(&code),
        setup_id: Uuid::new_v4().to_string(),
        profile,
        expires_at_ms: now_ms + BOOTSTRAP_LIFETIME_MS,
    };
    let made = auditing::code_made(by, profile);
    state.store.add_code(&new, made, now_ms).await.map_err(|error| error.refusal())?;
    tracing::info!(
        setup.id = new.setup_id,
        setup.profile = profile.as_str(),
        setup.expires = rfc3339(new.expires_at_ms),
        conn.id = by.map(|connection| connection.id.as_str()),
        by = name_of(by),
        "A one-time code was made"
    );
    Ok(Minted { code, setup_id: new.setup_id, expires_at_ms: new.expires_at_ms })
}

fn name_of(by: Option<&Connection>) -> &str {
    let Some(connection) = by.filter(|connection| !connection.is_owner) else {
        return "the owner of the machine";
    };
    let device = connection.device_id.as_ref().and_then(|device| device.as_str().get(..8));
    device.unwrap_or("a client without a device")
}

/// More than a person needs, whoever asks.
pub const MAX_CODES: usize = 30;

/// Within this many milliseconds.
const WINDOW_MS: u64 = 60_000;

/// When codes were made lately.
#[derive(Debug, Default)]
pub struct Minting(Mutex<Lately>);

impl Minting {
    /// Takes one, or says how long to wait in milliseconds.
    pub fn take(&self, now_ms: u64) -> Result<(), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(MAX_CODES, WINDOW_MS, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_a_minute_and_no_more() {
        let minting = Minting::default();
        for at in 0..30 {
            assert_eq!(minting.take(1000 + at), Ok(()));
        }
        assert_eq!(minting.take(1030), Err(59_970));
        assert_eq!(minting.take(61_000), Ok(()));
        assert!(minting.take(61_000).is_err());
    }
}
