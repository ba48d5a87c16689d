//! What a person is shown of a device that asks (wire.md §6.2).

use protocol::handshake::Client;
use protocol::node::Offer;
use protocol::pairing::PairingReason;
use protocol::{Connect, DeviceId, Role, Scopes};

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
    let connect = facts.connect;
    let who = Asker {
        device_id: device.id(),
        public_key: &device.key().to_base64url(),
        client: &connect.client,
        user_agent: connect.user_agent.as_deref(),
        attribution: facts.attribution,
        is_encrypted: facts.is_encrypted,
        page: facts.page,
    };
    Ask {
        has_secret: proof != Proof::Knock && proof != Proof::DeviceKey,
        node: (role == Role::Node).then(|| offer(connect, policy)),
        ..who.ask(role, asked.clone(), reason)
    }
}

/// A device that asks a person: who it is, in its own words and in ours, and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub device_id: &'a DeviceId,
    /// In base64url, as it is stored and shown.
    pub public_key: &'a str,
    pub client: &'a Client,
    pub user_agent: Option<&'a str>,
    pub attribution: &'a Attribution,
    pub is_encrypted: bool,
    /// The Origin header, which a browser adds and a program does not.
    pub page: Option<&'a str>,
}

impl Asker<'_> {
    /// Asks for these scopes in this role; without a secret and without an offer, unless the caller adds them.
    pub fn ask(self, role: Role, scopes: Scopes, reason: PairingReason) -> Ask {
        let Self { device_id, public_key, client, user_agent, attribution, is_encrypted, page } = self;
        let (platform, device_family) = metadata::described(client);
        Ask {
            device_id: device_id.clone(),
            public_key: public_key.to_owned(),
            display_name: client.display_name.clone(),
            platform,
            device_family,
            client_id: client.id.clone(),
            client_mode: client.mode.clone(),
            role,
            scopes,
            reason,
            has_secret: false,
            is_direct_local: attribution.is_direct_local(),
            origin: attribution.origin(is_encrypted, page),
            user_agent: user_agent.map(str::to_owned),
            node: None,
        }
    }
}
