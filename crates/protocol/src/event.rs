//! What the gateway announces, and who may hear it (wire.md §8).

use serde::{Deserialize, Serialize};

use crate::pairing::PairingReason;
use crate::role::{PAIRING, Scopes};
use crate::{DeviceId, Fingerprint, Role};

/// Every event this gateway sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    ConnectChallenge,
    DevicePairChanged,
    /// Extension: a held socket learns what it waits for.
    DevicePairPending,
    DevicePairRequested,
    DevicePairResolved,
    Shutdown,
    Tick,
}

impl Event {
    pub const ALL: [Self; 7] = [
        Self::ConnectChallenge,
        Self::DevicePairChanged,
        Self::DevicePairPending,
        Self::DevicePairRequested,
        Self::DevicePairResolved,
        Self::Shutdown,
        Self::Tick,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectChallenge => "connect.challenge",
            Self::DevicePairChanged => "device.pair.changed",
            Self::DevicePairPending => "device.pair.pending",
            Self::DevicePairRequested => "device.pair.requested",
            Self::DevicePairResolved => "device.pair.resolved",
            Self::Shutdown => "shutdown",
            Self::Tick => "tick",
        }
    }

    /// The scope a listener must hold; `None` is for everyone, nodes included.
    pub fn guard(self) -> Option<&'static str> {
        match self {
            Self::DevicePairChanged | Self::DevicePairRequested | Self::DevicePairResolved => Some(PAIRING),
            Self::ConnectChallenge | Self::DevicePairPending | Self::Shutdown | Self::Tick => None,
        }
    }

    /// Whether a connection with this role and these scopes hears it.
    pub fn reaches(self, role: Role, scopes: &Scopes) -> bool {
        self.guard().is_none_or(|scope| role == Role::Operator && scopes.allow(role, scope))
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
