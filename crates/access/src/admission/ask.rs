//! What a person is shown of a device that asks (wire.md §6.2).

use protocol::node::Offer;
use protocol::pairing::{Origin, PairingReason};
use protocol::{Connect, Role, Scopes};

use super::{Facts, Proof};
use crate::identity::VerifiedDevice;
use crate::locality::Attribution;
use crate::metadata;
use crate::pairing::Ask;
use crate::policy::Policy;
use crate::surface::Platform;

/// What a node offers, as far as it may (wire.md §9.4).
pub fn offer(connect: &Connect, policy: &Policy) -> Offer {
    let platform = Platform::of_client(&connect.client);
    Offer { version: connect.client.version.clone(), surface: policy.commands.permitted(platform, &connect.surface()) }
}

pub(super) fn new_ask(
    facts: &Facts<'_>,
    policy: &Policy,
    device: &VerifiedDevice,
    role: Role,
    asked: &Scopes,
    reason: PairingReason,
    proof: Proof,
) -> Ask {
    Ask {
        role,
        scopes: asked.clone(),
        reason,
        has_secret: proof != Proof::Knock && proof != Proof::DeviceKey,
        node: (role == Role::Node).then(|| offer(facts.connect, policy)),
        ..introduce(facts.connect, device, facts.attribution, facts.is_encrypted, facts.page)
    }
}

/// How a device presents itself when it asks for more than it has. What it asks for is empty here.
pub fn introduce(
    connect: &Connect,
    device: &VerifiedDevice,
    attribution: &Attribution,
    is_encrypted: bool,
    page: Option<&str>,
) -> Ask {
    let client = &connect.client;
    let (platform, device_family) = metadata::described(client);
    Ask {
        device_id: device.id().clone(),
        public_key: device.key().to_base64url(),
        display_name: client.display_name.clone(),
        platform,
        device_family,
        client_id: client.id.clone(),
        client_mode: client.mode.clone(),
        role: connect.role().unwrap_or(Role::Operator),
        scopes: Scopes::default(),
        reason: PairingReason::ScopeUpgrade,
        has_secret: false,
        is_direct_local: attribution.is_direct_local(),
        origin: Origin {
            address: attribution.client.to_string(),
            network: attribution.network(),
            resolved: attribution.resolved(),
            encrypted: is_encrypted,
            page: page.map(str::to_owned),
        },
        user_agent: connect.user_agent.clone(),
        node: None,
    }
}
