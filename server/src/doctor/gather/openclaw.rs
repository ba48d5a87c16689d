//! What an OpenClaw installation left in the same directory (wire.md §6.4).

use crate::config::Paths;
use crate::doctor::facts::OpenclawState;
use crate::migration;

pub async fn look(paths: &Paths, now_ms: u64) -> OpenclawState {
    let Some(found) = migration::find_beside(paths) else { return OpenclawState::default() };
    let survey = migration::survey(&found, paths, now_ms).await;
    OpenclawState {
        files: found.database.into_iter().chain(found.legacy).collect(),
        devices: survey.devices,
        unreadable: survey.unreadable,
        was_taken_over: paths.migrated.exists(),
        has_silent_request: survey.has_silent_request,
    }
}
