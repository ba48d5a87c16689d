//! `owner.link`: a one-time link that makes the browser that opens it the owner's (wire.md §10.4).

use protocol::method::OwnerLink;
use protocol::{BootstrapProfile, Refusal};

use crate::gateway::minting::{self, Minted};
use crate::state::AppState;

pub async fn link(state: &AppState) -> Result<OwnerLink, Refusal> {
    let Minted { code, expires_at_ms, .. } = minting::mint(state, None, BootstrapProfile::Owner).await?;
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
