//! The methods, one file per family.

pub mod config;
pub mod devices;
pub mod logs;
pub mod owner;
pub mod status;
pub mod system;
pub mod upgrade;

use protocol::method::{HealthParams, Nothing};
use protocol::{Method, Refusal, Request};

use super::registry::Connection;
use crate::state::AppState;

/// Answers one request: authorization, then parameters, then the handler (wire.md §7). The result is JSON
/// text.
pub async fn call(state: &AppState, caller: &Connection, request: Request) -> Result<String, Refusal> {
    let method = Method::authorize(&request.method, caller.role, &caller.scopes, caller.is_owner)?;
    let params = request.params;
    match method {
        Method::ConfigApply | Method::ConfigPatch | Method::ConfigSet => {
            to_json(config::write(state, caller, method, method.read_params(params)?).await?)
        }
        Method::ConfigGet => {
            let Nothing {} = method.read_params(params)?;
            to_json(config::get(state))
        }
        Method::ConfigSchema => {
            let Nothing {} = method.read_params(params)?;
            to_json(config::schema(state))
        }
        Method::ConfigSchemaLookup => to_json(config::look_up(&method.read_params(params)?)?),
        Method::DevicePairApprove => to_json(devices::approve(state, caller, method.read_params(params)?).await?),
        Method::DevicePairList => {
            let Nothing {} = method.read_params(params)?;
            to_json(devices::list(state, caller).await?)
        }
        Method::DevicePairReject => to_json(devices::reject(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRemove => to_json(devices::remove(state, caller, method.read_params(params)?).await?),
        Method::DevicePairRename => to_json(devices::rename(state, caller, method.read_params(params)?).await?),
        Method::DeviceScopesRequestUpgrade => {
            to_json(upgrade::request(state, caller, method.read_params(params)?).await?)
        }
        Method::DeviceScopesWaitUpgrade => to_json(upgrade::wait(state, caller, method.read_params(params)?).await?),
        Method::DeviceTokenRevoke => to_json(devices::revoke(state, caller, method.read_params(params)?).await?),
        Method::DeviceTokenRotate => to_json(devices::rotate(state, caller, method.read_params(params)?).await?),
        Method::GatewayIdentityGet => {
            let Nothing {} = method.read_params(params)?;
            to_json(system::identity(state))
        }
        Method::Health => {
            let HealthParams { .. } = method.read_params(params)?;
            to_json(status::health(state))
        }
        Method::LogsTail => to_json(logs::tail(state, method.read_params(params)?).await?),
        Method::OwnerLink => {
            let Nothing {} = method.read_params(params)?;
            to_json(owner::link(state).await?)
        }
        Method::Status => {
            let Nothing {} = method.read_params(params)?;
            to_json(status::status(state).await?)
        }
        Method::SystemInfo => {
            let Nothing {} = method.read_params(params)?;
            to_json(system::info(state).await?)
        }
        Method::UpdateStatus => {
            let Nothing {} = method.read_params(params)?;
            to_json(system::update_status())
        }
    }
}

fn to_json(result: impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(&result).map_err(|error| {
        tracing::error!(%error, "A result cannot be written");
        Refusal::StoreUnavailable
    })
}
