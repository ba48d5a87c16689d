//! Every way the gateway says no. Codes, details, messages, close codes, HTTP status, the sentence a
//! person reads and the next step all derive from this one enum (wire.md §1.5, §4.3, §6.3, §7.2).

mod advice;
mod approve;
mod block;
mod close;
mod config;
mod examples;
mod node;
mod push;
mod setup;
mod step_up;
mod upgrade;
mod wire;

use crate::DeviceId;
use crate::frame::WireError;
use crate::pairing::PairingReason;
use crate::role::{Role, Scopes};

pub use advice::Advice;
pub use approve::ApproveRefusal;
pub use block::BlockRefusal;
pub use close::Close;
pub use config::{ConfigFile, ConfigIssue, ConfigRefusal};
pub use node::{CommandBarred, NodeRefusal, Work};
pub use push::PushRefusal;
pub use setup::{SetupRefusal, UrlUnknown};
pub use step_up::StepUpRefusal;
pub use upgrade::UpgradeRefusal;

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
    Approve(ApproveRefusal),
    Block(BlockRefusal),
    Config(ConfigRefusal),
    Node(NodeRefusal),
    Push(PushRefusal),
    Setup(SetupRefusal),
    StepUp(StepUpRefusal),
    Upgrade(UpgradeRefusal),

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
        } else if let Self::Block(refusal) = self {
            refusal.code()
        } else if let Self::Config(refusal) = self {
            refusal.code()
        } else if let Self::Push(refusal) = self {
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
        } else if let Self::Config(refusal) = self {
            refusal.retry()
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
