//! What the gateway announces, and who may hear it (wire.md §8).

use serde::{Deserialize, Serialize};

use crate::pairing::PairingReason;
use crate::role::{ADMIN, PAIRING, READ, Scopes};
use crate::setup_code::SetupAccess;
use crate::{DeviceId, Fingerprint, Role};

/// Who hears an event (wire.md §8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everyone, nodes included.
    Everyone,
    /// Operators who hold the scope.
    Operators(&'static str),
    /// Only the connection it is meant for; it carries no `seq`.
    One,
}

/// The events this gateway sends: name and audience.
macro_rules! events {
    ($($(#[$doc:meta])* $event:ident = $name:literal, $audience:expr;)*) => {
        /// Every event this gateway sends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $event,)*
        }

        impl Event {
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)*
                }
            }

            pub fn audience(self) -> Audience {
                match self {
                    $(Self::$event => $audience,)*
                }
            }
        }
    };
}

events! {
    /// Extension: something was decided and written down.
    AuditAppended = "audit.appended", Audience::Operators(ADMIN);
    ConfigChanged = "config.changed", Audience::Operators(READ);
    /// Extension: a change of the settings waits for its confirmation, or its time is over.
    ConfigTrial = "config.trial", Audience::Operators(ADMIN);
    ConnectChallenge = "connect.challenge", Audience::One;
    DevicePairChanged = "device.pair.changed", Audience::Operators(PAIRING);
    /// Extension: a held socket learns what it waits for.
    DevicePairPending = "device.pair.pending", Audience::One;
    DevicePairRequested = "device.pair.requested", Audience::Operators(PAIRING);
    DevicePairResolved = "device.pair.resolved", Audience::Operators(PAIRING);
    DevicePairSetupCompleted = "device.pair.setup.completed", Audience::Operators(PAIRING);
    /// Extension: somebody came, and was let in, held or refused.
    DoctorAttempt = "doctor.attempt", Audience::Operators(PAIRING);
    Health = "health", Audience::Everyone;
    NodeHostStats = "node.hostStats", Audience::Operators(READ);
    NodeInvokeCancel = "node.invoke.cancel", Audience::One;
    NodeInvokeRequest = "node.invoke.request", Audience::One;
    NodePairRequested = "node.pair.requested", Audience::Operators(PAIRING);
    /// Also sent to the node itself, then without a `seq`.
    NodePairResolved = "node.pair.resolved", Audience::Operators(PAIRING);
    NodeRunnerInventoryChanged = "node.runnerInventory.changed", Audience::Operators(READ);
    Presence = "presence", Audience::Operators(READ);
    Shutdown = "shutdown", Audience::Everyone;
    Tick = "tick", Audience::Everyone;
}

impl Event {
    /// Whether a connection with this role and these scopes hears it.
    pub fn reaches(self, role: Role, scopes: &Scopes) -> bool {
        match self.audience() {
            Audience::Everyone => true,
            Audience::Operators(scope) => role == Role::Operator && scopes.allow(role, scope),
            Audience::One => false,
        }
    }
}

/// Extension: the payload of `device.pair.pending`, for a client that waits on its socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairPending {
    pub request_id: String,
    pub device_id: DeviceId,
    pub reason: PairingReason,
    /// Unix epoch, milliseconds, by the gateway's clock; `now_ms` is that clock now.
    pub expires_at_ms: u64,
    pub now_ms: u64,
    pub fingerprint: Fingerprint,
    pub role: Role,
    pub scopes: Scopes,
}

/// The payload of `device.pair.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairResolved {
    pub request_id: String,
    pub device_id: DeviceId,
    pub decision: Decision,
    /// Unix epoch, milliseconds.
    pub ts: u64,
}

/// The payload of `device.pair.setup.completed`: a setup code did its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupCompleted {
    pub setup_id: String,
    pub device_id: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    pub access: SetupAccess,
    /// Unix epoch, milliseconds.
    pub ts: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Approved,
    Rejected,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairing_events_reach_only_operators_who_may_pair() {
        let pairing = Scopes::from([PAIRING]);
        assert!(Event::DevicePairRequested.reaches(Role::Operator, &pairing));
        assert!(!Event::DevicePairRequested.reaches(Role::Operator, &Scopes::from(["operator.read"])));
        assert!(!Event::DevicePairRequested.reaches(Role::Node, &pairing));
        assert!(Event::Tick.reaches(Role::Node, &Scopes::default()));
    }
}
