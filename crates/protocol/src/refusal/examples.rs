//! One of each, for tables, tests and finding advice.

use super::{
    ApproveRefusal, Audience, BlockRefusal, ConfigRefusal, IdentityReason, NodeRefusal, PairingRequired, PushRefusal,
    Refusal, SecretKind, SetupRefusal, StepUpRefusal, UpgradeRefusal,
};
use crate::pairing::PairingReason;
use crate::{DeviceId, Role, Scopes};

impl Refusal {
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
        let mut examples = vec![
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
            Self::PairingStillRequired { reason: PairingReason::NotPaired, request_id: id() },
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
        ];
        examples.extend(ApproveRefusal::examples().into_iter().map(Self::Approve));
        examples.extend(BlockRefusal::examples().into_iter().map(Self::Block));
        examples.extend(ConfigRefusal::examples().into_iter().map(Self::Config));
        examples.extend(NodeRefusal::examples().into_iter().map(Self::Node));
        examples.extend(PushRefusal::examples().into_iter().map(Self::Push));
        examples.extend(SetupRefusal::examples().into_iter().map(Self::Setup));
        examples.extend(StepUpRefusal::examples().into_iter().map(Self::StepUp));
        examples.extend(UpgradeRefusal::examples().into_iter().map(Self::Upgrade));
        examples
    }
}
