//! Every way the gateway says no. Codes, details, messages, close codes, HTTP status, the sentence a
//! person reads and the next step all derive from this one enum (wire.md §1.5, §4.3, §6.3, §7.2).

use serde_json::{Map, Value, json};

use crate::frame::WireError;
use crate::pairing::PairingReason;
use crate::role::{Role, Scopes};
use crate::{DeviceId, MINIMUM_PROBE_PROTOCOL, PROTOCOL_VERSION};

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

/// Which of the two shared secrets the gateway asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    Token,
    Password,
}

impl SecretKind {
    fn word(self) -> &'static str {
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
    ConnectInvalid { problems: String },
    WorkerUnsupported,
    TooManyPendingFrames,

    // The handshake itself.
    ProtocolMismatch { min: u32, max: u32 },
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
    SecretMissing { kind: SecretKind, audience: Audience },
    SecretMismatch { kind: SecretKind, audience: Audience, can_retry_with_device_token: bool },
    SecretNotConfigured { kind: SecretKind },
    DeviceTokenMismatch,
    DeviceTokenScopeMismatch,
    BootstrapTokenInvalid,
    RateLimited { retry_after_ms: u64 },
    ControlUiOutdated { gateway_build_id: String },
    PairingRequired(Box<PairingRequired>),
    IdentityHeaderMissing { header: String, role: Role },
    IdentityRefused { reason: IdentityReason },
    VerifiedUserRequired,
    ClientVersionMismatch { client: String, gateway: String },

    // What a held socket hears in the end (extension).
    PairingRejected { request_id: String },
    PairingExpired { request_id: String },
    PairingSuperseded { request_id: String },

    // After the handshake.
    RequestInvalid { problems: String },
    ParamsInvalid { method: &'static str, problems: String },
    UnknownMethod { method: String },
    MissingScope { scope: String },
    RoleUnauthorized { role: Role },
    RequestUnknown,
    RequestChanged,
    ApprovalDenied,
    ApproverLacksScope { scope: String },
    ScopeOutsideRoles { scope: String },
    RejectionDenied,
    DeviceUnknown,
    RemovalDenied,
    LabelRequired,
    RenameDenied,
    RotationDenied,
    RevocationDenied,
    StoreUnavailable,
    TooManyRequestsWaiting,

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

/// What a refusal says to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened, in one sentence.
    pub sentence: &'static str,
    /// What to do now.
    pub next_step: &'static str,
}

impl Refusal {
    /// The `code` of the wire error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DeviceRequired
            | Self::PairingRequired(_)
            | Self::VerifiedUserRequired
            | Self::PairingRejected { .. }
            | Self::PairingExpired { .. }
            | Self::PairingSuperseded { .. } => "NOT_PAIRED",
            Self::ControlUiOutdated { .. }
            | Self::StoreUnavailable
            | Self::TooManyRequestsWaiting
            | Self::TooManyUnauthenticated
            | Self::GatewayStopping => "UNAVAILABLE",
            Self::MissingScope { .. } => "FORBIDDEN",
            Self::NotJson
            | Self::NotARequest
            | Self::FrameTooLarge
            | Self::HandshakeTimeout
            | Self::ConnectExpected
            | Self::ConnectInvalid { .. }
            | Self::WorkerUnsupported
            | Self::TooManyPendingFrames
            | Self::ProtocolMismatch { .. }
            | Self::RoleInvalid
            | Self::OriginInvalid
            | Self::OriginNotAllowed
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
            | Self::IdentityHeaderMissing { .. }
            | Self::IdentityRefused { .. }
            | Self::ClientVersionMismatch { .. }
            | Self::RequestInvalid { .. }
            | Self::ParamsInvalid { .. }
            | Self::UnknownMethod { .. }
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
            | Self::ProxyUnattributable => "INVALID_REQUEST",
        }
    }

    /// The `message` of the wire error, and the close reason before it is cut.
    pub fn message(&self) -> String {
        match self {
            Self::NotJson | Self::FrameTooLarge | Self::HandshakeTimeout => String::new(),
            Self::NotARequest => "invalid request frame".to_owned(),
            Self::ConnectExpected => "invalid handshake: first request must be connect".to_owned(),
            Self::ConnectInvalid { problems } => format!("invalid connect params: {problems}"),
            Self::WorkerUnsupported => "invalid-handshake".to_owned(),
            Self::TooManyPendingFrames => "too many pending handshake frames".to_owned(),
            Self::ProtocolMismatch { .. } => "protocol mismatch".to_owned(),
            Self::RoleInvalid => "invalid role".to_owned(),
            Self::OriginInvalid | Self::OriginNotAllowed => {
                "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)".to_owned()
            }
            Self::DeviceRequired => "device identity required".to_owned(),
            Self::ControlUiDeviceRequired => {
                "control ui requires device identity (use HTTPS or localhost secure context)".to_owned()
            }
            Self::DeviceIdMismatch => "device identity mismatch".to_owned(),
            Self::SignatureExpired => "device signature expired".to_owned(),
            Self::NonceMissing => "device nonce required".to_owned(),
            Self::NonceMismatch => "device nonce mismatch".to_owned(),
            Self::SignatureInvalid => "device signature invalid".to_owned(),
            Self::PublicKeyInvalid => "device public key invalid".to_owned(),
            Self::SecretMissing { kind, audience } => {
                format!("unauthorized: gateway {} missing ({})", kind.word(), hint(*kind, *audience, true))
            }
            Self::SecretMismatch { kind, audience, .. } => {
                format!("unauthorized: gateway {} mismatch ({})", kind.word(), hint(*kind, *audience, false))
            }
            Self::SecretNotConfigured { kind } => {
                format!("unauthorized: gateway {0} not configured on gateway (set gateway.auth.{0})", kind.word())
            }
            Self::DeviceTokenMismatch => "unauthorized: device token mismatch (rotate/reissue device token)".to_owned(),
            Self::DeviceTokenScopeMismatch => {
                "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)".to_owned()
            }
            Self::BootstrapTokenInvalid => {
                "unauthorized: setup code invalid, expired, revoked, or already used (create a new code; review `openclaw devices list`)".to_owned()
            }
            Self::RateLimited { .. } => {
                "unauthorized: too many failed authentication attempts (retry later)".to_owned()
            }
            Self::ControlUiOutdated { .. } => {
                "protocol mismatch: Control UI updated; reload this page to continue".to_owned()
            }
            Self::PairingRequired(required) => format!("pairing required: {}", required.reason.message()),
            Self::IdentityHeaderMissing { role: Role::Node, .. } => {
                "gateway rejected this node: trusted-proxy identity-header authentication is required and no usable machine credential was accepted; run `openclaw doctor` on the Gateway".to_owned()
            }
            Self::IdentityHeaderMissing { role: Role::Operator, .. } | Self::IdentityRefused { .. } => {
                "unauthorized".to_owned()
            }
            Self::VerifiedUserRequired => {
                "operator role policies require a verified user identity for this authentication method".to_owned()
            }
            Self::ClientVersionMismatch { .. } => "client version mismatch".to_owned(),
            Self::PairingRejected { .. } => "pairing rejected: the owner declined this request".to_owned(),
            Self::PairingExpired { .. } => "pairing expired: nobody decided in time".to_owned(),
            Self::PairingSuperseded { .. } => "pairing superseded: this device asked again for something else".to_owned(),
            Self::RequestInvalid { problems } => format!("invalid request frame: {problems}"),
            Self::ParamsInvalid { method, problems } => format!("invalid {method} params: {problems}"),
            Self::UnknownMethod { method } => format!("unknown method: {method}"),
            Self::MissingScope { scope } | Self::ApproverLacksScope { scope } => format!("missing scope: {scope}"),
            Self::RoleUnauthorized { role } => format!("unauthorized role: {role}"),
            Self::RequestUnknown => "unknown requestId".to_owned(),
            Self::RequestChanged => "the request has changed since it was displayed; look at it again".to_owned(),
            Self::ApprovalDenied => "device pairing approval denied".to_owned(),
            Self::ScopeOutsideRoles { scope } => format!("invalid scope for requested roles: {scope}"),
            Self::RejectionDenied => "device pairing rejection denied".to_owned(),
            Self::DeviceUnknown => "unknown deviceId".to_owned(),
            Self::RemovalDenied => "device pairing removal denied".to_owned(),
            Self::LabelRequired => "label required".to_owned(),
            Self::RenameDenied => "device pairing rename denied".to_owned(),
            Self::RotationDenied => "device token rotation denied".to_owned(),
            Self::RevocationDenied => "device token revocation denied".to_owned(),
            Self::StoreUnavailable => "the pairing store cannot be read or written; nothing was changed".to_owned(),
            Self::TooManyRequestsWaiting => "too many pairing requests wait from this address; try again later".to_owned(),
            Self::ProxyUnattributable => {
                "Proxy client attribution is required. Configure gateway.trustedProxies narrowly and make the proxy overwrite or safely rebuild forwarded client headers.".to_owned()
            }
            Self::TooManyUnauthenticated => "Too many unauthenticated sockets".to_owned(),
            Self::GatewayStopping => "gateway stopping".to_owned(),
        }
    }

    /// The machine-readable `details` of the wire error.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::ProtocolMismatch { min, max } => Some(json!({
                "code": "PROTOCOL_MISMATCH",
                "clientMinProtocol": min,
                "clientMaxProtocol": max,
                "expectedProtocol": PROTOCOL_VERSION,
                "minimumProbeProtocol": MINIMUM_PROBE_PROTOCOL,
            })),
            Self::OriginInvalid => {
                Some(json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": "origin missing or invalid"}))
            }
            Self::OriginNotAllowed => {
                Some(json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": "origin not allowed"}))
            }
            Self::DeviceRequired => Some(json!({"code": "DEVICE_IDENTITY_REQUIRED"})),
            Self::ControlUiDeviceRequired => Some(json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"})),
            Self::DeviceIdMismatch => Some(device_details("DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch")),
            Self::SignatureExpired => Some(device_details("DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale")),
            Self::NonceMissing => Some(device_details("DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing")),
            Self::NonceMismatch => Some(device_details("DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch")),
            Self::SignatureInvalid => Some(device_details("DEVICE_AUTH_SIGNATURE_INVALID", "device-signature")),
            Self::PublicKeyInvalid => Some(device_details("DEVICE_AUTH_PUBLIC_KEY_INVALID", "device-public-key")),
            Self::SecretMissing { kind: SecretKind::Token, .. } => {
                Some(auth_details("AUTH_TOKEN_MISSING", "token_missing", "update_auth_configuration"))
            }
            Self::SecretMissing { kind: SecretKind::Password, .. } => {
                Some(auth_details("AUTH_PASSWORD_MISSING", "password_missing", "update_auth_configuration"))
            }
            Self::SecretMismatch { kind: SecretKind::Token, can_retry_with_device_token: true, .. } => Some(json!({
                "code": "AUTH_TOKEN_MISMATCH",
                "authReason": "token_mismatch",
                "canRetryWithDeviceToken": true,
                "recommendedNextStep": "retry_with_device_token",
            })),
            Self::SecretMismatch { kind: SecretKind::Token, .. } => {
                Some(auth_details("AUTH_TOKEN_MISMATCH", "token_mismatch", "update_auth_credentials"))
            }
            Self::SecretMismatch { kind: SecretKind::Password, .. } => {
                Some(auth_details("AUTH_PASSWORD_MISMATCH", "password_mismatch", "update_auth_credentials"))
            }
            Self::SecretNotConfigured { kind: SecretKind::Token } => {
                Some(auth_details("AUTH_TOKEN_NOT_CONFIGURED", "token_missing_config", "update_auth_configuration"))
            }
            Self::SecretNotConfigured { kind: SecretKind::Password } => Some(auth_details(
                "AUTH_PASSWORD_NOT_CONFIGURED",
                "password_missing_config",
                "update_auth_configuration",
            )),
            Self::DeviceTokenMismatch => {
                Some(auth_details("AUTH_DEVICE_TOKEN_MISMATCH", "device_token_mismatch", "update_auth_credentials"))
            }
            Self::DeviceTokenScopeMismatch => {
                Some(auth_details("AUTH_SCOPE_MISMATCH", "scope_mismatch", "review_auth_configuration"))
            }
            Self::BootstrapTokenInvalid => Some(auth_details(
                "AUTH_BOOTSTRAP_TOKEN_INVALID",
                "bootstrap_token_invalid",
                "review_auth_configuration",
            )),
            Self::RateLimited { .. } => Some(auth_details("AUTH_RATE_LIMITED", "rate_limited", "wait_then_retry")),
            Self::ControlUiOutdated { gateway_build_id } => {
                Some(json!({"code": "PROTOCOL_MISMATCH", "gatewayBuildId": gateway_build_id, "reloadRequired": true}))
            }
            Self::PairingRequired(required) => Some(required.details()),
            Self::IdentityHeaderMissing { header, .. } => Some(auth_details(
                "AUTH_IDENTITY_HEADER_REQUIRED",
                &format!("trusted_proxy_missing_header_{}", header.to_ascii_lowercase()),
                "review_auth_configuration",
            )),
            Self::IdentityRefused { reason } => {
                Some(auth_details("AUTH_UNAUTHORIZED", reason.as_str(), "review_auth_configuration"))
            }
            Self::VerifiedUserRequired => Some(json!({"code": "AUTH_VERIFIED_USER_REQUIRED"})),
            Self::ClientVersionMismatch { client, gateway } => {
                Some(json!({"code": "CLIENT_VERSION_MISMATCH", "clientVersion": client, "gatewayVersion": gateway}))
            }
            Self::PairingRejected { request_id } => Some(json!({"code": "PAIRING_REJECTED", "requestId": request_id})),
            Self::PairingExpired { request_id } => Some(json!({"code": "PAIRING_EXPIRED", "requestId": request_id})),
            Self::PairingSuperseded { request_id } => {
                Some(json!({"code": "PAIRING_SUPERSEDED", "requestId": request_id}))
            }
            Self::MissingScope { scope } => {
                Some(json!({"code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope]}))
            }
            Self::RequestChanged => Some(json!({"code": "REQUEST_CHANGED"})),
            Self::StoreUnavailable => Some(json!({"code": "STORE_UNAVAILABLE"})),
            Self::TooManyRequestsWaiting => Some(json!({"code": "TOO_MANY_REQUESTS_WAITING"})),
            Self::NotJson
            | Self::NotARequest
            | Self::FrameTooLarge
            | Self::HandshakeTimeout
            | Self::ConnectExpected
            | Self::ConnectInvalid { .. }
            | Self::WorkerUnsupported
            | Self::TooManyPendingFrames
            | Self::RoleInvalid
            | Self::RequestInvalid { .. }
            | Self::ParamsInvalid { .. }
            | Self::UnknownMethod { .. }
            | Self::RoleUnauthorized { .. }
            | Self::RequestUnknown
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
            | Self::ProxyUnattributable
            | Self::TooManyUnauthenticated
            | Self::GatewayStopping => None,
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

    fn retry(&self) -> (Option<bool>, Option<u64>) {
        if let Self::RateLimited { retry_after_ms } = self {
            return (Some(true), Some(*retry_after_ms));
        }
        match self {
            Self::ControlUiOutdated { .. } => (Some(false), None),
            Self::StoreUnavailable => (Some(true), Some(1000)),
            Self::TooManyRequestsWaiting => (Some(true), Some(30_000)),
            _ => (None, None),
        }
    }

    /// The HTTP status, for refusals that come before there is a socket.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::ProxyUnattributable => 403,
            Self::TooManyUnauthenticated | Self::GatewayStopping => 503,
            _ => 400,
        }
    }

    /// What to tell the person behind the client.
    pub fn advice(&self) -> Advice {
        match self {
            Self::NotJson
            | Self::NotARequest
            | Self::ConnectExpected
            | Self::ConnectInvalid { .. }
            | Self::TooManyPendingFrames
            | Self::FrameTooLarge => advice(
                "The program did not speak the gateway's protocol.",
                "Update the program, or check that it is an OpenClaw client.",
            ),
            Self::HandshakeTimeout => {
                advice("The connection stayed silent for too long.", "Check the network and connect again.")
            }
            Self::WorkerUnsupported => advice("This gateway has no workers.", "Connect as an operator or as a node."),
            Self::ProtocolMismatch { .. } | Self::ClientVersionMismatch { .. } => advice(
                "The program and the gateway speak different versions of the protocol.",
                "Update the older of the two.",
            ),
            Self::RoleInvalid => {
                advice("The program asked for a role that does not exist.", "Use the role operator or node.")
            }
            Self::OriginInvalid | Self::OriginNotAllowed => advice(
                "The gateway does not know the address this page was loaded from.",
                "On the gateway's machine, add this page's address to gateway.controlUi.allowedOrigins.",
            ),
            Self::DeviceRequired => {
                advice("The program has no device key to show.", "Update it, or give it the gateway's token.")
            }
            Self::ControlUiDeviceRequired => advice(
                "The browser gives a page no device key over plain HTTP.",
                "Open the page over HTTPS, over Tailscale, or on localhost.",
            ),
            Self::DeviceIdMismatch | Self::SignatureInvalid | Self::PublicKeyInvalid => advice(
                "The device could not prove that its key is its own.",
                "Connect again; if it stays so, forget the device's key and pair it anew.",
            ),
            Self::SignatureExpired => advice(
                "The device signed with a time that is more than two minutes off.",
                "Set the clock of the device, or of the gateway's machine, and connect again.",
            ),
            Self::NonceMissing | Self::NonceMismatch => {
                advice("The device answered another connection's challenge.", "Connect again.")
            }
            Self::SecretMissing { kind: SecretKind::Token, .. } => advice(
                "The gateway wants its access token from a device it does not know.",
                "Enter the token, or open a link from `openclaw dashboard` on the gateway's machine.",
            ),
            Self::SecretMissing { kind: SecretKind::Password, .. } => advice(
                "The gateway wants its password from a device it does not know.",
                "Enter the password, or open a link from `openclaw dashboard` on the gateway's machine.",
            ),
            Self::SecretMismatch { kind: SecretKind::Token, .. } => advice(
                "That is not the gateway's access token.",
                "Copy it again from gateway.auth.token on the gateway's machine.",
            ),
            Self::SecretMismatch { kind: SecretKind::Password, .. } => advice(
                "That is not the gateway's password.",
                "Enter it again; it stands in gateway.auth.password on the gateway's machine.",
            ),
            Self::SecretNotConfigured { .. } => advice(
                "The gateway has no secret to compare with.",
                "On the gateway's machine, set gateway.auth.token and start it again.",
            ),
            Self::DeviceTokenMismatch => advice(
                "The device's own token is not valid any more.",
                "Connect with the gateway's token once; the device then gets a new one.",
            ),
            Self::DeviceTokenScopeMismatch => advice(
                "The device asks for more than its token allows.",
                "Connect with the gateway's token, then approve the wider request.",
            ),
            Self::BootstrapTokenInvalid => advice(
                "This one-time link was used already, or it is too old.",
                "Run `openclaw dashboard` on the gateway's machine for a new one.",
            ),
            Self::RateLimited { .. } => advice(
                "Too many wrong secrets came from this address.",
                "Wait a few minutes; devices that are paired still get in.",
            ),
            Self::ControlUiOutdated { .. } => advice("The gateway was updated.", "Reload this page."),
            Self::PairingRequired(_) => advice(
                "The owner has to let this device in.",
                "Approve it on the owner's page, or run `openclaw devices approve` on the gateway's machine.",
            ),
            Self::IdentityHeaderMissing { .. } | Self::IdentityRefused { .. } | Self::VerifiedUserRequired => advice(
                "The proxy in front of the gateway did not vouch for you.",
                "Sign in at the proxy again, or ask the owner to check gateway.auth.",
            ),
            Self::PairingRejected { .. } => {
                advice("The owner said no to this device.", "If that was a mistake, ask again from this page.")
            }
            Self::PairingExpired { .. } => {
                advice("Nobody decided within five minutes.", "Ask again when the owner is there.")
            }
            Self::PairingSuperseded { .. } => advice(
                "This device has asked again in another window or for something else.",
                "Go on in the newer window.",
            ),
            Self::RequestInvalid { .. } | Self::ParamsInvalid { .. } | Self::UnknownMethod { .. } => advice(
                "The gateway did not understand the request.",
                "Update the program or the gateway, whichever is older.",
            ),
            Self::MissingScope { .. } | Self::RoleUnauthorized { .. } => {
                advice("This device may not do that.", "Ask the owner to approve more for it.")
            }
            Self::RequestUnknown => advice(
                "There is no such request: it was decided, replaced, or it expired.",
                "Run `openclaw devices list` for those that wait now.",
            ),
            Self::RequestChanged => {
                advice("The request is not what was displayed any more.", "Look at it again, then decide.")
            }
            Self::ApprovalDenied
            | Self::RejectionDenied
            | Self::RemovalDenied
            | Self::RenameDenied
            | Self::RotationDenied
            | Self::RevocationDenied => advice(
                "This device may not decide that.",
                "Do it from a device with admin rights, or with `openclaw devices` on the gateway's machine.",
            ),
            Self::ApproverLacksScope { .. } => advice(
                "You cannot give more than you hold yourself.",
                "Approve it from a device with admin rights, or with `openclaw devices` on the gateway's machine.",
            ),
            Self::ScopeOutsideRoles { .. } => {
                advice("The request mixes a role with scopes of another.", "Reject it and let the device ask again.")
            }
            Self::DeviceUnknown => advice("There is no such device.", "Run `openclaw devices list`."),
            Self::LabelRequired => advice("A name needs at least one letter.", "Type a name of 1 to 64 characters."),
            Self::StoreUnavailable => advice(
                "The gateway could not read or write its store, so nothing was changed.",
                "Check free space and permissions of the state directory; the log names the cause.",
            ),
            Self::TooManyRequestsWaiting => {
                advice("Too many requests wait from this address.", "Decide on those first, or wait five minutes.")
            }
            Self::ProxyUnattributable => advice(
                "The request came through a proxy that the gateway was not told to trust, or that does not say for whom it speaks.",
                "On the gateway's machine, add the proxy's address to gateway.trustedProxies and let it set X-Forwarded-For.",
            ),
            Self::TooManyUnauthenticated => advice(
                "Too many connections from this address have not said who they are.",
                "Close some of them and try again.",
            ),
            Self::GatewayStopping => advice("The gateway is restarting.", "It will be back in a moment."),
        }
    }

    /// One of each, for tables and tests.
    pub fn examples() -> Vec<Self> {
        let id = || "66c19716-e108-4e62-8acb-c2279f9cd1bf".to_owned();
        let required = |reason| {
            Self::PairingRequired(Box::new(PairingRequired {
                reason,
                request_id: id(),
                device_id: DeviceId::claimed("be9db4f8b04636fa392d7fd45951e1776c9c12f15141a4aa847de914d7ce2247"),
                role: Role::Operator,
                scopes: Scopes::from(["operator.read"]),
                approved: None,
                wait_then_retry: false,
            }))
        };
        vec![
            Self::NotJson,
            Self::NotARequest,
            Self::FrameTooLarge,
            Self::HandshakeTimeout,
            Self::ConnectExpected,
            Self::ConnectInvalid { problems: "must have required property 'client'".to_owned() },
            Self::WorkerUnsupported,
            Self::TooManyPendingFrames,
            Self::ProtocolMismatch { min: 3, max: 3 },
            Self::RoleInvalid,
            Self::OriginInvalid,
            Self::OriginNotAllowed,
            Self::DeviceRequired,
            Self::ControlUiDeviceRequired,
            Self::DeviceIdMismatch,
            Self::SignatureExpired,
            Self::NonceMissing,
            Self::NonceMismatch,
            Self::SignatureInvalid,
            Self::PublicKeyInvalid,
            Self::SecretMissing { kind: SecretKind::Token, audience: Audience::LocalCli },
            Self::SecretMissing { kind: SecretKind::Password, audience: Audience::Other },
            Self::SecretMismatch {
                kind: SecretKind::Token,
                audience: Audience::RemoteCli,
                can_retry_with_device_token: true,
            },
            Self::SecretMismatch {
                kind: SecretKind::Password,
                audience: Audience::ControlUi,
                can_retry_with_device_token: false,
            },
            Self::SecretNotConfigured { kind: SecretKind::Token },
            Self::DeviceTokenMismatch,
            Self::DeviceTokenScopeMismatch,
            Self::BootstrapTokenInvalid,
            Self::RateLimited { retry_after_ms: 299_975 },
            Self::ControlUiOutdated { gateway_build_id: "0.1.0".to_owned() },
            required(PairingReason::NotPaired),
            required(PairingReason::RoleUpgrade),
            required(PairingReason::ScopeUpgrade),
            required(PairingReason::MetadataUpgrade),
            Self::IdentityHeaderMissing { header: "x-forwarded-proto".to_owned(), role: Role::Operator },
            Self::IdentityRefused { reason: IdentityReason::UserMissing },
            Self::VerifiedUserRequired,
            Self::ClientVersionMismatch { client: "1".to_owned(), gateway: "2".to_owned() },
            Self::PairingRejected { request_id: id() },
            Self::PairingExpired { request_id: id() },
            Self::PairingSuperseded { request_id: id() },
            Self::RequestInvalid { problems: "must have required property 'method'".to_owned() },
            Self::ParamsInvalid {
                method: "device.pair.approve",
                problems: "must have required property 'requestId'".to_owned(),
            },
            Self::UnknownMethod { method: "no.such".to_owned() },
            Self::MissingScope { scope: "operator.pairing".to_owned() },
            Self::RoleUnauthorized { role: Role::Node },
            Self::RequestUnknown,
            Self::RequestChanged,
            Self::ApprovalDenied,
            Self::ApproverLacksScope { scope: "operator.admin".to_owned() },
            Self::ScopeOutsideRoles { scope: "operator.read".to_owned() },
            Self::RejectionDenied,
            Self::DeviceUnknown,
            Self::RemovalDenied,
            Self::LabelRequired,
            Self::RenameDenied,
            Self::RotationDenied,
            Self::RevocationDenied,
            Self::StoreUnavailable,
            Self::TooManyRequestsWaiting,
            Self::ProxyUnattributable,
            Self::TooManyUnauthenticated,
            Self::GatewayStopping,
        ]
    }

    /// Finds the refusal that a client was given, as far as its advice goes, from the wire error.
    pub fn advice_for(error: &WireError) -> Option<Advice> {
        let code = error.details.as_ref().and_then(|details| details.get("code")).and_then(Value::as_str);
        let same_code =
            |refusal: &Self| refusal.details().and_then(|d| d.get("code").cloned()) == code.map(Value::from);
        let examples = Self::examples();
        let found = match code {
            Some(_) => examples.iter().find(|refusal| same_code(refusal)),
            None => examples.iter().find(|refusal| refusal.message() == error.message),
        };
        found.map(Self::advice)
    }
}

fn advice(sentence: &'static str, next_step: &'static str) -> Advice {
    Advice { sentence, next_step }
}

fn device_details(code: &str, reason: &str) -> Value {
    json!({"code": code, "reason": reason})
}

fn auth_details(code: &str, reason: &str, next_step: &str) -> Value {
    json!({
        "code": code,
        "authReason": reason,
        "canRetryWithDeviceToken": false,
        "recommendedNextStep": next_step,
    })
}

fn hint(kind: SecretKind, audience: Audience, missing: bool) -> &'static str {
    match (kind, audience) {
        (SecretKind::Token, Audience::LocalCli) => "use this gateway's gateway.auth.token or pair the device",
        (SecretKind::Token, Audience::RemoteCli) => "set gateway.remote.token to match gateway.auth.token",
        (SecretKind::Token, Audience::ControlUi) if missing => {
            "paste in Control UI settings or openclaw doctor --generate-gateway-token; restart"
        }
        (SecretKind::Token, Audience::ControlUi) => "open the dashboard URL and paste the token in Control UI settings",
        (SecretKind::Token, Audience::Other) => "provide gateway auth token",
        (SecretKind::Password, Audience::LocalCli) => "use this gateway's gateway.auth.password",
        (SecretKind::Password, Audience::RemoteCli) => "set gateway.remote.password to match gateway.auth.password",
        (SecretKind::Password, Audience::ControlUi) => "enter the password in Control UI settings",
        (SecretKind::Password, Audience::Other) => "provide gateway auth password",
    }
}

impl PairingRequired {
    fn details(&self) -> Value {
        let mut details = Map::new();
        let mut put = |key: &str, value: Value| details.insert(key.to_owned(), value);
        put("code", "PAIRING_REQUIRED".into());
        put("reason", self.reason.as_str().into());
        put("requestId", self.request_id.clone().into());
        put("remediationHint", self.reason.remediation_hint().into());
        if self.wait_then_retry {
            put("recommendedNextStep", "wait_then_retry".into());
            put("retryable", true.into());
            put("pauseReconnect", false.into());
        }
        put("deviceId", self.device_id.as_str().into());
        put("requestedRole", self.role.as_str().into());
        if !self.scopes.is_empty() {
            put("requestedScopes", json!(self.scopes));
        }
        if let Some((roles, scopes)) = &self.approved {
            put("approvedRoles", json!(roles));
            put("approvedScopes", json!(scopes));
        }
        Value::Object(details)
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
