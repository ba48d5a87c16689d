//! `audit.list` and `audit.verify`: extensions (docs/protocol.md, "The audit").

use protocol::Refusal;
use protocol::audit::{AuditPage, AuditQuery, AuditVerdict};

use crate::state::AppState;

pub async fn list(state: &AppState, query: AuditQuery) -> Result<AuditPage, Refusal> {
    state.store.list_audit(&query).await.map_err(|error| error.refusal())
}

pub async fn verify(state: &AppState) -> Result<AuditVerdict, Refusal> {
    state.store.verify_audit().await.map_err(|error| error.refusal())
}
