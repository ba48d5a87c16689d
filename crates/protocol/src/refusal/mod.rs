//! Every way the gateway says no. Codes, details, messages, close codes, HTTP status, the sentence a
//! person reads and the next step all derive from this one enum (wire.md §1.5, §4.3, §6.3, §7.2).

mod advice;
mod examples;
mod node;
mod setup;
mod wire;

use crate::DeviceId;
use crate::frame::WireError;
use crate::pairing::PairingReason;
use crate::role::{Role, Scopes};

pub use advice::Advice;
pub use node::{CommandBarred, NodeRefusal, Work};
pub use setup::{SetupRefusal, UrlUnknown};

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

/// How soon a node host that waits for approval may be back: the least that the official one accepts.
const COME_BACK_AFTER_MS: u64 = 100;

/// When to try again if the cause may go away by itself.
const RETRY_AFTER_MS: u64 = 5000;

/// Which of the two shared secrets the gateway asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    Token,
    Password,
}

impl SecretKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
        }
    }
}

/// Who reads a hint about a secret (wire.md §4.3, `<hint>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    LocalCli,
    RemoteCli,
    ControlUi,
    Other,
}

/// A device that has to wait for a person (wire.md §6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingRequired {
    pub reason: PairingReason,
    pub request_id: String,
    pub device_id: DeviceId,
    pub role: Role,
    pub scopes: Scopes,
    /// What a paired device holds already.
    pub approved: Option<(Vec<Role>, Scopes)>,
    /// Whether the client should come back by itself.
    pub wait_then_retry: bool,
}

/// Every way to say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    // Before `connect` is understood.
    NotJson,
    NotARequest,
    FrameTooLarge,
    HandshakeTimeout,
    ConnectExpected,
    ConnectInvalid {
        problems: String,
    },
    WorkerUnsupported,
    TooManyPendingFrames,

    // The handshake itself.
    ProtocolMismatch {
        min: u32,
        max: u32,
    },
    RoleInvalid,
    OriginInvalid,
    OriginNotAllowed,
    DeviceRequired,
    ControlUiDeviceRequired,
    DeviceIdMismatch,
    SignatureExpired,
    NonceMissing,
    NonceMismatch,
    SignatureInvalid,
    PublicKeyInvalid,
    SecretMissing {
        kind: SecretKind,
        audience: Audience,
    },
    SecretMismatch {
        kind: SecretKind,
        audience: Audience,
        can_retry_with_device_token: bool,
    },
    SecretNotConfigured {
        kind: SecretKind,
    },
    DeviceTokenMismatch,
    DeviceTokenScopeMismatch,
    BootstrapTokenInvalid,
    RateLimited {
        retry_after_ms: u64,
    },
    ControlUiOutdated {
        gateway_build_id: String,
    },
    PairingRequired(Box<PairingRequired>),
    /// Nobody has decided while an official node host's connect was held; it comes back at once.
    PairingStillRequired {
        reason: PairingReason,
        request_id: String,
    },
    IdentityHeaderMissing {
        header: String,
        role: Role,
    },
    IdentityRefused {
        reason: IdentityReason,
    },
    VerifiedUserRequired,
    ClientVersionMismatch {
        client: String,
        gateway: String,
    },

    // What a held socket hears in the end (extension).
    PairingRejected {
        request_id: String,
    },
    PairingExpired {
        request_id: String,
    },
    PairingSuperseded {
        request_id: String,
    },

    // After the handshake.
    RequestInvalid {
        problems: String,
    },
    ParamsInvalid {
        method: &'static str,
        problems: String,
    },
    UnknownMethod {
        method: String,
    },
    MissingScope {
        scope: String,
    },
    RoleUnauthorized {
        role: Role,
    },
    RequestUnknown,
    RequestChanged,
    ApprovalDenied,
    ApproverLacksScope {
        scope: String,
    },
    ScopeOutsideRoles {
        scope: String,
    },
    RejectionDenied,
    DeviceUnknown,
    RemovalDenied,
    LabelRequired,
    RenameDenied,
    RotationDenied,
    RevocationDenied,
    StoreUnavailable,
    TooManyRequestsWaiting,
    Node(NodeRefusal),
    Setup(SetupRefusal),

    // Before there is a socket.
    ProxyUnattributable,
    TooManyUnauthenticated,
    GatewayStopping,
}

/// Why an identity that a proxy vouched for was not accepted (wire.md §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityReason {
    UserMissing,
    UserNotAllowed,
    UntrustedSource,
    LoopbackSource,
    LocalInterfaceSource,
}

impl IdentityReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::UserMissing => "trusted_proxy_user_missing",
            Self::UserNotAllowed => "trusted_proxy_user_not_allowed",
            Self::UntrustedSource => "trusted_proxy_untrusted_source",
            Self::LoopbackSource => "trusted_proxy_loopback_source",
            Self::LocalInterfaceSource => "trusted_proxy_local_interface_source",
        }
    }
}

impl Refusal {
    /// The `code` of the wire error.
    pub fn code(&self) -> &'static str {
        if let Self::Node(refusal) = self {
            refusal.code()
        } else if let Self::Setup(refusal) = self {
            refusal.code()
        } else if matches!(
            self,
            Self::DeviceRequired
                | Self::PairingRequired(_)
                | Self::VerifiedUserRequired
                | Self::PairingRejected { .. }
                | Self::PairingExpired { .. }
                | Self::PairingSuperseded { .. }
        ) {
            "NOT_PAIRED"
        } else if matches!(
            self,
            Self::ControlUiOutdated { .. }
                | Self::PairingStillRequired { .. }
                | Self::StoreUnavailable
                | Self::TooManyRequestsWaiting
                | Self::TooManyUnauthenticated
                | Self::GatewayStopping
        ) {
            "UNAVAILABLE"
        } else if matches!(self, Self::MissingScope { .. }) {
            "FORBIDDEN"
        } else {
            "INVALID_REQUEST"
        }
    }

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
            | Self::Node(_)
            | Self::Setup(_)
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

    /// The error of the response, where there is one: a few refusals close without a word.
    pub fn wire_error(&self) -> Option<WireError> {
        if matches!(
            self,
            Self::NotJson
                | Self::NotARequest
                | Self::FrameTooLarge
                | Self::HandshakeTimeout
                | Self::WorkerUnsupported
                | Self::TooManyPendingFrames
        ) {
            return None;
        }
        let (retryable, retry_after_ms) = self.retry();
        Some(WireError {
            code: self.code().to_owned(),
            message: self.message(),
            details: self.details(),
            retryable,
            retry_after_ms,
        })
    }

    /// Whether and when trying again makes sense, where the wire says so.
    fn retry(&self) -> (Option<bool>, Option<u64>) {
        if let Self::RateLimited { retry_after_ms } = self {
            (Some(true), Some(*retry_after_ms))
        } else if matches!(self, Self::ControlUiOutdated { .. }) {
            (Some(false), None)
        } else if matches!(self, Self::StoreUnavailable | Self::TooManyRequestsWaiting) {
            (Some(true), Some(RETRY_AFTER_MS))
        } else if matches!(self, Self::PairingStillRequired { .. }) {
            (Some(true), Some(COME_BACK_AFTER_MS))
        } else if matches!(self, Self::Node(refusal) if refusal.is_retryable()) {
            (Some(true), None)
        } else if let Self::Setup(refusal) = self {
            (refusal.retry_after_ms().map(|_| true), refusal.retry_after_ms())
        } else {
            (None, None)
        }
    }

    /// The HTTP status, for refusals that come before there is a socket.
    pub fn http_status(&self) -> u16 {
        if matches!(self, Self::ProxyUnattributable) {
            403
        } else if matches!(self, Self::TooManyUnauthenticated | Self::GatewayStopping) {
            503
        } else {
            400
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

    #[test]
    fn every_error_has_a_code_and_a_message() {
        for error in Refusal::examples().iter().filter_map(Refusal::wire_error) {
            assert!(!error.code.is_empty() && !error.message.is_empty(), "{error:?}");
        }
    }

    #[test]
    fn every_refusal_says_what_happened_and_what_to_do() {
        for refusal in Refusal::examples() {
            let advice = refusal.advice();
            assert!(advice.sentence.ends_with('.') && advice.next_step.ends_with('.'), "{refusal:?}");
        }
    }

    #[test]
    fn a_client_finds_the_advice_from_the_error_it_got() {
        let refusal = Refusal::SecretMismatch {
            kind: SecretKind::Token,
            audience: Audience::ControlUi,
            can_retry_with_device_token: true,
        };
        let error = refusal.wire_error().unwrap();
        assert_eq!(Refusal::advice_for(&error), Some(refusal.advice()));
        let removed = Refusal::RemovalDenied;
        assert_eq!(Refusal::advice_for(&removed.wire_error().unwrap()), Some(removed.advice()));
    }
}
