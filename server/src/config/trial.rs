//! A change on trial: taken back unless somebody confirms it in time.
//!
//! Whoever changes how the gateway is reached may not reach it any more. So such a change is kept together with what
//! the file said before, in a file of its own, before it is made: a gateway that is started again meanwhile takes it
//! back as well. Taking back means that the file says byte for byte what it said; where somebody has changed
//! something else meanwhile there is no way back that would lose nothing, and the trial ends as it is.
//!
//! Lock order: the settings' turn, then the trial.

use std::path::Path;

use anyhow::Context;
use protocol::event::Event;
use protocol::settings::{CONFIRM_WITHIN_MS, Trial, TrialState};
use serde::{Deserialize, Serialize};

use super::edit::Edited;
use super::written::Held;
use super::{Paths, file, live};
use crate::state::{AppState, Ending};
use crate::whole_file;

/// A change that waits, with the way back. Both texts hold secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    previous: String,
    tried: String,
    changed_paths: Vec<String>,
    /// Unix epoch milliseconds.
    deadline_ms: u64,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("changed_paths", &self.changed_paths).finish_non_exhaustive()
    }
}

/// Why a trial did not end as somebody wanted.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error("there is no such trial")]
    Unknown,
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

/// Writes the way back down. To be called before the settings are written.
pub fn begin(state: &AppState, previous: &str, edited: &Edited, within_ms: u64) -> anyhow::Result<()> {
    let kept = Kept {
        previous: previous.to_owned(),
        tried: edited.text.clone(),
        changed_paths: edited.changed_paths.clone(),
        deadline_ms: state.clock.now_ms() + within_ms,
    };
    let path = &state.paths.config_trial;
    whole_file::replace(path, serde_json::to_string(&kept)?.as_bytes(), None)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    *state.live.trial() = Some(kept);
    Ok(())
}

/// Tells every page of ours about the trial that has begun.
pub fn announce_begun(state: &AppState) {
    if let Some(trial) = waiting(state) {
        tracing::info!(changed = trial.changed_paths.join(" "), "A change of the settings waits for its confirmation");
        announce(state, &trial);
    }
}

/// The trial that waits, if there is one.
pub fn waiting(state: &AppState) -> Option<Trial> {
    let kept = state.live.trial();
    kept.as_ref().map(|kept| shown(state, kept, TrialState::Waits))
}

fn shown(state: &AppState, kept: &Kept, end: TrialState) -> Trial {
    Trial {
        hash: state.server_key.opaque_hash(&kept.tried),
        state: end,
        changed_paths: kept.changed_paths.clone(),
        deadline_ms: kept.deadline_ms,
    }
}

fn announce(state: &AppState, trial: &Trial) {
    state.registry.broadcast(Event::ConfigTrial, None::<&()>, Some(trial));
}

/// Ends the trial, whatever became of it.
fn end(state: &AppState, kept: &Kept, how: TrialState) -> Trial {
    *state.live.trial() = None;
    forget(&state.paths.config_trial);
    let trial = shown(state, kept, how);
    announce(state, &trial);
    trial
}

/// What is left behind is looked at again at the next start, and does no harm.
fn forget(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "{} cannot be removed", path.display());
    }
}

/// The change stays.
pub fn confirm(state: &AppState, hash: &str) -> Result<Trial, TrialError> {
    let _turn = state.live.turn();
    let kept = find(state, hash).ok_or(TrialError::Unknown)?;
    tracing::info!(changed = kept.changed_paths.join(" "), "A change of the settings was confirmed");
    Ok(end(state, &kept, TrialState::Confirmed))
}

/// The change is taken back now.
pub fn roll_back(state: &AppState, hash: &str) -> Result<Trial, TrialError> {
    let _turn = state.live.turn();
    let kept = find(state, hash).ok_or(TrialError::Unknown)?;
    Ok(take_back(state, &kept)?)
}

fn find(state: &AppState, hash: &str) -> Option<Kept> {
    state.live.trial().clone().filter(|kept| state.server_key.opaque_hash(&kept.tried) == hash)
}

/// Whether the time of a trial is over.
pub fn is_over(state: &AppState) -> bool {
    state.live.trial().as_ref().is_some_and(|kept| kept.deadline_ms <= state.clock.now_ms())
}

/// Takes a change back whose time is over. Blocks on the disk.
pub fn settle(state: &AppState) -> anyhow::Result<()> {
    let _turn = state.live.turn();
    let over = state.live.trial().clone().filter(|kept| kept.deadline_ms <= state.clock.now_ms());
    if let Some(kept) = over {
        tracing::warn!("Nobody has confirmed a change of the settings in time");
        take_back(state, &kept)?;
    }
    Ok(())
}

/// Notes what the file says now. A text that is not the tried one has overtaken it.
pub fn note_text(state: &AppState, text: &str) {
    let overtaken = state.live.trial().clone().filter(|kept| kept.tried != text);
    if let Some(kept) = overtaken {
        tracing::warn!(
            changed = kept.changed_paths.join(" "),
            "A change of the settings that waited for its confirmation stays: another change was made meanwhile"
        );
        end(state, &kept, TrialState::Overtaken);
    }
}

fn take_back(state: &AppState, kept: &Kept) -> anyhow::Result<Trial> {
    let held = Held::take(&state.paths)?;
    if held.text != kept.tried {
        return Ok(end(state, kept, TrialState::Overtaken));
    }
    held.write(&kept.way_back())?;
    drop(held);
    tracing::warn!(changed = kept.changed_paths.join(" "), "A change of the settings was taken back");
    let trial = end(state, kept, TrialState::RolledBack);
    match state.live.resolve(&kept.previous) {
        Ok(resolved) => {
            let restarts = state.live.needs_restart(&resolved.config);
            live::put_live(state, resolved.config, &kept.previous);
            if restarts && can_restart(state) {
                tracing::warn!("The gateway starts again with the settings it had");
                state.ending.send_replace(Some(Ending::Restart));
            }
        }
        Err(problems) => tracing::error!(?problems, "The settings of before make no sense; others stay in force"),
    }
    Ok(trial)
}

/// Whether this process starts a gateway again that ends with [`Ending::Restart`].
pub fn can_restart(state: &AppState) -> bool {
    state.ending.receiver_count() > 0
}

impl Kept {
    fn way_back(&self) -> Edited {
        Edited { text: self.previous.clone(), changed_paths: self.changed_paths.clone() }
    }
}

/// Finds the trial that a gateway before this one has begun, and takes it back if its time is over. To be called
/// before the settings are read.
pub fn recover(paths: &Paths, now_ms: u64) -> anyhow::Result<Option<Kept>> {
    let path = &paths.config_trial;
    if !path.exists() {
        return Ok(None);
    }
    let Ok(mut kept) = serde_json::from_str::<Kept>(&file::read_text(path)?) else {
        tracing::warn!("{} is damaged; the settings stay as they are", path.display());
        forget(path);
        return Ok(None);
    };
    let text = file::read_text(&paths.config_file)?;
    if text != kept.tried {
        if text != kept.previous {
            tracing::warn!(
                "A change of the settings that waited for its confirmation stays: the file was changed since"
            );
        }
        forget(path);
        return Ok(None);
    }
    if kept.deadline_ms <= now_ms {
        tracing::warn!("Nobody has confirmed a change of the settings in time");
        give_back(paths, &kept)?;
        return Ok(None);
    }
    // A clock that was set back must not make it wait for ever.
    kept.deadline_ms = kept.deadline_ms.min(now_ms + CONFIRM_WITHIN_MS.1);
    Ok(Some(kept))
}

/// Takes a change back with which no gateway starts.
pub fn give_back(paths: &Paths, kept: &Kept) -> anyhow::Result<()> {
    let held = Held::take(paths)?;
    if held.text == kept.tried {
        held.write(&kept.way_back())?;
        tracing::warn!(changed = kept.changed_paths.join(" "), "A change of the settings was taken back");
    }
    forget(&paths.config_trial);
    Ok(())
}
