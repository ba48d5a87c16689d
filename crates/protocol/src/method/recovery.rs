//! Parameters and results of the methods by which an owner gets over a loss: `owner.export`, `owner.migrate` and
//! `owner.panic` (docs/recovery.md).

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Secret};

/// Parameters of `owner.migrate`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrateParams {
    /// The state directory of OpenClaw, as an absolute path; absent means the gateway's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only say what would happen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Result of `owner.migrate`: what was found, and what became of each record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Migrated {
    pub from: String,
    pub dry_run: bool,
    /// The files that were read. None of them was changed.
    pub sources: Vec<String>,
    pub items: Vec<MigratedItem>,
}

impl Migrated {
    pub fn count(&self, outcome: MigratedOutcome) -> usize {
        self.items.iter().filter(|item| item.outcome == outcome).count()
    }
}

/// One record of another gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigratedItem {
    /// The file it stands in.
    pub source: String,
    pub kind: MigratedKind,
    /// The device's id or the request's; the file where it is about all of it.
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub outcome: MigratedOutcome,
    /// Why it was not taken, or what of it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigratedKind {
    Device,
    Request,
    Node,
    /// The key of this machine itself.
    Identity,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigratedOutcome {
    Imported,
    /// This gateway has a record of its own, which stays as it is.
    Known,
    Skipped,
}

/// Result of `owner.export`: OpenClaw's files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exported {
    pub files: Vec<ExportedFile>,
    pub devices: usize,
    pub requests: usize,
}

/// A file below the directory that is exported to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportedFile {
    pub path: String,
    /// Holds device tokens or a private key.
    pub text: Secret,
}

/// Result of `owner.panic`: what is worthless or gone now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panicked {
    /// How many connections were closed.
    pub closed: usize,
    /// The devices that lost their tokens; their records stay.
    pub revoked: Vec<RevokedDevice>,
    /// This machine's own command line, which stays approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<DeviceId>,
    /// How many requests and one-time codes were deleted.
    pub requests: u64,
    pub codes: u64,
    /// Which secrets are new.
    pub rotated: Vec<String>,
    /// What could not be done, each with what to do about it.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedDevice {
    pub device_id: DeviceId,
    pub name: String,
}
