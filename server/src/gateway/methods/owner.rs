//! `owner.link`: a one-time link that makes the browser that opens it the owner's (wire.md §10.4).

use protocol::method::OwnerLink;
use protocol::{BOOTSTRAP_LIFETIME_MS, Refusal};

use crate::keys::{hash_code, new_secret};
use crate::state::AppState;

pub async fn link(state: &AppState) -> Result<OwnerLink, Refusal> {
    let code = new_secret().map_err(|error| {
        tracing::error!(%error, "No owner link could be made");
        Refusal::StoreUnavailable
    })?;
    let expires_at_ms = state.clock.now_ms() + BOOTSTRAP_LIFETIME_MS;
    state.store.add_owner_link(&hash_code(&code), expires_at_ms).await.map_err(|error| error.refusal())?;
    Ok(OwnerLink {
        bootstrap_token: code,
        expires_at_ms,
        port: state.port,
        tls: false,
        host: state.config().bind.local_host(),
    })
}

/// The link itself. The code stands in the fragment, which browsers never send.
pub fn url(link: &OwnerLink) -> String {
    let scheme = if link.tls { "https" } else { "http" };
    format!("{scheme}://{}:{}/#bootstrapToken={}", link.host, link.port, link.bootstrap_token.reveal())
}
