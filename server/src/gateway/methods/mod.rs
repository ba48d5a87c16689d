//! The methods, one file per family.

pub mod config;
pub mod devices;
pub mod owner;
pub mod status;

use protocol::method::{HealthParams, Nothing};
use protocol::{Method, Refusal, Request};
use serde_json::Value;

use super::registry::Connection;
use crate::state::AppState;

/// Answers one request: authorization, then parameters, then the handler (wire.md §7).
pub async fn call(state: &AppState, caller: &Connection, request: Request) -> Result<Value, Refusal> {
    let method = Method::authorize(&request.method, caller.role, &caller.scopes, caller.is_owner)?;
    let params = request.params;
    match method {
        Method::ConfigGet => {
            let Nothing {} = method.read_params(params)?;
            config::get(state)
        }
        Method::DevicePairApprove => to_value(devices::approve(state, caller, method.read_params(params)?).await?),
        Method::DevicePairList => {
            let Nothing {} = method.read_params(params)?;
            to_value(devices::list(state, caller).await?)
        }
        Method::DevicePairReject => devices::reject(state, caller, method.read_params(params)?).await,
        Method::DevicePairRemove => devices::remove(state, caller, method.read_params(params)?).await,
        Method::DevicePairRename => devices::rename(state, caller, method.read_params(params)?).await,
        Method::DeviceTokenRevoke => devices::revoke(state, caller, method.read_params(params)?).await,
        Method::DeviceTokenRotate => to_value(devices::rotate(state, caller, method.read_params(params)?).await?),
        Method::Health => {
            let HealthParams { .. } = method.read_params(params)?;
            Ok(status::health(state))
        }
        Method::OwnerLink => {
            let Nothing {} = method.read_params(params)?;
            to_value(owner::link(state).await?)
        }
        Method::Status => {
            let Nothing {} = method.read_params(params)?;
            status::status(state).await
        }
    }
}

fn to_value(result: impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| {
        tracing::error!(%error, "A result cannot be written");
        Refusal::StoreUnavailable
    })
}
