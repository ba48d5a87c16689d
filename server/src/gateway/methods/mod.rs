//! The methods, one file per family.

pub mod audit;
pub mod blocking;
pub mod config;
pub mod devices;
pub mod doctor;
pub mod exec_approvals;
pub mod explain;
pub mod logs;
pub mod node_calls;
pub mod nodes;
pub mod owner;
pub mod passkeys;
pub mod push;
pub mod recovery;
pub mod settings;
pub mod setup;
pub mod status;
pub mod system;
pub mod upgrade;

use std::sync::Arc;

use protocol::method::Nothing;
use protocol::{Method, Refusal, Request, Role};

use super::connection::Connection;
use super::nodes::invoke;
use super::panic::panic;
use super::presence;
use crate::state::AppState;
use node_calls::Caller as Node;
use serde_json::json;

/// Whether somebody else, or another program, has to do something before the answer is known. Such calls do not hold up the
/// others of their connection. Whoever is in the wrong role is answered at once, and counted.
pub fn may_take_long(request: &Request, role: Role) -> bool {
    let slow = [
        Method::ConfigReach,
        Method::DeviceScopesWaitUpgrade,
        Method::DoctorFix,
        Method::DoctorRun,
        Method::NodeInvoke,
        Method::PushSubscribe,
        Method::PushTest,
    ];
    role == Role::Operator && slow.iter().any(|method| method.name() == request.method)
}

/// Answers one request: authorization, then parameters, then the handler (wire.md §7). The result is JSON
/// text.
pub async fn call(state: &AppState, caller: &Arc<Connection>, request: Request) -> Result<String, Refusal> {
    let method = Method::authorize(&request.method, caller.role, &caller.scopes, caller.is_owner)?;
    let params = request.params;
    match method {
        Method::AuditList => to_json(audit::list(state, method.read_params(params)?).await?),
        Method::AuditVerify => bare(method.read_params(params)?, audit::verify(state).await?),
        Method::ConfigApply | Method::ConfigPatch | Method::ConfigSet => {
            to_json(config::write(state, caller, method, method.read_params(params)?).await?)
        }
        Method::ConfigCheck => to_json(settings::check(state, caller, method.read_params(params)?).await?),
        Method::ConfigConfirm => to_json(settings::confirm(state, method.read_params(params)?).await?),
        Method::ConfigDescribe => bare(method.read_params(params)?, settings::describe(state, caller)?),
        Method::ConfigGet => bare(method.read_params(params)?, config::get(state)),
        Method::ConfigReach => bare(method.read_params(params)?, settings::reach(state).await),
        Method::ConfigRollback => to_json(settings::roll_back(state, method.read_params(params)?).await?),
        Method::ConfigSchema => bare(method.read_params(params)?, config::schema(state)),
        Method::ConfigSchemaLookup => to_json(config::look_up(&method.read_params(params)?)?),
        Method::ConfigSecret => bare(method.read_params(params)?, settings::secret(state, caller).await?),
        Method::DevicePairApprove => to_json(devices::approve(state, caller, method.read_params(params)?).await?),
        Method::DevicePairBlock => to_json(blocking::block(state, caller, method.read_params(params)?).await?),
        Method::DevicePairBlocked => bare(method.read_params(params)?, blocking::list(state, caller).await?),
        Method::DevicePairExplain => to_json(explain::explain(state, caller, method.read_params(params)?).await?),
        Method::DevicePairList => to_json(devices::list(state, caller, method.read_params(params)?).await?),
        Method::DevicePairPage => to_json(devices::page(state, caller, method.read_params(params)?).await?),
        Method::DevicePairReject => to_json(devices::reject(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRemove => to_json(devices::remove(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRename => to_json(devices::rename(state, caller, method.read_params(params)?).await?),
        Method::DevicePairSetupCode => to_json(setup::code(state, caller, method.read_params(params)?).await?),
        Method::DevicePairSetupStatus => to_json(setup::status(state, method.read_params(params)?).await?),
        Method::DevicePairUnblock => to_json(blocking::unblock(state, caller, method.read_params(params)?).await?),
        Method::DevicePairUndo => to_json(devices::undo(state, caller, method.read_params(params)?).await?),
        Method::DeviceScopesRequestUpgrade => {
            to_json(upgrade::request(state, caller, method.read_params(params)?).await?)
        }
        Method::DeviceScopesWaitUpgrade => to_json(upgrade::wait(state, caller, method.read_params(params)?).await?),
        Method::DeviceTokenRevoke => to_json(devices::revoke(state, caller, method.read_params(params)?).await?),
        Method::DeviceTokenRotate => to_json(devices::rotate(state, caller, method.read_params(params)?).await?),
        Method::DoctorAttempts => to_json(doctor::attempts(state, caller, method.read_params(params)?)),
        Method::DoctorExplainRequest => to_json(doctor::explain(state, caller, method.read_params(params)?)?),
        Method::DoctorFix => to_json(doctor::fix(state, caller, method.read_params(params)?).await?),
        Method::DoctorRun => bare(method.read_params(params)?, doctor::run(state).await?),
        Method::ExecApprovalsGet => bare(method.read_params(params)?, exec_approvals::get(state)),
        Method::GatewayIdentityGet => bare(method.read_params(params)?, system::identity(state)),
        Method::GatewayRestart => bare(method.read_params(params)?, settings::restart(state, caller)?),
        Method::Health => bare(method.read_params(params)?, status::health(state)),
        Method::LogsTail => to_json(logs::tail(state, method.read_params(params)?).await?),
        Method::NodeDescribe => to_json(nodes::describe(state, caller, method.read_params(params)?).await?),
        Method::NodeEvent => to_json(Node::of(caller)?.event(state, method.read_params(params)?).await?),
        Method::NodeInvoke => to_json(invoke::invoke(state, caller, method.read_params(params)?).await?),
        Method::NodeInvokeProgress => to_json(Node::of(caller)?.invoke_progress(state, &method.read_params(params)?)?),
        Method::NodeInvokeResult => {
            to_json(Node::of(caller)?.invoke_result(state, node_calls::read_result(method, params)?)?)
        }
        Method::NodeList => bare(method.read_params(params)?, nodes::list(state, caller).await?),
        Method::NodePairApprove => to_json(nodes::approve(state, caller, method.read_params(params)?).await?),
        Method::NodePairList => bare(method.read_params(params)?, nodes::pairings(state, caller).await?),
        Method::NodePairReject => to_json(nodes::reject(state, caller, method.read_params(params)?).await?),
        Method::NodePairRemove => to_json(nodes::remove(state, caller, method.read_params(params)?).await?),
        Method::NodePendingAck => to_json(Node::of(caller)?.pending_ack(state, method.read_params(params)?).await?),
        Method::NodePendingDrain => bare(method.read_params(params)?, Node::of(caller)?.pending_drain(state).await?),
        Method::NodePendingPull => bare(method.read_params(params)?, Node::of(caller)?.pending_pull(state).await?),
        Method::NodePluginSurfaceRefresh => to_json(Node::plugin_surface(method.read_params(params)?)?),
        Method::NodePluginToolsUpdate => to_json(Node::of(caller)?.plugin_tools(method.read_params(params)?)),
        Method::NodeRename => to_json(nodes::rename(state, caller, method.read_params(params)?).await?),
        Method::NodeRunnerInventoryUpdate => {
            bare(method.read_params(params)?, Node::of(caller)?.runner_inventory(state).await?)
        }
        Method::NodeSkillsUpdate => to_json(Node::of(caller)?.skills(&method.read_params(params)?)),
        Method::OwnerExport => bare(method.read_params(params)?, recovery::export(state).await?),
        Method::OwnerLink => bare(method.read_params(params)?, owner::link(state).await?),
        Method::OwnerStop => to_json(owner::stop(state, method.read_params(params)?)),
        Method::OwnerMigrate => to_json(recovery::migrate(state, &method.read_params(params)?).await?),
        Method::OwnerPanic => bare(method.read_params(params)?, panic(state, caller).await),
        Method::PasskeyBegin => bare(method.read_params(params)?, passkeys::begin(state, caller).await?),
        Method::PasskeyFinish => to_json(passkeys::finish(state, caller, method.read_params(params)?).await?),
        Method::PasskeyList => bare(method.read_params(params)?, passkeys::list(state, caller).await?),
        Method::PasskeyRemove => to_json(passkeys::remove(state, caller, method.read_params(params)?).await?),
        Method::PushKey => bare(method.read_params(params)?, push::key(state)?),
        Method::PushList => bare(method.read_params(params)?, push::list(state, caller).await?),
        Method::PushSubscribe => to_json(push::subscribe(state, caller, method.read_params(params)?).await?),
        Method::PushTest => to_json(push::test(state, caller, method.read_params(params)?).await?),
        Method::PushUnsubscribe => to_json(push::unsubscribe(state, caller, method.read_params(params)?).await?),
        // No skill here needs a program.
        Method::SkillsBins => bare(method.read_params(params)?, json!({"bins": []})),
        Method::StepUpBegin => to_json(passkeys::ask_proof(state, caller, method.read_params(params)?).await?),
        Method::StepUpFinish => to_json(passkeys::prove(state, caller, method.read_params(params)?).await?),
        Method::SystemPresence => bare(method.read_params(params)?, presence::list(state)),
        Method::Status => bare(method.read_params(params)?, status::status(state).await?),
        Method::SystemInfo => bare(method.read_params(params)?, system::info(state).await?),
        Method::UpdateStatus => bare(method.read_params(params)?, system::update_status()),
    }
}

/// The result of a method whose parameters say nothing that matters here; that they have the right shape was
/// checked when they were read.
fn bare(_params: Nothing, result: impl serde::Serialize) -> Result<String, Refusal> {
    to_json(result)
}

fn to_json(result: impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(&result).map_err(|error| {
        tracing::error!(%error, "A result cannot be written");
        Refusal::StoreUnavailable
    })
}
