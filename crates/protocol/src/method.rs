//! Every method: its name, who may call it, its parameters and its result (wire.md §7).

mod devices;
mod owner;
mod passkeys;
mod push;
mod recovery;
mod roster;
mod setup;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Refusal;
use crate::audit::LIST;
use crate::doctor::{EXPLAIN, MAX_ATTEMPTS};
use crate::operations::{
    BASE_HASH, DELIVERY, NOTE, RAW, REPLACE_PATHS, RESTART_DELAY, SESSION_KEY, TAIL, UPGRADE_SCOPES,
};
use crate::role::{ADMIN, PAIRING, READ, Role, Scopes, WRITE};
use crate::settings::CONFIRM_WITHIN;
use crate::shape::{NON_EMPTY, Property, Shape, TEXT, optional, required};

use roster::PAGE;

pub use devices::{
    ApproveParams, Approved, BlockParams, BlockedList, DeviceRef, RejectParams, RenameParams, RequestRef, Rotated,
    Terms, TokenDelivery, TokenParams, Undone,
};
pub use owner::{OwnerStop, OwnerStopping};
pub use passkeys::{
    KnownCredential, MAX_PASSKEYS, NewPasskeyParams, Passkey, PasskeyList, PasskeyOffer, PasskeyRef, ProofParams,
    Purpose, STEP_UP_LIFETIME_MS, StepUpDone, StepUpOffer, StepUpParams,
};
pub use push::{
    EndpointRef, NotifyUrl, PushKey, PushList, PushOutcome, PushSubscribeParams, PushTarget, PushTestParams,
    PushTested, SubscribedBrowser,
};
pub use recovery::{
    Exported, ExportedFile, MigrateParams, Migrated, MigratedItem, MigratedKind, MigratedOutcome, Panicked,
    RevokedDevice,
};
pub use roster::{
    DEFAULT_DEVICE_LIMIT, DeviceOrder, DevicePage, DevicePageParams, DeviceState, ListParams, ListedDevice,
    MAX_DEVICE_LIMIT, OnlyWaiting, UNUSED_AFTER_MS,
};
pub use setup::{OwnerLink, PageLink, QrPath, SetupCodeMade, SetupCodeParams, SetupRef, SetupStatus};

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every authenticated connection, whatever its role and scopes.
    Everyone,
    /// Every operator, whatever its scopes.
    AnyOperator,
    /// Operators who hold the scope.
    Operator(&'static str),
    /// Nodes. An operator who calls one is told that its role is wrong (wire.md §7.1).
    Node,
    /// Only the owner of the machine, over the owner socket.
    Owner,
}

/// The methods this gateway answers: name, who may call it, and its parameters.
macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident = $name:literal, $access:expr, [$($property:expr),*];)*) => {
        /// The methods this gateway answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method {
            $($(#[$doc])* $method,)*
        }

        impl Method {
            pub const ALL: &'static [Self] = &[$(Self::$method,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }

            pub fn access(self) -> Access {
                match self {
                    $(Self::$method => $access,)*
                }
            }

            fn params(self) -> Shape {
                match self {
                    $(Self::$method => {
                        const PARAMS: &[Property] = &[$($property),*];
                        Shape::Object(PARAMS)
                    })*
                }
            }
        }
    };
}

const REQUEST_ID: Property = required("requestId", NON_EMPTY);
/// Extension: the digest of what was shown; see [`ApproveParams`].
const DIGEST: Property = optional("digest", NON_EMPTY);
const LABEL: Shape = Shape::Text { min: 1, max: 64 };

/// The longest that an approval can be limited to: ten years. Whoever wants more wants no limit.
pub const LONGEST_APPROVAL_MS: u64 = 3650 * 24 * 60 * 60 * 1000;

const DEVICE_ID: Property = required("deviceId", NON_EMPTY);
const NODE_ID: Property = required("nodeId", NON_EMPTY);
const ROLE: Property = required("role", NON_EMPTY);
/// Long enough for every push service that there is.
const ENDPOINT: Property = required("endpoint", Shape::Text { min: 1, max: 2048 });

/// Long enough for every authenticator's answer, in base64url.
const ANSWER: Shape = Shape::Text { min: 1, max: 16_384 };
const CREDENTIAL_ID: Property = required("id", Shape::Text { min: 1, max: 1400 });
const PURPOSE: Shape = Shape::Object(&[
    required("kind", NON_EMPTY),
    optional("requestId", NON_EMPTY),
    optional("digest", NON_EMPTY),
    optional("id", NON_EMPTY),
]);

const PLUGIN_TOOL: Shape = Shape::Object(&[
    required("pluginId", NON_EMPTY),
    required("name", Shape::Text { min: 1, max: 64 }),
    required("description", NON_EMPTY),
    optional("command", NON_EMPTY),
    optional("mcp", Shape::Object(&[required("server", NON_EMPTY), required("tool", NON_EMPTY)])),
    optional("parameters", Shape::Any),
]);
const SKILL: Shape = Shape::Object(&[
    required("name", Shape::Text { min: 1, max: 64 }),
    required("description", Shape::Text { min: 1, max: 1024 }),
    required("content", Shape::Text { min: 1, max: 65_536 }),
]);

methods! {
    /// Extension, as `audit.verify`: what was decided, newest first.
    AuditList = "audit.list", Access::Operator(ADMIN), [
        LIST[0], LIST[1], LIST[2], LIST[3], LIST[4], LIST[5], LIST[6], LIST[7]
    ];
    AuditVerify = "audit.verify", Access::Operator(ADMIN), [];
    ConfigApply = "config.apply", Access::Operator(ADMIN),
        [RAW, BASE_HASH, NOTE, SESSION_KEY, RESTART_DELAY, DELIVERY];
    /// Extension: what `config.patch` would do, without doing it.
    ConfigCheck = "config.check", Access::Operator(ADMIN), [RAW, REPLACE_PATHS];
    /// Extension: keeps a change that would be taken back.
    ConfigConfirm = "config.confirm", Access::Operator(ADMIN), [required("hash", NON_EMPTY)];
    /// Extension: the settings as a page shows them.
    ConfigDescribe = "config.describe", Access::Operator(ADMIN), [];
    ConfigGet = "config.get", Access::Operator(READ), [];
    /// `confirmWithinMs` is an extension.
    ConfigPatch = "config.patch", Access::Operator(ADMIN),
        [RAW, BASE_HASH, NOTE, SESSION_KEY, RESTART_DELAY, DELIVERY, REPLACE_PATHS, CONFIRM_WITHIN];
    /// Extension: certificates and Tailscale, which take a while to ask.
    ConfigReach = "config.reach", Access::Operator(ADMIN), [];
    /// Extension: takes a change back before its time is over.
    ConfigRollback = "config.rollback", Access::Operator(ADMIN), [required("hash", NON_EMPTY)];
    ConfigSchema = "config.schema", Access::Operator(READ), [];
    ConfigSchemaLookup = "config.schema.lookup", Access::Operator(READ),
        [required("path", Shape::Text { min: 1, max: 1024 })];
    /// Extension: the secret that is in force.
    ConfigSecret = "config.secret", Access::Operator(ADMIN), [];
    ConfigSet = "config.set", Access::Operator(ADMIN), [RAW, BASE_HASH];
    /// All but the id is an extension.
    DevicePairApprove = "device.pair.approve", Access::Operator(PAIRING), [
        REQUEST_ID,
        DIGEST,
        optional("scopes", Shape::Items { item: &NON_EMPTY, min: 0, max: 64, unique: true }),
        optional("label", LABEL),
        optional("expiresInMs", Shape::Between { min: 0, max: LONGEST_APPROVAL_MS })
    ];
    /// Extension, as the four that follow it by name: `blocked`, `explain`, `unblock` and `undo`.
    DevicePairBlock = "device.pair.block", Access::Operator(PAIRING), [DEVICE_ID, optional("address", Shape::Bool)];
    DevicePairBlocked = "device.pair.blocked", Access::Operator(PAIRING), [];
    DevicePairExplain = "device.pair.explain", Access::Operator(PAIRING), [DEVICE_ID];
    /// `only` is an extension.
    DevicePairList = "device.pair.list", Access::Operator(PAIRING), [optional("only", Shape::OneOf(&["waiting"]))];
    /// Extension: a part of the devices that are in.
    DevicePairPage = "device.pair.page", Access::Operator(PAIRING), [
        PAGE[0], PAGE[1], PAGE[2], PAGE[3], PAGE[4], PAGE[5], PAGE[6], PAGE[7]
    ];
    DevicePairReject = "device.pair.reject", Access::Operator(PAIRING), [REQUEST_ID, DIGEST];
    DevicePairRemove = "device.pair.remove", Access::Operator(PAIRING), [DEVICE_ID];
    DevicePairRename = "device.pair.rename", Access::Operator(PAIRING),
        [DEVICE_ID, required("label", LABEL)];
    DevicePairSetupCode = "device.pair.setupCode", Access::Operator(ADMIN), [
        optional("publicUrl", NON_EMPTY), optional("preferRemoteUrl", Shape::Bool), optional("includeQr", Shape::Bool),
        optional("bootstrapProfile", Shape::OneOf(&["limited", "node", "voice-node"])), optional("joinUrl", Shape::True)
    ];
    DevicePairSetupStatus = "device.pair.setupStatus", Access::Operator(ADMIN),
        [required("setupId", Shape::Text { min: 1, max: 128 })];
    DevicePairUnblock = "device.pair.unblock", Access::Operator(PAIRING), [DEVICE_ID];
    DevicePairUndo = "device.pair.undo", Access::Operator(PAIRING), [REQUEST_ID];
    DeviceScopesRequestUpgrade = "device.scopes.requestUpgrade", Access::AnyOperator, [UPGRADE_SCOPES];
    DeviceScopesWaitUpgrade = "device.scopes.waitUpgrade", Access::AnyOperator, [REQUEST_ID];
    DeviceTokenRevoke = "device.token.revoke", Access::Operator(PAIRING), [DEVICE_ID, ROLE];
    DeviceTokenRotate = "device.token.rotate", Access::Operator(PAIRING),
        [DEVICE_ID, ROLE, optional("scopes", Shape::List(&NON_EMPTY))];
    /// Extension, as all that follow by the name of `doctor`: who came lately, and what became of it.
    DoctorAttempts = "doctor.attempts", Access::Operator(PAIRING), [optional("limit", Shape::Between { min: 1, max: MAX_ATTEMPTS })];
    DoctorExplainRequest = "doctor.explainRequest", Access::Operator(ADMIN), [EXPLAIN[0], EXPLAIN[1], EXPLAIN[2], EXPLAIN[3]];
    DoctorFix = "doctor.fix", Access::Operator(ADMIN), [required("id", NON_EMPTY)];
    DoctorRun = "doctor.run", Access::Operator(ADMIN), [];
    ExecApprovalsGet = "exec.approvals.get", Access::Operator(ADMIN), [];
    GatewayIdentityGet = "gateway.identity.get", Access::Operator(READ), [];
    /// Extension: the gateway starts again, where it can do that itself.
    GatewayRestart = "gateway.restart", Access::Operator(ADMIN), [];
    Health = "health", Access::Everyone, [optional("probe", Shape::Bool)];
    LogsTail = "logs.tail", Access::Operator(READ), [TAIL[0], TAIL[1], TAIL[2]];
    NodeDescribe = "node.describe", Access::Operator(READ), [NODE_ID];
    NodeEvent = "node.event", Access::Node,
        [required("event", NON_EMPTY), optional("payload", Shape::Any), optional("payloadJSON", TEXT)];
    /// Some commands take an admin (wire.md §7.4).
    NodeInvoke = "node.invoke", Access::Operator(WRITE), [
        NODE_ID,
        required("command", NON_EMPTY),
        required("idempotencyKey", NON_EMPTY),
        optional("params", Shape::Any),
        optional("timeoutMs", Shape::Integer { min: 0 }),
        optional("sessionKey", NON_EMPTY),
        optional("turnSourceAccountId", TEXT),
        optional("turnSourceChannel", TEXT),
        optional("turnSourceThreadId", Shape::Any),
        optional("turnSourceTo", TEXT)
    ];
    NodeInvokeProgress = "node.invoke.progress", Access::Node, [
        required("invokeId", NON_EMPTY),
        NODE_ID,
        required("seq", Shape::Integer { min: 0 }),
        required("chunk", Shape::Text { min: 0, max: 16_384 })
    ];
    NodeInvokeResult = "node.invoke.result", Access::Node, [
        required("id", NON_EMPTY),
        NODE_ID,
        required("ok", Shape::Bool),
        optional("payload", Shape::Any),
        optional("payloadJSON", TEXT),
        optional("error", Shape::Object(&[optional("code", NON_EMPTY), optional("message", NON_EMPTY)]))
    ];
    NodeList = "node.list", Access::Operator(READ), [];
    /// What approving takes also depends on the commands (wire.md §7.3).
    NodePairApprove = "node.pair.approve", Access::Operator(PAIRING), [REQUEST_ID];
    NodePairList = "node.pair.list", Access::Operator(PAIRING), [];
    NodePairReject = "node.pair.reject", Access::Operator(PAIRING), [REQUEST_ID];
    NodePairRemove = "node.pair.remove", Access::Operator(PAIRING), [NODE_ID];
    NodePendingAck = "node.pending.ack", Access::Node, [required("ids", Shape::List(&NON_EMPTY))];
    NodePendingDrain = "node.pending.drain", Access::Node, [optional("maxItems", Shape::Integer { min: 1 })];
    NodePendingPull = "node.pending.pull", Access::Node, [];
    NodePluginSurfaceRefresh = "node.pluginSurface.refresh", Access::Node, [required("surface", NON_EMPTY)];
    NodePluginToolsUpdate = "node.pluginTools.update", Access::Node, [required("tools", Shape::List(&PLUGIN_TOOL))];
    NodeRename = "node.rename", Access::Operator(PAIRING), [NODE_ID, required("displayName", Shape::Text { min: 1, max: 64 })];
    NodeRunnerInventoryUpdate = "node.runnerInventory.update", Access::Node, [
        optional("protocolFeatures", Shape::List(&NON_EMPTY)),
        optional("workerHost", Shape::Any),
        optional("bundles", Shape::Any)
    ];
    NodeSkillsUpdate = "node.skills.update", Access::Node, [required("skills", Shape::List(&SKILL))];
    /// Extension, owner socket only: the devices as OpenClaw's own files.
    OwnerExport = "owner.export", Access::Owner, [];
    /// Extension, owner socket only: makes a one-time link for the owner's browser.
    OwnerLink = "owner.link", Access::Owner, [];
    /// Extension, owner socket only: ends the gateway, which may come back by itself.
    OwnerStop = "owner.stop", Access::Owner, [optional("restart", Shape::Bool)];
    /// Extension, owner socket only: takes over what OpenClaw has stored on this machine.
    OwnerMigrate = "owner.migrate", Access::Owner, [optional("from", NON_EMPTY), optional("dryRun", Shape::Bool)];
    /// Extension, owner socket only: throws everyone out and makes every secret worthless.
    OwnerPanic = "owner.panic", Access::Owner, [];
    /// Extension, as all that follow by the names of `passkey` and `stepUp`.
    PasskeyBegin = "passkey.begin", Access::Operator(ADMIN), [];
    PasskeyFinish = "passkey.finish", Access::Operator(ADMIN), [
        required("name", LABEL),
        required("clientData", ANSWER),
        required("attestation", ANSWER),
        optional("transports", Shape::List(&NON_EMPTY))
    ];
    PasskeyList = "passkey.list", Access::Operator(ADMIN), [];
    PasskeyRemove = "passkey.remove", Access::Operator(ADMIN), [CREDENTIAL_ID];
    /// Extension, as the four that follow it by name.
    PushKey = "push.key", Access::Operator(PAIRING), [];
    PushList = "push.list", Access::Operator(PAIRING), [];
    PushSubscribe = "push.subscribe", Access::Operator(PAIRING),
        [ENDPOINT, required("p256dh", Shape::Text { min: 1, max: 128 }), required("auth", Shape::Text { min: 1, max: 64 })];
    PushTest = "push.test", Access::Operator(PAIRING), [optional("target", Shape::OneOf(&["browser", "url"]))];
    PushUnsubscribe = "push.unsubscribe", Access::Operator(PAIRING), [ENDPOINT];
    SkillsBins = "skills.bins", Access::Node, [];
    /// What official clients leave out or put in has no counterpart here.
    Status = "status", Access::Operator(READ),
        [optional("includeChannelSummary", Shape::Bool), optional("includeCliProjection", Shape::Bool)];
    StepUpBegin = "stepUp.begin", Access::Operator(PAIRING), [required("purpose", PURPOSE)];
    StepUpFinish = "stepUp.finish", Access::Operator(PAIRING), [
        CREDENTIAL_ID,
        required("clientData", ANSWER),
        required("authenticatorData", ANSWER),
        required("signature", ANSWER)
    ];
    SystemInfo = "system.info", Access::Operator(READ), [];
    SystemPresence = "system-presence", Access::Operator(READ), [];
    UpdateStatus = "update.status", Access::Operator(ADMIN), [];
}

impl Method {
    /// Whether `features.methods` names it. The reference leaves the setup codes out (wire.md §7.2).
    pub fn is_advertised(self) -> bool {
        let is_left_out = matches!(self, Self::DevicePairSetupCode | Self::DevicePairSetupStatus);
        self.access() != Access::Owner && !is_left_out
    }

    /// Finds the method a caller means and checks that it may call it, in the order of wire.md §7.
    /// `is_owner` is true only on the owner socket.
    pub fn authorize(name: &str, role: Role, scopes: &Scopes, is_owner: bool) -> Result<Self, Refusal> {
        let method = Self::ALL.iter().copied().find(|method| method.name() == name);
        let method = method.filter(|method| is_owner || method.access() != Access::Owner);
        match (method.map(Self::access), role) {
            (Some(Access::Everyone), _)
            | (Some(Access::Node), Role::Node)
            | (Some(Access::AnyOperator | Access::Owner), Role::Operator) => {}
            (Some(Access::AnyOperator | Access::Operator(_) | Access::Owner) | None, Role::Node)
            | (Some(Access::Node), Role::Operator) => {
                return Err(Refusal::RoleUnauthorized { role });
            }
            (Some(Access::Operator(scope)), Role::Operator) if scopes.allow(role, scope) => {}
            (Some(Access::Operator(scope)), Role::Operator) => {
                return Err(Refusal::MissingScope { scope: scope.to_owned() });
            }
            (None, Role::Operator) if scopes.contains(ADMIN) => {}
            (None, Role::Operator) => return Err(Refusal::MissingScope { scope: ADMIN.to_owned() }),
        }
        method.ok_or_else(|| Refusal::UnknownMethod { method: name.to_owned() })
    }

    /// Checks the closed parameter shape and reads the parameters.
    pub fn read_params<T: for<'de> Deserialize<'de>>(self, params: Option<Value>) -> Result<T, Refusal> {
        let params = params.filter(|value| !value.is_null()).unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let refuse = |problems| Refusal::ParamsInvalid { method: self.name(), problems };
        self.params().check(&params).map_err(refuse)?;
        serde_json::from_value(params).map_err(|error| refuse(error.to_string()))
    }
}

/// No parameters, or none that matter: `health` can be asked to probe, and nothing here needs probing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(name: &str, role: Role, scopes: &[&str], expected: &str) {
        let scopes: Scopes = scopes.iter().copied().collect();
        let said = match Method::authorize(name, role, &scopes, false) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => refusal.message(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn authorizes_by_role_then_scope_then_name() {
        check("health", Role::Node, &[], "ok");
        check("device.pair.list", Role::Operator, &["operator.pairing"], "ok");
        check("device.pair.list", Role::Operator, &["operator.write"], "missing scope: operator.pairing");
        check("device.pair.list", Role::Node, &["operator.pairing"], "unauthorized role: node");
        check("node.event", Role::Operator, &["operator.admin"], "unauthorized role: operator");
        check("device.scopes.waitUpgrade", Role::Operator, &["operator.pairing"], "ok");
        check("device.scopes.waitUpgrade", Role::Node, &[], "unauthorized role: node");
        check("no.such", Role::Operator, &["operator.admin"], "unknown method: no.such");
        check("no.such", Role::Operator, &["operator.read"], "missing scope: operator.admin");
        check("connect", Role::Operator, &["operator.read"], "missing scope: operator.admin");
        check("device.pair.setupCode", Role::Operator, &["operator.pairing"], "missing scope: operator.admin");
        check("owner.link", Role::Operator, &["operator.admin"], "unknown method: owner.link");
    }

    #[test]
    fn parameters_are_closed() {
        let refused = Method::DevicePairApprove.read_params::<ApproveParams>(Some(json!({"bogus": 1}))).unwrap_err();
        assert_eq!(
            refused.message(),
            "invalid device.pair.approve params: must have required property 'requestId'; at root: unexpected property 'bogus'"
        );
        assert!(Method::DevicePairList.read_params::<Nothing>(None).is_ok());
    }
}
