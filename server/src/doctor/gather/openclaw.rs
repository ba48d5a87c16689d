//! What an OpenClaw installation left in the same directory (wire.md §6.4).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::store::{self, Table};
use crate::config::Paths;
use crate::doctor::facts::OpenclawState;

pub async fn look(paths: &Paths) -> OpenclawState {
    let mut found = OpenclawState::default();
    let database = paths.store_file.with_file_name("openclaw.sqlite");
    if let Ok(devices) = store::devices(&database, Table::OpenClaw).await {
        found.files.push(database);
        found.devices.extend(devices);
    } else if database.exists() {
        found.unreadable.push(database);
    }
    let paired = paths.state_dir.join("devices/paired.json");
    if let Some(devices) = keys(&paired) {
        found.files.push(paired);
        found.devices.extend(devices);
    } else if paired.exists() {
        found.unreadable.push(paired);
    }
    let pending = read(&paths.state_dir.join("devices/pending.json"));
    let requests = pending.as_ref().and_then(Value::as_object);
    found.has_silent_request = requests.is_some_and(|requests| requests.values().any(|row| row["silent"] == true));
    found
}

/// The ids that a legacy file is keyed by.
fn keys(file: &Path) -> Option<BTreeSet<String>> {
    let rows = read(file)?;
    Some(rows.as_object()?.keys().cloned().collect())
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}
