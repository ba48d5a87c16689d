//! One-time codes: whose a code is, and what it does for whoever shows it (wire.md §10.3).
//!
//! **Invariant:** a code never gives more than its profile, and never to a second device. The first
//! presentation that fits the profile binds it to that device and to what was asked for.

use protocol::device::plain;
use protocol::handshake::Client;
use protocol::{BootstrapProfile, Connect, DeviceId, Role, Scopes};

/// A code as stored, its secret aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootstrapToken {
    pub profile: BootstrapProfile,
    /// Unix epoch, milliseconds.
    pub expires_at_ms: u64,
    pub bound: Option<Presentation>,
    pub redeemed_at_ms: Option<u64>,
}

/// Who shows a code, and what for. A device's id is the hash of its key, so it stands for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presentation {
    pub device_id: DeviceId,
    pub role: Role,
    pub scopes: Scopes,
}

impl BootstrapToken {
    /// The code as it is once this device has shown it; `None` where it is not good for that, and nothing
    /// changes.
    pub fn shown_by(&self, shown: &Presentation, now_ms: u64) -> Option<Self> {
        let is_open = self.redeemed_at_ms.is_none() && self.expires_at_ms > now_ms;
        let is_fit = fits(self.profile, shown.role, &shown.scopes);
        let is_mine = self.bound.as_ref().is_none_or(|bound| {
            bound.device_id == shown.device_id && bound.role == shown.role && is_within(&shown.scopes, &bound.scopes)
        });
        let bound = self.bound.clone().unwrap_or_else(|| shown.clone());
        (is_open && is_fit && is_mine).then(|| Self { bound: Some(bound), ..self.clone() })
    }
}

/// What a valid code does for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// It lets the device in at once, with these roles and scopes.
    Silent { roles: Vec<Role>, scopes: Scopes },
    /// It lets the device ask; a person decides.
    ByPerson,
    /// It is not for this.
    Unfit,
}

/// What a code of this profile does for who connects.
pub fn redemption(profile: BootstrapProfile, connect: &Connect) -> Redemption {
    let Some(role) = connect.role() else {
        return Redemption::Unfit;
    };
    let asked = connect.scopes();
    // An owner link is for the page alone; nobody may even ask with one.
    let is_misplaced = profile == BootstrapProfile::Owner && !connect.is_control_ui();
    if is_misplaced || !fits(profile, role, &asked) {
        return Redemption::Unfit;
    }
    match (role, is_meant_for(profile, &connect.client)) {
        // The machine gets all of it at once, so that nothing is left to be approved (T-E05.1).
        (Role::Node, true) => Redemption::Silent { roles: profile.roles().to_vec(), scopes: profile.scopes() },
        (Role::Operator, true) => only(role, asked),
        (Role::Operator, false) if connect.is_control_ui() && is_for_pages(profile) => only(role, asked),
        (Role::Node | Role::Operator, false) => Redemption::ByPerson,
    }
}

fn only(role: Role, scopes: Scopes) -> Redemption {
    Redemption::Silent { roles: vec![role], scopes }
}

/// Whether a code of this profile may be asked to give this. The owner's links give all or nothing.
fn fits(profile: BootstrapProfile, role: Role, asked: &Scopes) -> bool {
    let allowed = match role {
        Role::Operator => profile.scopes(),
        Role::Node => Scopes::default(),
    };
    let is_all = profile != BootstrapProfile::Owner || asked.same_set(&allowed);
    profile.roles().contains(&role) && is_within(asked, &allowed) && is_all
}

/// Besides the owner's links, and that is our extension, a page may use the codes made for apps: a phone's
/// camera opens the link of such a code, and the page is in.
fn is_for_pages(profile: BootstrapProfile) -> bool {
    matches!(profile, BootstrapProfile::Owner | BootstrapProfile::Full | BootstrapProfile::Limited)
}

/// Scope by scope: what a wider scope implies must not sneak in, pairing under admin least of all.
fn is_within(asked: &Scopes, allowed: &Scopes) -> bool {
    asked.iter().all(|scope| allowed.contains(scope))
}

/// Whether the program is the one that codes of this profile are made for, by what it says of itself and
/// signs.
fn is_meant_for(profile: BootstrapProfile, client: &Client) -> bool {
    let platform = plain(&client.platform);
    let family = plain(client.device_family.as_deref().unwrap_or_default());
    let on = |platforms: &[&str], families: &[&str]| {
        platforms.iter().any(|name| platform.starts_with(name)) && families.contains(&family.as_str())
    };
    match (profile, client.id.as_str()) {
        (BootstrapProfile::Full | BootstrapProfile::Limited, "openclaw-ios") => {
            on(&["ios", "ipados"], &["iphone", "ipad", "ios"])
        }
        (BootstrapProfile::Full | BootstrapProfile::Limited, "openclaw-android") => on(&["android"], &["android"]),
        (BootstrapProfile::Node, "node-host") => true,
        (BootstrapProfile::VoiceNode, "node-host") => platform.starts_with("esp32"),
        (
            BootstrapProfile::Full
            | BootstrapProfile::Limited
            | BootstrapProfile::Node
            | BootstrapProfile::VoiceNode
            | BootstrapProfile::Owner,
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(device: &str, role: Role, scopes: &[&str]) -> Presentation {
        Presentation { device_id: DeviceId::claimed(device), role, scopes: scopes.iter().copied().collect() }
    }

    fn token() -> BootstrapToken {
        BootstrapToken { profile: BootstrapProfile::Full, expires_at_ms: 10, bound: None, redeemed_at_ms: None }
    }

    #[test]
    fn a_code_belongs_to_the_first_device_and_to_what_that_asked_for() {
        let first = shown("a", Role::Operator, &["operator.read", "operator.write"]);
        let bound = token().shown_by(&first, 0).unwrap();
        assert_eq!(bound.bound.as_ref(), Some(&first));
        assert_eq!(bound.shown_by(&first, 0).as_ref(), Some(&bound));
        assert_eq!(bound.shown_by(&shown("a", Role::Operator, &["operator.read"]), 0).as_ref(), Some(&bound));
        assert_eq!(bound.shown_by(&shown("a", Role::Operator, &["operator.admin"]), 0), None);
        assert_eq!(bound.shown_by(&shown("a", Role::Node, &[]), 0), None);
        assert_eq!(bound.shown_by(&shown("b", Role::Operator, &["operator.read"]), 0), None);
    }

    #[test]
    fn what_a_code_cannot_give_does_not_even_bind_it() {
        assert_eq!(token().shown_by(&shown("a", Role::Operator, &["operator.pairing"]), 0), None);
        assert_eq!(token().shown_by(&shown("a", Role::Node, &["operator.read"]), 0), None);
        let node = BootstrapToken { profile: BootstrapProfile::Node, ..token() };
        assert_eq!(node.shown_by(&shown("a", Role::Operator, &[]), 0), None);
        let owner = BootstrapToken { profile: BootstrapProfile::Owner, ..token() };
        assert_eq!(owner.shown_by(&shown("a", Role::Operator, &["operator.admin"]), 0), None);
    }

    #[test]
    fn a_code_that_is_spent_or_too_old_is_good_for_nothing() {
        let first = shown("a", Role::Node, &[]);
        assert_eq!(token().shown_by(&first, 10), None);
        assert_eq!(BootstrapToken { redeemed_at_ms: Some(1), ..token() }.shown_by(&first, 2), None);
    }
}
