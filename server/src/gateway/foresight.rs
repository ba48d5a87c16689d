//! What a change of the settings would do to those who are connected.

use std::net::SocketAddr;

use access::Unattributable;
use access::locality::{Ingress as Way, network_of};
use access::origin::{self, PageFacts};
use protocol::pairing::Network;
use protocol::settings::{Afterwards, CutOff, Disconnected, Disconnects, MAX_NAMED};

use super::connection::Connection;
use crate::config::reload::Ends;
use crate::config::{Bind, Config};
use crate::http::peer::Peer;
use crate::state::AppState;

/// Why a connection could not come back under these settings; `None` if it could. The owner socket is always there.
pub fn cut_off(state: &AppState, connection: &Connection, config: &Config) -> Option<CutOff> {
    turned_away(connection, config).or_else(|| unreachable(state.live.started_with(), connection, config))
}

/// Why the new rules would turn it away as soon as they are live.
fn turned_away(connection: &Connection, config: &Config) -> Option<CutOff> {
    let introduction = &connection.introduction;
    let arrived = introduction.arrived.as_ref()?;
    let ingress = match arrived.again(&config.policy) {
        Ok(ingress) => ingress,
        Err(why) => {
            let address = match arrived.peer() {
                Peer::Tcp(address) | Peer::Tailscale(address) => address.ip().to_canonical().to_string(),
                Peer::Owner => return None,
            };
            return Some(match why {
                Unattributable::UntrustedPeer => CutOff::ProxyUntrusted { proxy: address },
                Unattributable::NoClientAddress => CutOff::ClientUnnamed { address },
            });
        }
    };
    let page = introduction.page.as_deref()?;
    let facts = PageFacts {
        origin: Some(page),
        host: arrived.host(),
        is_direct_local: ingress.attribution.is_direct_local(),
        is_behind_trusted_proxy: matches!(ingress.attribution.ingress, Way::TrustedProxy { .. }),
    };
    origin::check(facts, &config.policy.origins).err().map(|_| CutOff::PageNotAllowed { page: page.to_owned() })
}

/// Why it would find nobody after the restart that the change takes.
fn unreachable(started_with: &Config, connection: &Connection, config: &Config) -> Option<CutOff> {
    // Tailscale is told anew where the gateway is.
    let Peer::Tcp(peer) = connection.introduction.arrived.as_ref()?.peer() else { return None };
    if config.port != started_with.port {
        return Some(CutOff::PortMoves { port: config.port });
    }
    let is_reached = config.bind == started_with.bind || is_reached_from(peer, &config.bind);
    (!is_reached).then(|| CutOff::NotListening { address: peer.ip().to_canonical().to_string() })
}

/// Whether somebody who comes from there still reaches a gateway that listens like this, as far as the address tells.
fn is_reached_from(peer: SocketAddr, bind: &Bind) -> bool {
    let from = network_of(peer.ip());
    match bind {
        Bind::Lan => true,
        Bind::Loopback => from == Network::ThisMachine,
        Bind::Tailnet => matches!(from, Network::ThisMachine | Network::Tailnet),
        Bind::Custom(address) => from == network_of(*address),
    }
}

/// Whose connections would end, and what becomes of them.
pub async fn disconnects(state: &AppState, caller: &Connection, config: &Config) -> Disconnects {
    let ends = Ends::between(&state.config(), config);
    let is_ended = |connection: &Connection| {
        (ends.by_secret && connection.came_by_secret()) || (ends.by_policy && !connection.is_owner)
    };
    let mut ended = state.registry.connections();
    ended.retain(|connection| is_ended(connection));
    ended.sort_by_key(|connection| (connection.id != caller.id, connection.introduction.connected_at_ms));
    let mut named = Vec::new();
    for connection in ended.iter().take(MAX_NAMED) {
        let then = if turned_away(connection, config).is_some() {
            Afterwards::StaysOut
        } else if ends.by_secret && needs_secret(connection) {
            Afterwards::NeedsSecret
        } else {
            Afterwards::ComesBack
        };
        named.push(Disconnected {
            name: name(state, connection).await,
            address: connection.introduction.attribution.client.to_string(),
            is_you: connection.id == caller.id,
            then,
        });
    }
    Disconnects { count: ended.len(), named }
}

/// Clients of ours come back with their key alone; others show the secret again that let them in.
fn needs_secret(connection: &Connection) -> bool {
    connection.came_by_secret() && !(connection.is_extended && connection.device_id.is_some())
}

/// What the owner calls it, or what it calls itself.
async fn name(state: &AppState, connection: &Connection) -> String {
    if let Some(device_id) = &connection.device_id
        && let Ok(Some(device)) = state.store.find_device(device_id).await
    {
        return device.shown(None).shown_name();
    }
    let client = &connection.introduction.client;
    client.display_name.clone().unwrap_or_else(|| client.id.clone())
}
