//! `config.*`: the settings, with every secret taken out (wire.md §7.5).

use std::sync::Arc;

use access::step_up::Act;
use protocol::audit::AuditAction;
use protocol::method::Purpose;
use protocol::operations::{ConfigWriteParams, SchemaLookupParams};
use protocol::refusal::{ConfigFile, ConfigIssue, ConfigRefusal};
use protocol::{Method, Refusal, WRITE_LIMIT};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::config::edit::Edit;
use crate::config::live::{self, Terms, WriteError, Written};
use crate::config::secrets::redact;
use crate::config::{Problem, file, schema};
use crate::gateway::auditing;
use crate::gateway::connection::Connection;
use crate::gateway::step_up::demand;
use crate::state::AppState;

pub fn get(state: &AppState) -> Value {
    let path = &state.paths.config_file;
    let text = std::fs::read_to_string(path);
    let exists = text.is_ok();
    let text = text.unwrap_or_default();
    let (issues, warnings) = match state.live.resolve(&text) {
        Ok(resolved) => (Vec::new(), resolved.warnings),
        Err(problems) => (problems, Vec::new()),
    };
    let shown = |problems: &[Problem]| -> Vec<Value> {
        problems.iter().map(|problem| json!({"path": problem.path, "message": problem.message})).collect()
    };
    let raw = redact(&text);
    let parsed = file::parse(&raw).unwrap_or_default();
    let hash = state.server_key.opaque_hash(&text);
    json!({
        "path": path,
        "exists": exists,
        "raw": raw,
        "parsed": parsed,
        "sourceConfig": parsed,
        "resolved": parsed,
        "runtimeConfig": parsed,
        "config": parsed,
        "valid": issues.is_empty(),
        "issues": shown(&issues),
        "warnings": shown(&warnings),
        "legacyIssues": [],
        "hash": hash,
        "configRevisionHash": hash,
        "appliedConfigHash": state.live.applied_hash(),
    })
}

/// `config.set`, `config.patch` and `config.apply`. The disk is waited for elsewhere, so that it holds up
/// nobody else.
pub async fn write(
    state: &AppState,
    caller: &Arc<Connection>,
    method: Method,
    params: ConfigWriteParams,
) -> Result<Value, Refusal> {
    let now_ms = state.clock.now_ms();
    let address = caller.introduction.attribution.client;
    // The owner could write the file itself; a script of theirs changes as much as it likes.
    if !caller.is_owner {
        let counted = state.write_limiter.admit(caller.device_id.as_ref(), address, now_ms);
        counted.map_err(|retry_after_ms| {
            let method = method.name();
            Refusal::Config(ConfigRefusal::TooManyWrites { method, limit: WRITE_LIMIT, retry_after_ms })
        })?;
    }
    let ConfigWriteParams { raw, base_hash, replace_paths, note, confirm_within_ms } = params;
    let digest = digest(&raw);
    let edit = if method == Method::ConfigPatch { Edit::Patch { raw, replace_paths } } else { Edit::Set { raw } };
    if !caller.is_owner {
        // What cannot be read or edited is refused below; a file that changes meanwhile makes the change stale.
        let text = std::fs::read_to_string(&state.paths.config_file).unwrap_or_default();
        let paths = edit.apply(&text).map(|edited| edited.changed_paths).unwrap_or_default();
        demand(state, caller, Act::ChangeSettings { paths: &paths }, Purpose::Settings { digest }).await?;
    }
    let writing = tokio::task::spawn_blocking({
        let (state, caller) = (state.clone(), Arc::clone(caller));
        move || {
            let terms = match confirm_within_ms {
                Some(within_ms) => Terms::OnTrial { within_ms },
                // Others than ours know no way back, and could only give up.
                None if caller.is_extended && !caller.is_owner => Terms::Guarded(&caller),
                None => Terms::Final,
            };
            live::write(&state, base_hash.as_deref(), &edit, terms)
        }
    });
    let written = writing.await.map_err(anyhow::Error::from).unwrap_or_else(|error| Err(error.into()));
    let Written { edited, hash, is_new, requires_restart } = written.map_err(refusal)?;
    tracing::info!(conn.id = %caller.id, changed = edited.changed_paths.join(" "), "The settings were written");
    if is_new {
        let what = auditing::of(AuditAction::SettingsChanged, Some(caller)).noting(edited.changed_paths.join(" "));
        auditing::record(state, what).await;
    }
    let path = &state.paths.config_file;
    Ok(json!({
        "ok": true,
        "path": path,
        "hash": hash,
        "config": file::parse(&redact(&edited.text)).unwrap_or_default(),
        "changedPaths": edited.changed_paths,
        "sentinel": {
            "persisted": is_new,
            "payload": {
                "kind": method.name().replace('.', "-"),
                "status": "ok",
                "ts": now_ms,
                "message": note,
                "stats": {"mode": method.name(), "root": path, "requiresRestart": requires_restart},
            },
        },
    }))
}

/// What a proof for a change of the settings is bound to.
fn digest(raw: &str) -> String {
    hex::encode(&Sha256::digest(raw)[..16])
}

fn refusal(error: WriteError) -> Refusal {
    Refusal::Config(match error {
        WriteError::Stale => ConfigRefusal::BaseStale,
        WriteError::BaseMissing { changed } => ConfigRefusal::BaseRequired { changed },
        WriteError::Invalid(problems) => {
            let issues = problems.into_iter().map(|Problem { path, message }| ConfigIssue { path, message });
            ConfigRefusal::Invalid { issues: issues.collect() }
        }
        WriteError::CutsOff(why) => ConfigRefusal::CutsOff { why },
        WriteError::TrialWaits => ConfigRefusal::TrialWaits,
        WriteError::File(error) => {
            tracing::error!("The settings were not changed: {error:#}");
            ConfigRefusal::FileUnavailable { file: ConfigFile::Settings }
        }
    })
}

/// `config.schema`: what the file may say.
pub fn schema(state: &AppState) -> Value {
    json!({
        "schema": schema::schema(),
        "uiHints": schema::hints(),
        "version": crate::VERSION,
        "generatedAt": clock::rfc3339(state.clock.now_ms()),
    })
}

/// `config.schema.lookup`: one setting or group.
pub fn look_up(params: &SchemaLookupParams) -> Result<Value, Refusal> {
    schema::look_up(&params.path).ok_or(Refusal::Config(ConfigRefusal::PathUnknown))
}
