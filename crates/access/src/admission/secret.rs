//! What a client hears about the shared secret.

use protocol::Refusal;
use protocol::refusal::{Audience, SecretKind};

use super::{Facts, SharedSecret, is_cli};
use crate::policy::{AuthMode, Policy};

/// Why the shared secret did not let the client in, in words for that client (wire.md §4.3).
pub(super) fn refusal(facts: &Facts<'_>, policy: &Policy) -> Refusal {
    let kind = if policy.auth_mode == AuthMode::Password { SecretKind::Password } else { SecretKind::Token };
    let audience = match facts.connect {
        connect if connect.is_web_page() => Audience::ControlUi,
        connect if is_cli(connect) && facts.attribution.is_direct_local() => Audience::LocalCli,
        connect if is_cli(connect) => Audience::RemoteCli,
        _ => Audience::Other,
    };
    match facts.shared_secret {
        SharedSecret::Mismatch => {
            let auth = facts.connect.auth.clone().unwrap_or_default();
            let only_token = auth.token.is_some() && auth.device_token.is_none() && auth.password.is_none();
            let can_retry_with_device_token = facts.device.is_some() && kind == SecretKind::Token && only_token;
            Refusal::SecretMismatch { kind, audience, can_retry_with_device_token }
        }
        SharedSecret::NotConfigured => Refusal::SecretNotConfigured { kind },
        SharedSecret::Locked { retry_after_ms } => Refusal::RateLimited { retry_after_ms },
        SharedSecret::NotGiven | SharedSecret::Match => Refusal::SecretMissing { kind, audience },
    }
}
