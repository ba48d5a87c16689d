//! `owner.export` and `owner.migrate`: moving in from OpenClaw, and back.

use protocol::Refusal;
use protocol::method::{Exported, MigrateParams, Migrated};

use crate::migration;
use crate::state::AppState;

pub async fn migrate(state: &AppState, params: &MigrateParams) -> Result<Migrated, Refusal> {
    migration::migrate(state, params).await.map_err(|error| error.refusal())
}

pub async fn export(state: &AppState) -> Result<Exported, Refusal> {
    state.flush_seen().await.map_err(|error| error.refusal())?;
    migration::export::export(state).await.map_err(|error| error.refusal())
}
