//! How a socket is closed, and which refusals close it (wire.md §1.5, §1.6).

use super::Refusal;

/// How a socket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

/// The longest close reason, in bytes of UTF-8 (wire.md §1.4).
const MAX_CLOSE_REASON: usize = 120;

impl Close {
    /// A close with its reason cut to what fits; an empty reason becomes `invalid handshake`.
    pub fn new(code: u16, reason: &str) -> Self {
        let mut end = reason.len().min(MAX_CLOSE_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = if reason.is_empty() { "invalid handshake" } else { &reason[..end] };
        Self { code, reason: reason.to_owned() }
    }

    /// A close without a word.
    pub fn silent(code: u16) -> Self {
        Self { code, reason: String::new() }
    }

    pub fn device_removed() -> Self {
        Self::new(4001, "device removed")
    }

    /// Extension: what was approved has ended by itself. Others hear the same as when they are removed.
    pub fn approval_ended() -> Self {
        Self::new(4001, "device approval ended")
    }

    /// Extension: a client of ours has nothing to do but to come back for its new token. Others hear the
    /// same as when they are removed (wire.md §1.6).
    pub fn token_rotated() -> Self {
        Self::new(4001, "device token rotated")
    }

    pub fn auth_changed() -> Self {
        Self::new(4001, "gateway auth changed")
    }

    pub fn policy_changed() -> Self {
        Self::new(4001, "gateway policy changed")
    }

    /// Extension: an approval gave a live connection more than it was let in with; it comes back.
    pub fn scopes_changed() -> Self {
        Self::new(1012, "device scopes changed")
    }

    pub fn service_restart() -> Self {
        Self::new(1012, "service restart")
    }

    pub fn slow_consumer() -> Self {
        Self::new(1008, "slow consumer")
    }

    pub fn repeated_unauthorized_calls() -> Self {
        Self::new(1008, "repeated unauthorized calls")
    }
}

impl Refusal {
    /// How the socket ends, for refusals that end it. `None` where the socket stays open.
    pub fn close(&self) -> Option<Close> {
        match self {
            Self::NotJson | Self::HandshakeTimeout => Some(Close::silent(1000)),
            Self::FrameTooLarge => Some(Close::silent(1009)),
            Self::ProtocolMismatch { .. } => Some(Close::new(1002, &self.message())),
            Self::PairingRequired(required) => {
                Some(Close::new(1008, &format!("{} (requestId: {})", self.message(), required.request_id)))
            }
            Self::PairingStillRequired { request_id, .. } => {
                Some(Close::new(1013, &format!("{} (requestId: {request_id})", self.message())))
            }
            Self::GatewayStopping => Some(Close::service_restart()),
            Self::Block(refusal) => refusal.ends_the_socket().then(|| Close::new(1008, &self.message())),
            Self::RequestInvalid { .. }
            | Self::ParamsInvalid { .. }
            | Self::UnknownMethod { .. }
            | Self::MissingScope { .. }
            | Self::RoleUnauthorized { .. }
            | Self::RequestUnknown
            | Self::RequestChanged
            | Self::ApprovalDenied
            | Self::ApproverLacksScope { .. }
            | Self::ScopeOutsideRoles { .. }
            | Self::RejectionDenied
            | Self::DeviceUnknown
            | Self::RemovalDenied
            | Self::LabelRequired
            | Self::RenameDenied
            | Self::RotationDenied
            | Self::RevocationDenied
            | Self::Approve(_)
            | Self::Config(_)
            | Self::Node(_)
            | Self::Push(_)
            | Self::Setup(_)
            | Self::StepUp(_)
            | Self::Upgrade(_)
            | Self::ProxyUnattributable
            | Self::TooManyUnauthenticated => None,
            Self::NotARequest
            | Self::ConnectExpected
            | Self::ConnectInvalid { .. }
            | Self::WorkerUnsupported
            | Self::TooManyPendingFrames
            | Self::RoleInvalid
            | Self::OriginInvalid
            | Self::OriginNotAllowed
            | Self::DeviceRequired
            | Self::ControlUiDeviceRequired
            | Self::DeviceIdMismatch
            | Self::SignatureExpired
            | Self::NonceMissing
            | Self::NonceMismatch
            | Self::SignatureInvalid
            | Self::PublicKeyInvalid
            | Self::SecretMissing { .. }
            | Self::SecretMismatch { .. }
            | Self::SecretNotConfigured { .. }
            | Self::DeviceTokenMismatch
            | Self::DeviceTokenScopeMismatch
            | Self::BootstrapTokenInvalid
            | Self::RateLimited { .. }
            | Self::ControlUiOutdated { .. }
            | Self::IdentityHeaderMissing { .. }
            | Self::IdentityRefused { .. }
            | Self::VerifiedUserRequired
            | Self::ClientVersionMismatch { .. }
            | Self::PairingRejected { .. }
            | Self::PairingExpired { .. }
            | Self::PairingSuperseded { .. }
            | Self::StoreUnavailable
            | Self::TooManyRequestsWaiting => Some(Close::new(1008, &self.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_reason_fits_a_close_frame() {
        for refusal in Refusal::examples() {
            if let Some(close) = refusal.close() {
                assert!(close.reason.len() <= 120, "{refusal:?}");
            }
        }
    }
}
