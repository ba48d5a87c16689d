//! Moving in from OpenClaw, and back: what its gateway stores, read as it is and never written (wire.md §6.4).
//!
//! Reading order: [`source`] (which files there are, as plain JSON records), [`record`] (one record: what it comes
//! to, or why it is skipped), this module (what is done with them), [`export`] (the way back).

pub mod export;
mod identity;
pub mod record;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::DeviceId;
use protocol::event::Event;
use protocol::method::{MigrateParams, Migrated, MigratedItem, MigratedKind, MigratedOutcome};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::clock::rfc3339_seconds;
use crate::config::{Config, Paths};
use crate::state::AppState;
use crate::store::{ImportedDevice, KeptOut, StoreError};
use record::{Context, Reading};
use source::{Entry, Material};

pub use source::find;

/// What an OpenClaw installation has left in a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub dir: PathBuf,
    /// `state/openclaw.sqlite`.
    pub database: Option<PathBuf>,
    /// The JSON files of older versions.
    pub legacy: Vec<PathBuf>,
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.database.is_none() && self.legacy.is_empty()
    }

    fn files(&self) -> Vec<String> {
        self.database.iter().chain(&self.legacy).map(|file| file.display().to_string()).collect()
    }
}

/// Takes over what is found. Whatever this gateway knows already stays as it is, and what was removed or blocked here
/// stays away, so that doing it twice changes nothing.
pub async fn migrate(state: &AppState, params: &MigrateParams) -> Result<Migrated, StoreError> {
    let dir = params.from.as_deref().map_or(state.paths.state_dir.as_path(), Path::new);
    let found = find(dir);
    let material = source::read(&found, &state.paths).await;
    let mut mover =
        Mover { state, dry_run: params.dry_run, items: material.unreadable.iter().map(unreadable).collect() };
    mover.devices(&material).await?;
    mover.requests(&material).await?;
    mover.identity(&material);
    let result = Migrated {
        from: dir.display().to_string(),
        dry_run: params.dry_run,
        sources: found.files(),
        items: mover.items,
    };
    if !params.dry_run && !found.is_empty() && found.dir == state.paths.state_dir {
        note_taken_over(state);
    }
    if !params.dry_run && result.count(MigratedOutcome::Imported) > 0 {
        tracing::info!(
            imported = result.count(MigratedOutcome::Imported),
            known = result.count(MigratedOutcome::Known),
            skipped = result.count(MigratedOutcome::Skipped),
            "Took over what OpenClaw has stored in {}",
            result.from
        );
        state.last_good.note_change();
        state.registry.broadcast(Event::DevicePairChanged, Some(&json!({})), None::<&()>);
    }
    Ok(result)
}

fn unreadable((file, reason): &(PathBuf, String)) -> MigratedItem {
    let source = file.display().to_string();
    MigratedItem {
        id: source.clone(),
        source,
        kind: MigratedKind::File,
        name: None,
        outcome: MigratedOutcome::Skipped,
        reason: Some(reason.clone()),
    }
}

/// Carries records over one by one, and keeps the minutes.
struct Mover<'a> {
    state: &'a AppState,
    dry_run: bool,
    items: Vec<MigratedItem>,
}

impl Mover<'_> {
    async fn devices(&mut self, material: &Material) -> Result<(), StoreError> {
        let config = self.state.config();
        let issuer = |generation: &str| issuer(self.state, &config, generation);
        let context = Context { now_ms: self.state.clock.now_ms(), issuer: &issuer };
        let mut taken = BTreeSet::new();
        for entry in &material.devices {
            if !taken.insert(entry.key.clone()) {
                self.note(
                    entry,
                    MigratedKind::Device,
                    MigratedOutcome::Skipped,
                    Some("there is a record of this id before it".to_owned()),
                );
                continue;
            }
            if let Some(why) = self.state.store.find_kept_out(&DeviceId::claimed(entry.key.clone())).await? {
                let (outcome, reason) = kept_out(why, &entry.key);
                self.note(entry, MigratedKind::Device, outcome, reason);
                continue;
            }
            let node = material.nodes.iter().find(|node| node.key == entry.key);
            let (outcome, reason) =
                match record::device(&entry.key, &entry.record, node.map(|node| &node.record), &context) {
                    Err(reason) => (MigratedOutcome::Skipped, Some(reason)),
                    Ok(reading) => self.store(&reading).await?,
                };
            self.note(entry, MigratedKind::Device, outcome, reason);
        }
        for node in material.nodes.iter().filter(|node| !material.devices.iter().any(|device| device.key == node.key)) {
            let reason = "there is no device of this id that it could belong to".to_owned();
            self.note(node, MigratedKind::Node, MigratedOutcome::Skipped, Some(reason));
        }
        Ok(())
    }

    async fn store(&self, reading: &Reading<ImportedDevice>) -> Result<(MigratedOutcome, Option<String>), StoreError> {
        if self.dry_run {
            return Ok((MigratedOutcome::Imported, reading.left_out()));
        }
        match self.state.store.import_device(&reading.taken, self.state.clock.now_ms()).await {
            Ok(None) => Ok((MigratedOutcome::Imported, reading.left_out())),
            Ok(Some(why)) => Ok(kept_out(why, reading.taken.device.device_id.as_str())),
            // One that the store does not take must not keep the others out.
            Err(StoreError::Database(sqlx::Error::Database(error))) if error.is_unique_violation() => {
                let reason = "it offers something under an id that another device uses";
                Ok((MigratedOutcome::Skipped, Some(reason.to_owned())))
            }
            Err(error) => Err(error),
        }
    }

    async fn requests(&mut self, material: &Material) -> Result<(), StoreError> {
        let now_ms = self.state.clock.now_ms();
        for entry in &material.requests {
            let pending = match record::request(&entry.key, &entry.record, now_ms) {
                Ok(pending) => pending,
                Err(reason) => {
                    self.note(entry, MigratedKind::Request, MigratedOutcome::Skipped, Some(reason));
                    continue;
                }
            };
            let is_new = self.dry_run || self.state.store.import_request(&pending).await?;
            let (outcome, reason) = if is_new {
                (MigratedOutcome::Imported, None)
            } else {
                (MigratedOutcome::Known, Some("this device waits here already".to_owned()))
            };
            self.note(entry, MigratedKind::Request, outcome, reason);
        }
        Ok(())
    }

    /// The key of this machine itself, for the places here that have none.
    fn identity(&mut self, material: &Material) {
        for entry in &material.identities {
            let (outcome, reason) =
                identity::take_over(&entry.record, &self.state.paths, self.dry_run, self.state.clock.now_ms());
            self.note(entry, MigratedKind::Identity, outcome, reason);
        }
    }

    fn note(&mut self, entry: &Entry, kind: MigratedKind, outcome: MigratedOutcome, reason: Option<String>) {
        let name = ["operatorLabel", "displayName"].iter().find_map(|field| entry.record.get(*field)?.as_str());
        self.items.push(MigratedItem {
            source: entry.source.display().to_string(),
            kind,
            id: entry.key.clone(),
            name: name.map(str::to_owned),
            outcome,
            reason,
        });
    }
}

/// What becomes of a device that is not taken over, and why.
fn kept_out(why: KeptOut, device_id: &str) -> (MigratedOutcome, Option<String>) {
    let id = device_id.get(..SHOWN_ID).unwrap_or(device_id);
    let (outcome, reason) = match why {
        KeptOut::Known => {
            let reason = "this gateway has a device of this id already; its own record stays";
            (MigratedOutcome::Known, reason.to_owned())
        }
        KeptOut::Blocked => {
            let reason = format!("it is blocked here; to let it ask again: `openclaw devices unblock {id}`");
            (MigratedOutcome::Skipped, reason)
        }
        KeptOut::Removed { at_ms } => {
            let at = rfc3339_seconds(at_ms);
            let reason = format!(
                "was removed here on {at}; to let it in again: let it connect, then `openclaw devices approve`"
            );
            (MigratedOutcome::Skipped, reason)
        }
    };
    (outcome, Some(reason))
}

/// How many characters of an id name a device.
const SHOWN_ID: usize = 12;

/// Our stamp for the shared secret that OpenClaw knows by `generation`. One that is not the present secret's stays
/// worthless, as it was there.
fn issuer(state: &AppState, config: &Config, generation: &str) -> String {
    for (mode, secret) in [("token", &config.token), ("password", &config.password)] {
        if let Some(secret) = secret.as_ref().filter(|secret| shared_generation(mode, secret.reveal()) == generation) {
            return state.server_key.issuer(secret);
        }
    }
    format!("openclaw:{generation}")
}

/// What OpenClaw calls a shared secret in the tokens that it vouched for.
fn shared_generation(mode: &str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{mode}\0{secret}")))
}

/// From now on a device that is missing here was removed here, and must not come back by itself.
fn note_taken_over(state: &AppState) {
    let text = json!({"atMs": state.clock.now_ms()}).to_string();
    if let Err(error) = crate::whole_file::replace(&state.paths.migrated, text.as_bytes(), None) {
        tracing::warn!(%error, "That OpenClaw's state was taken over could not be noted");
    }
}

/// What [`migrate`] could take over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub devices: BTreeSet<String>,
    /// Files and records that it would skip, with the reason.
    pub unreadable: Vec<(String, String)>,
    /// Whether `silent` is on for a request that waits.
    pub has_silent_request: bool,
}

/// Looks, and takes nothing over; for `doctor`.
pub async fn survey(found: &Found, paths: &Paths, now_ms: u64) -> Survey {
    let material = source::read(found, paths).await;
    let context = Context { now_ms, issuer: &|generation: &str| format!("openclaw:{generation}") };
    let is_on = |flag: &serde_json::Value| flag == true || flag == 1;
    let mut survey = Survey {
        unreadable: material.unreadable.iter().map(|(file, why)| (file.display().to_string(), why.clone())).collect(),
        has_silent_request: material.requests.iter().any(|entry| entry.record.get("silent").is_some_and(is_on)),
        ..Survey::default()
    };
    let mut taken = BTreeSet::new();
    for entry in material.devices.iter().filter(|entry| taken.insert(&entry.key)) {
        match record::device(&entry.key, &entry.record, None, &context) {
            Ok(_) => drop(survey.devices.insert(entry.key.clone())),
            Err(reason) => {
                let place = format!("{} in {}", entry.key, entry.source.display());
                survey.unreadable.push((place, reason));
            }
        }
    }
    survey
}

/// Whether a directory may hold something for [`migrate`]; for `doctor`.
pub fn find_beside(paths: &Paths) -> Option<Found> {
    Some(find(&paths.state_dir)).filter(|found| !found.is_empty())
}
