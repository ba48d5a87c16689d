//! The methods, one file per family.

pub mod config;
pub mod devices;
pub mod node_calls;
pub mod nodes;
pub mod owner;
pub mod setup;
pub mod status;

use protocol::method::{HealthParams, Nothing};
use protocol::{Method, Refusal, Request};

use super::nodes::invoke;
use super::presence;
use super::registry::Connection;
use crate::state::AppState;
use node_calls::Caller as Node;
use serde_json::json;

/// Whether somebody else has to do something before the answer is known. Such calls do not hold up the
/// others of their connection.
pub fn may_take_long(request: &Request) -> bool {
    request.method == Method::NodeInvoke.name()
}

/// Answers one request: authorization, then parameters, then the handler (wire.md §7). The result is JSON
/// text.
pub async fn call(state: &AppState, caller: &Connection, request: Request) -> Result<String, Refusal> {
    let method = Method::authorize(&request.method, caller.role, &caller.scopes, caller.is_owner)?;
    let params = request.params;
    match method {
        Method::ConfigGet => {
            let Nothing {} = method.read_params(params)?;
            to_json(config::get(state))
        }
        Method::DevicePairApprove => to_json(devices::approve(state, caller, method.read_params(params)?).await?),
        Method::DevicePairList => {
            let Nothing {} = method.read_params(params)?;
            to_json(devices::list(state, caller).await?)
        }
        Method::DevicePairReject => to_json(devices::reject(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRemove => to_json(devices::remove(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRename => to_json(devices::rename(state, caller, method.read_params(params)?).await?),
        Method::DevicePairSetupCode => to_json(setup::code(state, caller, method.read_params(params)?).await?),
        Method::DevicePairSetupStatus => to_json(setup::status(state, method.read_params(params)?).await?),
        Method::DeviceTokenRevoke => to_json(devices::revoke(state, caller, method.read_params(params)?).await?),
        Method::DeviceTokenRotate => to_json(devices::rotate(state, caller, method.read_params(params)?).await?),
        Method::Health => {
            let HealthParams { .. } = method.read_params(params)?;
            to_json(status::health(state))
        }
        Method::NodeDescribe => to_json(nodes::describe(state, caller, method.read_params(params)?).await?),
        Method::NodeEvent => to_json(Node::of(caller)?.event(state, method.read_params(params)?).await?),
        Method::NodeInvoke => to_json(invoke::invoke(state, caller, method.read_params(params)?).await?),
        Method::NodeInvokeProgress => to_json(Node::of(caller)?.invoke_progress(state, &method.read_params(params)?)?),
        Method::NodeInvokeResult => to_json(Node::of(caller)?.invoke_result(state, method.read_params(params)?)?),
        Method::NodeList => {
            let Nothing {} = method.read_params(params)?;
            to_json(nodes::list(state, caller).await?)
        }
        Method::NodePairApprove => to_json(nodes::approve(state, caller, method.read_params(params)?).await?),
        Method::NodePairList => {
            let Nothing {} = method.read_params(params)?;
            to_json(nodes::pairings(state, caller).await?)
        }
        Method::NodePairReject => to_json(nodes::reject(state, caller, method.read_params(params)?).await?),
        Method::NodePairRemove => to_json(nodes::remove(state, caller, method.read_params(params)?).await?),
        Method::NodePendingAck => to_json(Node::of(caller)?.pending_ack(state, method.read_params(params)?).await?),
        Method::NodePendingDrain => {
            let Nothing {} = method.read_params(params)?;
            to_json(Node::of(caller)?.pending_drain(state).await?)
        }
        Method::NodePendingPull => {
            let Nothing {} = method.read_params(params)?;
            to_json(Node::of(caller)?.pending_pull(state).await?)
        }
        Method::NodePluginSurfaceRefresh => to_json(Node::plugin_surface(method.read_params(params)?)?),
        Method::NodePluginToolsUpdate => to_json(Node::of(caller)?.plugin_tools(method.read_params(params)?)),
        Method::NodeRename => to_json(nodes::rename(state, caller, method.read_params(params)?).await?),
        Method::NodeRunnerInventoryUpdate => {
            let Nothing {} = method.read_params(params)?;
            to_json(Node::of(caller)?.runner_inventory(state).await?)
        }
        Method::NodeSkillsUpdate => to_json(Node::of(caller)?.skills(&method.read_params(params)?)),
        Method::OwnerLink => {
            let Nothing {} = method.read_params(params)?;
            to_json(owner::link(state).await?)
        }
        // No skill here needs a program.
        Method::SkillsBins => {
            let Nothing {} = method.read_params(params)?;
            to_json(json!({"bins": []}))
        }
        Method::SystemPresence => {
            let Nothing {} = method.read_params(params)?;
            to_json(presence::list(state))
        }
        Method::Status => {
            let Nothing {} = method.read_params(params)?;
            to_json(status::status(state).await?)
        }
    }
}

fn to_json(result: impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(&result).map_err(|error| {
        tracing::error!(%error, "A result cannot be written");
        Refusal::StoreUnavailable
    })
}
