//! The verdict on a connection: let it in, let it wait, or say why not (wire.md §4, §5.4, §6).
//!
//! **Invariant:** there is no policy `if` about admission anywhere else. The facts are gathered before
//! [`decide`] is called; what it returns is carried out without a second thought.

mod ask;
mod code;
mod facts;
mod secret;

use protocol::handshake::AuthMethod;
use protocol::pairing::{ApprovedVia, Network, PairingReason};
use protocol::refusal::BlockRefusal;
use protocol::{BootstrapProfile, CAP_PAIRING_WAIT, Connect, Refusal, Role, Scopes};

use crate::identity::VerifiedDevice;
use crate::locality::{Attribution, Ingress};
use crate::metadata;
use crate::pairing::{Ask, Device};
use crate::policy::{AuthMode, Knock, Policy};

pub use ask::{Asker, offer};
pub use facts::{Blocked, BootstrapProof, Facts, Presented, SharedSecret};

use ask::new_ask;

/// What becomes of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Admit(Grant),
    /// A rule answers for a person: record the approval, then admit.
    Approve {
        ask: Box<Ask>,
        /// What the device becomes. The scopes of the ask are for all of these.
        roles: Vec<Role>,
        via: ApprovedVia,
        grant: Grant,
    },
    /// A person has to answer.
    Pair(Box<Waiting>),
    Refuse(Refusal),
}

/// A connection that has to wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub ask: Ask,
    /// What the device holds already.
    pub approved: Option<(Vec<Role>, Scopes)>,
    /// Whether an official client should come back by itself.
    pub wait_then_retry: bool,
}

/// What a connection may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub scopes: Scopes,
    pub method: AuthMethod,
    /// Whether the hello carries a device token.
    pub issues_device_token: bool,
    /// Another role whose token the hello carries besides, so that one code sets up a whole app
    /// (wire.md §10.3).
    pub issues_token_also_for: Option<Role>,
    /// What it asked for beyond that, to be recorded as a request.
    pub pending: Option<Box<Ask>>,
}

/// What proved that the connection may ask at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    SharedSecret,
    Bootstrap(BootstrapProfile),
    DeviceToken,
    /// The key of a paired device, for clients of ours.
    DeviceKey,
    /// Nothing, from near enough to be allowed to ask.
    Knock,
}

/// Decides, in the order of wire.md §4.1 from the missing-device policy on.
pub fn decide(facts: &Facts<'_>, policy: &Policy) -> Verdict {
    let Some(role) = facts.connect.role() else {
        return Verdict::Refuse(Refusal::RoleInvalid);
    };
    if facts.is_owner {
        return by_owner(facts, role);
    }
    let Some(device) = facts.device else {
        return without_device(facts, policy, role);
    };
    if let Some(refusal) = blocked(facts, role, device) {
        return Verdict::Refuse(Refusal::Block(refusal));
    }
    match prove(facts, policy, role) {
        Ok(proof) => with_device(facts, policy, role, device, proof),
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

/// The owner of the state directory needs no pairing to look after pairings.
fn by_owner(facts: &Facts<'_>, role: Role) -> Verdict {
    match role {
        Role::Operator => Verdict::Admit(Grant {
            role,
            scopes: facts.connect.scopes(),
            method: AuthMethod::Owner,
            issues_device_token: false,
            issues_token_also_for: None,
            pending: None,
        }),
        Role::Node => Verdict::Refuse(Refusal::DeviceRequired),
    }
}

/// Whatever else a blocked device shows, it stays out.
fn blocked(facts: &Facts<'_>, role: Role, device: &VerifiedDevice) -> Option<BlockRefusal> {
    let is_in = facts.paired.is_some_and(|paired| paired.live_token(role).is_some());
    match facts.blocked {
        Blocked::Device => Some(BlockRefusal::Device { device_id: device.id().clone() }),
        Blocked::Address if !is_in => Some(BlockRefusal::Address { address: facts.attribution.client.to_string() }),
        Blocked::Address | Blocked::No => None,
    }
}

/// Clients that show no device (wire.md §4.2).
fn without_device(facts: &Facts<'_>, policy: &Policy, role: Role) -> Verdict {
    if facts.connect.is_control_ui() {
        return Verdict::Refuse(Refusal::ControlUiDeviceRequired);
    }
    if role == Role::Node {
        return Verdict::Refuse(Refusal::DeviceRequired);
    }
    let no_secret_needed = policy.auth_mode == AuthMode::None;
    if no_secret_needed && !(is_backend(facts.connect) && is_local_program(facts)) {
        return Verdict::Refuse(Refusal::DeviceRequired);
    }
    match facts.shared_secret {
        SharedSecret::Match => {
            let keeps_scopes = is_local_program(facts) && (is_cli(facts.connect) || is_backend(facts.connect));
            Verdict::Admit(Grant {
                role,
                scopes: if keeps_scopes { facts.connect.scopes() } else { Scopes::default() },
                method: shared_method(policy),
                issues_device_token: false,
                issues_token_also_for: None,
                pending: None,
            })
        }
        SharedSecret::NotGiven => Verdict::Refuse(Refusal::DeviceRequired),
        SharedSecret::Mismatch | SharedSecret::NotConfigured | SharedSecret::Locked { .. } => {
            Verdict::Refuse(secret::refusal(facts, policy))
        }
    }
}

/// Finds what lets a device ask, or says what is missing (wire.md §4.1, step 8).
fn prove(facts: &Facts<'_>, policy: &Policy, role: Role) -> Result<Proof, Refusal> {
    match facts.bootstrap {
        BootstrapProof::Valid(profile) => return Ok(Proof::Bootstrap(profile)),
        BootstrapProof::Locked { retry_after_ms } => return Err(Refusal::RateLimited { retry_after_ms }),
        BootstrapProof::Invalid if facts.shared_secret != SharedSecret::Match => {
            return Err(Refusal::BootstrapTokenInvalid);
        }
        BootstrapProof::Invalid | BootstrapProof::NotGiven => {}
    }
    if facts.shared_secret == SharedSecret::Match {
        return Ok(Proof::SharedSecret);
    }
    if facts.device_token == Presented::Valid {
        return Ok(Proof::DeviceToken);
    }
    if waits(facts.connect) {
        let is_in = facts.paired.is_some_and(|device| device.live_token(role).is_some());
        if is_in {
            return Ok(Proof::DeviceKey);
        }
        let shows_nothing = facts.connect.auth.as_ref().is_none_or(protocol::handshake::Auth::is_empty);
        if shows_nothing && may_knock(policy.knock, facts.attribution) {
            return Ok(Proof::Knock);
        }
    }
    if let Presented::Locked { retry_after_ms } = facts.device_token {
        return Err(Refusal::RateLimited { retry_after_ms });
    }
    let explicit_device_token = facts
        .connect
        .auth
        .as_ref()
        .is_some_and(|auth| protocol::handshake::Auth::given(auth.device_token.as_ref()).is_some());
    if facts.device_token == Presented::Invalid && explicit_device_token {
        return Err(Refusal::DeviceTokenMismatch);
    }
    Err(secret::refusal(facts, policy))
}

/// A device that proved its key: is it in, does it wait, or does a rule let it in?
fn with_device(facts: &Facts<'_>, policy: &Policy, role: Role, device: &VerifiedDevice, proof: Proof) -> Verdict {
    let connect = facts.connect;
    let asked = connect.scopes();
    let grant = Grant {
        role,
        scopes: asked,
        method: method(proof, policy),
        issues_device_token: true,
        issues_token_also_for: None,
        pending: None,
    };
    if let Proof::Bootstrap(profile) = proof {
        return code::by_code(facts, policy, device, profile, grant);
    }
    // Only as an operator: a node that nobody let in is none.
    if role == Role::Operator
        && is_backend(connect)
        && is_local_program(facts)
        && matches!(proof, Proof::SharedSecret | Proof::DeviceToken)
    {
        return Verdict::Admit(Grant { issues_device_token: facts.paired.is_some(), ..grant });
    }
    let paired = facts.paired;
    let grant = Grant { scopes: wanted(paired, role, grant.scopes), ..grant };
    let Some(reason) = missing(paired, connect, role, &grant.scopes) else {
        let exceeds_token = proof == Proof::DeviceToken && !token_allows(paired, role, &grant.scopes);
        return if exceeds_token { Verdict::Refuse(Refusal::DeviceTokenScopeMismatch) } else { Verdict::Admit(grant) };
    };
    let ask = new_ask(facts, policy, device, role, &grant.scopes, reason, proof);
    if proof == Proof::SharedSecret && is_silent(facts, policy, reason, role) {
        return Verdict::Approve { ask: Box::new(ask), roles: vec![role], via: ApprovedVia::Silent, grant };
    }
    if reason == PairingReason::NotPaired && proof == Proof::SharedSecret && is_listed_node(facts, policy, role) {
        return Verdict::Approve { ask: Box::new(ask), roles: vec![role], via: ApprovedVia::TrustedCidr, grant };
    }
    if reason == PairingReason::ScopeUpgrade {
        // A client of ours goes on with what it has; an official one is told to stop and wait.
        if waits(connect) {
            let held = paired.map(|device| device.scopes.allowed_part(role, &grant.scopes)).unwrap_or_default();
            if !held.is_empty() {
                return Verdict::Admit(Grant { scopes: held, pending: Some(Box::new(ask)), ..grant });
            }
        } else if proof == Proof::DeviceToken {
            return Verdict::Refuse(Refusal::DeviceTokenScopeMismatch);
        }
    }
    Verdict::Pair(Box::new(Waiting {
        ask,
        approved: approved(paired),
        // A node host that is sent away without this stays away until somebody restarts it (wire.md §4.4).
        wait_then_retry: role == Role::Node || connect.is_control_ui(),
    }))
}

/// What a device still lacks for this connection, in the order of wire.md §6.2.
fn missing(paired: Option<&Device>, connect: &Connect, role: Role, asked: &Scopes) -> Option<PairingReason> {
    let Some(device) = paired.filter(|device| !device.has_run_out()) else {
        return Some(PairingReason::NotPaired);
    };
    let (platform, family) = metadata::described(&connect.client);
    let stored_family = device.device_family.as_deref().unwrap_or_default();
    if !metadata::is_same_kind(&device.platform, stored_family, &platform, &family.unwrap_or_default()) {
        return Some(PairingReason::MetadataUpgrade);
    }
    if device.live_token(role).is_none() {
        return Some(PairingReason::RoleUpgrade);
    }
    (!device.scopes.allow_all(role, asked)).then_some(PairingReason::ScopeUpgrade)
}

/// What it asks for without what a person has left out when approving it: that is decided. Whoever asks for nothing
/// else does ask for it.
fn wanted(paired: Option<&Device>, role: Role, asked: Scopes) -> Scopes {
    let Some(device) = paired.filter(|device| device.live_token(role).is_some()) else {
        return asked;
    };
    let is_open = |scope: &&str| device.scopes.allow(role, scope) || !device.withheld.contains(scope);
    let wanted: Scopes = asked.iter().filter(is_open).collect();
    if wanted.is_empty() { asked } else { wanted }
}

/// What a device holds that asks for more.
fn approved(paired: Option<&Device>) -> Option<(Vec<Role>, Scopes)> {
    let device = paired.filter(|device| !device.has_run_out())?;
    Some((device.roles.clone(), device.scopes.normalized()))
}

fn token_allows(paired: Option<&Device>, role: Role, asked: &Scopes) -> bool {
    paired.and_then(|device| device.live_token(role)).is_some_and(|token| token.scopes.allow_all(role, asked))
}

/// Whether this machine vouches for the device (wire.md §5.4): only over a direct loopback connection,
/// never through forwarding headers, never on the word of a Host header, never for a page of another
/// program. Nor for a device to which a person gave its time, and that is over.
fn is_silent(facts: &Facts<'_>, policy: &Policy, reason: PairingReason, role: Role) -> bool {
    let is_page = facts.page.is_some();
    let foreign_page = is_page && !facts.connect.is_web_page();
    if foreign_page || !policy.auto_approve_local || !facts.attribution.is_direct_local() || has_run_out(facts) {
        return false;
    }
    match reason {
        PairingReason::NotPaired | PairingReason::ScopeUpgrade => true,
        PairingReason::RoleUpgrade => role == Role::Operator,
        PairingReason::MetadataUpgrade => !is_page && is_native_app(facts.connect),
    }
}

/// Nodes from address ranges the owner listed (wire.md §5.4, trusted CIDR).
fn is_listed_node(facts: &Facts<'_>, policy: &Policy, role: Role) -> bool {
    let through_loopback_proxy =
        matches!(facts.attribution.ingress, Ingress::TrustedProxy { proxy } if proxy.is_loopback());
    role == Role::Node
        && facts.connect.scopes().is_empty()
        && facts.page.is_none()
        && !through_loopback_proxy
        && !has_run_out(facts)
        && policy.auto_approve_cidrs.iter().any(|network| network.contains(&facts.attribution.client))
}

fn has_run_out(facts: &Facts<'_>) -> bool {
    facts.paired.is_some_and(Device::has_run_out)
}

fn may_knock(knock: Knock, attribution: &Attribution) -> bool {
    match knock {
        Knock::Off => false,
        Knock::Private => attribution.network() != Network::Public,
        Knock::Any => true,
    }
}

fn waits(connect: &Connect) -> bool {
    connect.has_cap(CAP_PAIRING_WAIT)
}

fn is_cli(connect: &Connect) -> bool {
    connect.client.id == "cli" && connect.client.mode == "cli"
}

fn is_backend(connect: &Connect) -> bool {
    connect.client.id == "gateway-client" && connect.client.mode == "backend"
}

fn is_native_app(connect: &Connect) -> bool {
    let is_app =
        ["openclaw-macos", "openclaw-linux", "openclaw-ios", "openclaw-android"].contains(&connect.client.id.as_str());
    is_app && connect.client.mode == "ui"
}

fn is_local_program(facts: &Facts<'_>) -> bool {
    facts.attribution.is_direct_local() && facts.page.is_none()
}

fn shared_method(policy: &Policy) -> AuthMethod {
    match policy.auth_mode {
        AuthMode::Token => AuthMethod::Token,
        AuthMode::Password => AuthMethod::Password,
        AuthMode::None => AuthMethod::None,
    }
}

fn method(proof: Proof, policy: &Policy) -> AuthMethod {
    match proof {
        Proof::SharedSecret => shared_method(policy),
        Proof::Bootstrap(_) => AuthMethod::BootstrapToken,
        Proof::DeviceToken => AuthMethod::DeviceToken,
        Proof::DeviceKey | Proof::Knock => AuthMethod::DeviceKey,
    }
}
