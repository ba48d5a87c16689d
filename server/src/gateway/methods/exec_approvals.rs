//! `exec.approvals.get`: which programs a node on the gateway's own machine may run (wire.md §7.5).

use serde_json::{Map, Value, json};

use crate::node::approvals::Approvals;
use crate::state::AppState;

/// What of the file may be shown. Its socket comes with a token.
const SHOWN: [&str; 3] = ["version", "defaults", "agents"];

pub fn get(state: &AppState) -> Value {
    let file = &state.paths.exec_approvals;
    let text = std::fs::read_to_string(file);
    let exists = text.is_ok();
    let text = text.unwrap_or_default();
    let parsed: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let mut shown: Map<String, Value> = parsed.into_iter().filter(|(name, _)| SHOWN.contains(&name.as_str())).collect();
    for (name, empty) in [("version", json!(1)), ("defaults", json!({})), ("agents", json!({}))] {
        shown.entry(name).or_insert(empty);
    }
    // The rules as a node reads them, for which a missing file means that nothing runs.
    let rules = Approvals { file: file.clone(), home: None }.load();
    json!({
        "path": file,
        "exists": exists,
        "file": shown,
        "hash": state.server_key.opaque_hash(&text),
        "resolvedDefaults": {
            "security": rules.security,
            "ask": rules.ask,
            "askFallback": rules.ask_fallback,
            "autoAllowSkills": false,
        },
    })
}
