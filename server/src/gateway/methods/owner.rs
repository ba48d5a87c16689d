//! What only the owner may ask: `owner.link`, a one-time link that makes the browser that opens it the owner's
//! (wire.md §10.4), and `owner.stop`.

use protocol::method::{OwnerLink, OwnerStop, OwnerStopping};
use protocol::{BootstrapProfile, Refusal};

use crate::gateway::minting::{self, Minted};
use crate::state::{AppState, Ending};

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

/// Ends the gateway once this has been answered.
pub fn stop(state: &AppState, OwnerStop { restart }: OwnerStop) -> OwnerStopping {
    tracing::info!(restart, "The owner ends the gateway");
    state.ending.send_replace(Some(if restart { Ending::Restart } else { Ending::Stop }));
    OwnerStopping { pid: std::process::id(), restarts: restart }
}

/// The link itself. The code stands in the fragment, which browsers never send.
pub fn url(link: &OwnerLink) -> String {
    let scheme = if link.tls { "https" } else { "http" };
    format!("{scheme}://{}:{}/#bootstrapToken={}", link.host, link.port, link.bootstrap_token.reveal())
}
