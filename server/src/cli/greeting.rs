//! What a gateway says when it runs: where to click.

use std::io::IsTerminal;

use anyhow::anyhow;

use super::{output, typed};
use crate::config::{Bind, Environment};
use crate::doctor::checks::CONTAINER_BIND;
use crate::doctor::gather::container;
use crate::gateway::methods::owner;
use crate::state::AppState;
use crate::tailscale::Exposed;

/// Says where the gateway is. The owner link is a secret, so it is printed only where a person reads
/// along, or where one asked for it.
pub async fn greet(
    state: &AppState,
    env: &Environment,
    exposed: Option<&Exposed>,
    show_owner_link: bool,
) -> anyhow::Result<()> {
    let host = state.config().bind.local_host();
    output::say(&format!("The gateway runs on http://{host}:{}", state.port));
    if let Some(exposed) = exposed {
        output::say(&format!("Through Tailscale it is at {}", exposed.url));
    }
    if let (Bind::Loopback, Some(mark)) = (&state.config().bind, container(env)) {
        output::say(&format!(
            "This is a container ({mark}), and loopback in it cannot be reached through a published port. Unless it shares the \
             host's network, run: {}",
            typed::bare(CONTAINER_BIND)
        ));
    }
    if show_owner_link || std::io::stdout().is_terminal() {
        let link = owner::link(state).await.map_err(|refusal| anyhow!(refusal.message()))?;
        output::say("Open this link in your browser; it works once, for ten minutes:");
        output::data(&owner::url(&link));
    } else {
        output::say("For a link that makes your browser the owner's, run `openclaw dashboard`");
    }
    Ok(())
}
