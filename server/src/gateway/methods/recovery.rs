//! `owner.export`, `owner.migrate` and `owner.panic`: what an owner does after a loss, or when moving in.

use protocol::Refusal;
use protocol::method::{Exported, MigrateParams, Migrated, Panicked};

use crate::gateway::connection::Connection;
use crate::migration;
use crate::state::AppState;

pub async fn panic(state: &AppState, caller: &Connection) -> Result<Panicked, Refusal> {
    Ok(crate::gateway::panic::panic(state, caller).await)
}

pub async fn migrate(state: &AppState, params: MigrateParams) -> Result<Migrated, Refusal> {
    migration::migrate(state, &params).await.map_err(|error| error.refusal())
}

pub async fn export(state: &AppState) -> Result<Exported, Refusal> {
    state.flush_seen().await.map_err(|error| error.refusal())?;
    migration::export::export(state).await.map_err(|error| error.refusal())
}
