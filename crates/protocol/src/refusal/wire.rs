//! What a refusal says to a program: messages and details, as the official clients know them.

use serde_json::{Map, Value, json};

use super::{Audience, PairingRequired, Refusal, SecretKind};
use crate::{MINIMUM_PROBE_PROTOCOL, PROTOCOL_VERSION, Role};

impl Refusal {
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
            Self::PairingStillRequired { reason, .. } => format!("pairing required: {}", reason.message()),
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
            Self::Approve(refusal) => refusal.message(),
            Self::Block(refusal) => refusal.message(),
            Self::Config(refusal) => refusal.message(),
            Self::Node(refusal) => refusal.message(),
            Self::Push(refusal) => refusal.message(),
            Self::Setup(refusal) => refusal.message(),
            Self::StepUp(refusal) => refusal.message(),
            Self::Upgrade(refusal) => refusal.message(),
            Self::ProxyUnattributable => {
                "Proxy client attribution is required. Configure gateway.trustedProxies narrowly and make the proxy overwrite or safely rebuild forwarded client headers.".to_owned()
            }
            Self::TooManyUnauthenticated => "Too many unauthenticated sockets".to_owned(),
            Self::GatewayStopping => "gateway stopping".to_owned(),
        }
    }

    /// The machine-readable `details` of the wire error.
    pub fn details(&self) -> Option<Value> {
        let code = self.detail_code().map(|code| ("code".to_owned(), code.into()));
        let details: Map<String, Value> = code.into_iter().chain(self.more_details()).collect();
        (!details.is_empty()).then_some(Value::Object(details))
    }

    /// The `details.code` that programs branch on.
    pub fn detail_code(&self) -> Option<&'static str> {
        Some(match self {
            Self::ProtocolMismatch { .. } | Self::ControlUiOutdated { .. } => "PROTOCOL_MISMATCH",
            Self::OriginInvalid | Self::OriginNotAllowed => "CONTROL_UI_ORIGIN_NOT_ALLOWED",
            Self::DeviceRequired => "DEVICE_IDENTITY_REQUIRED",
            Self::ControlUiDeviceRequired => "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
            Self::DeviceIdMismatch => "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            Self::SignatureExpired => "DEVICE_AUTH_SIGNATURE_EXPIRED",
            Self::NonceMissing => "DEVICE_AUTH_NONCE_REQUIRED",
            Self::NonceMismatch => "DEVICE_AUTH_NONCE_MISMATCH",
            Self::SignatureInvalid => "DEVICE_AUTH_SIGNATURE_INVALID",
            Self::PublicKeyInvalid => "DEVICE_AUTH_PUBLIC_KEY_INVALID",
            Self::SecretMissing { kind: SecretKind::Token, .. } => "AUTH_TOKEN_MISSING",
            Self::SecretMissing { kind: SecretKind::Password, .. } => "AUTH_PASSWORD_MISSING",
            Self::SecretMismatch { kind: SecretKind::Token, .. } => "AUTH_TOKEN_MISMATCH",
            Self::SecretMismatch { kind: SecretKind::Password, .. } => "AUTH_PASSWORD_MISMATCH",
            Self::SecretNotConfigured { kind: SecretKind::Token } => "AUTH_TOKEN_NOT_CONFIGURED",
            Self::SecretNotConfigured { kind: SecretKind::Password } => "AUTH_PASSWORD_NOT_CONFIGURED",
            Self::DeviceTokenMismatch => "AUTH_DEVICE_TOKEN_MISMATCH",
            Self::DeviceTokenScopeMismatch => "AUTH_SCOPE_MISMATCH",
            Self::BootstrapTokenInvalid => "AUTH_BOOTSTRAP_TOKEN_INVALID",
            Self::RateLimited { .. } => "AUTH_RATE_LIMITED",
            Self::PairingRequired(_) => "PAIRING_REQUIRED",
            Self::IdentityHeaderMissing { .. } => "AUTH_IDENTITY_HEADER_REQUIRED",
            Self::IdentityRefused { .. } => "AUTH_UNAUTHORIZED",
            Self::VerifiedUserRequired => "AUTH_VERIFIED_USER_REQUIRED",
            Self::ClientVersionMismatch { .. } => "CLIENT_VERSION_MISMATCH",
            Self::PairingRejected { .. } => "PAIRING_REJECTED",
            Self::PairingExpired { .. } => "PAIRING_EXPIRED",
            Self::PairingSuperseded { .. } => "PAIRING_SUPERSEDED",
            Self::MissingScope { .. } => "MISSING_SCOPE",
            Self::RequestChanged => "REQUEST_CHANGED",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::TooManyRequestsWaiting => "TOO_MANY_REQUESTS_WAITING",
            Self::Approve(refusal) => refusal.detail_code(),
            Self::Block(refusal) => return refusal.detail_code(),
            Self::Node(refusal) => return refusal.detail_code(),
            Self::Push(refusal) => refusal.detail_code(),
            Self::Setup(refusal) => return refusal.detail_code(),
            Self::StepUp(refusal) => refusal.detail_code(),
            Self::Upgrade(refusal) => return refusal.detail_code(),
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
            | Self::Config(_)
            | Self::ProxyUnattributable
            | Self::TooManyUnauthenticated
            // The one word after which an official client is back at once is about a start that is not over.
            | Self::PairingStillRequired { .. }
            | Self::GatewayStopping => return None,
        })
    }

    /// What stands in the details besides the code.
    fn more_details(&self) -> Map<String, Value> {
        let more = if let Some((reason, next_step)) = self.auth_reason() {
            let can_retry = matches!(self, Self::SecretMismatch { can_retry_with_device_token: true, .. });
            json!({
                "authReason": reason,
                "canRetryWithDeviceToken": can_retry,
                "recommendedNextStep": if can_retry { "retry_with_device_token" } else { next_step },
            })
        } else if let Some(reason) = self.proof_reason() {
            json!({"reason": reason})
        } else if let Self::PairingRequired(required) = self {
            return required.details();
        } else if let Self::ProtocolMismatch { min, max } = self {
            json!({
                "clientMinProtocol": min,
                "clientMaxProtocol": max,
                "expectedProtocol": PROTOCOL_VERSION,
                "minimumProbeProtocol": MINIMUM_PROBE_PROTOCOL,
            })
        } else if let Self::ControlUiOutdated { gateway_build_id } = self {
            json!({"gatewayBuildId": gateway_build_id, "reloadRequired": true})
        } else if let Self::ClientVersionMismatch { client, gateway } = self {
            json!({"clientVersion": client, "gatewayVersion": gateway})
        } else if let Self::Block(refusal) = self {
            refusal.more_details()
        } else if let Self::Config(refusal) = self {
            refusal.more_details()
        } else if let Self::Node(refusal) = self {
            refusal.more_details()
        } else if let Self::PairingStillRequired { request_id, .. } = self {
            json!({"reason": "startup-sidecars", "requestId": request_id})
        } else if let Self::StepUp(refusal) = self {
            refusal.more_details()
        } else if let Self::Upgrade(refusal) = self {
            refusal.more_details()
        } else if let Self::MissingScope { scope } = self {
            json!({"missingScope": scope, "requiredScopes": [scope]})
        } else if let Self::PairingRejected { request_id }
        | Self::PairingExpired { request_id }
        | Self::PairingSuperseded { request_id } = self
        {
            json!({"requestId": request_id})
        } else {
            Value::Null
        };
        match more {
            Value::Object(more) => more,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        }
    }

    /// The `authReason` and `recommendedNextStep` of refused credentials (wire.md §4.3).
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other refusal has none, and that is the safe answer")]
    fn auth_reason(&self) -> Option<(String, &'static str)> {
        let (reason, next_step) = match self {
            Self::SecretMissing { kind, .. } => (format!("{}_missing", kind.word()), "update_auth_configuration"),
            Self::SecretMismatch { kind, .. } => (format!("{}_mismatch", kind.word()), "update_auth_credentials"),
            Self::SecretNotConfigured { kind } => {
                (format!("{}_missing_config", kind.word()), "update_auth_configuration")
            }
            Self::DeviceTokenMismatch => ("device_token_mismatch".to_owned(), "update_auth_credentials"),
            Self::DeviceTokenScopeMismatch => ("scope_mismatch".to_owned(), "review_auth_configuration"),
            Self::BootstrapTokenInvalid => ("bootstrap_token_invalid".to_owned(), "review_auth_configuration"),
            Self::RateLimited { .. } => ("rate_limited".to_owned(), "wait_then_retry"),
            Self::IdentityHeaderMissing { header, .. } => {
                (format!("trusted_proxy_missing_header_{}", header.to_ascii_lowercase()), "review_auth_configuration")
            }
            Self::IdentityRefused { reason } => (reason.as_str().to_owned(), "review_auth_configuration"),
            _ => return None,
        };
        Some((reason, next_step))
    }

    /// The `reason` of a refused page or proof (wire.md §3.3, §5.5).
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other refusal has none, and that is the safe answer")]
    fn proof_reason(&self) -> Option<&'static str> {
        Some(match self {
            Self::OriginInvalid => "origin missing or invalid",
            Self::OriginNotAllowed => "origin not allowed",
            Self::DeviceIdMismatch => "device-id-mismatch",
            Self::SignatureExpired => "device-signature-stale",
            Self::NonceMissing => "device-nonce-missing",
            Self::NonceMismatch => "device-nonce-mismatch",
            Self::SignatureInvalid => "device-signature",
            Self::PublicKeyInvalid => "device-public-key",
            _ => return None,
        })
    }
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
    fn details(&self) -> Map<String, Value> {
        let mut details = Map::new();
        let mut put = |key: &str, value: Value| details.insert(key.to_owned(), value);
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
        details
    }
}
