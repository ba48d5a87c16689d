//! Parameters and results of the methods by which an operator looks after the gateway: settings, log,
//! more rights (wire.md §7.2, §7.5).

use serde::{Deserialize, Serialize};

use crate::pairing::Network;
use crate::role::Scopes;
use crate::secret::Secret;
use crate::shape::{NON_EMPTY, Property, Shape, TEXT, optional, required};

/// Extension in `status`, under `gateway.reachableFrom`: one network from which the gateway can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    pub network: Network,
    /// By what, as the end of a sentence: "it listens on 192.168.1.5".
    pub how: String,
}

/// Extension in `status`, under `gateway.setup`: what a one-time code for another device would lead to, before one is
/// made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupOutlook {
    /// The address that would stand in it; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What cannot work, or not for everybody, the gravest first.
    pub concerns: Vec<SetupConcern>,
}

/// Something that keeps devices from coming in by the address of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupConcern {
    /// Who cannot come in.
    pub shuts_out: ShutOut,
    pub sentence: String,
    pub next_step: String,
}

/// Whom a concern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShutOut {
    /// Every device but this machine.
    Everyone,
    /// Browsers, which make no key at an address that is not encrypted.
    Browsers,
    /// Devices in other networks.
    Elsewhere,
}

/// What `logs.tail` returns at most, in lines.
pub const MAX_TAIL_LINES: u64 = 5000;

/// What `logs.tail` reads at most, in bytes.
pub const MAX_TAIL_BYTES: u64 = 1_000_000;

pub(crate) const RAW: Property = required("raw", NON_EMPTY);
pub(crate) const BASE_HASH: Property = optional("baseHash", NON_EMPTY);
pub(crate) const NOTE: Property = optional("note", TEXT);
pub(crate) const SESSION_KEY: Property = optional("sessionKey", TEXT);
pub(crate) const RESTART_DELAY: Property = optional("restartDelayMs", Shape::Integer { min: 0 });
pub(crate) const DELIVERY: Property = optional(
    "deliveryContext",
    Shape::Object(&[
        optional("accountId", TEXT),
        optional("channel", TEXT),
        optional("threadId", Shape::Any),
        optional("to", TEXT),
    ]),
);
pub(crate) const REPLACE_PATHS: Property =
    optional("replacePaths", Shape::Items { item: &NON_EMPTY, min: 0, max: 256, unique: false });
pub(crate) const UPGRADE_SCOPES: Property =
    required("scopes", Shape::Items { item: &NON_EMPTY, min: 1, max: 8, unique: true });
pub(crate) const TAIL: [Property; 3] = [
    optional("cursor", Shape::Integer { min: 0 }),
    optional("limit", Shape::Between { min: 1, max: MAX_TAIL_LINES }),
    optional("maxBytes", Shape::Between { min: 1, max: MAX_TAIL_BYTES }),
];

/// Parameters of `config.set`, `config.patch` and `config.apply`. What they say of sessions, deliveries and
/// restarts is accepted and changes nothing: this gateway carries no sessions and does not restart itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigWriteParams {
    /// JSON5: the whole file, or a merge patch.
    pub raw: String,
    /// The `hash` of `config.get`; may only be missing where there is no file yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Key paths whose value a patch replaces as a whole instead of merging it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<String>,
    /// Comes back as the `message` of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Extension: the change is taken back unless somebody confirms it within so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_within_ms: Option<u64>,
}

/// Parameters of `config.schema.lookup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SchemaLookupParams {
    /// A key path with dots; items of lists are `*`.
    pub path: String,
}

/// Parameters of `logs.tail`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TailParams {
    /// Where the last answer ended, in bytes; without it the end of the file is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// Result of `logs.tail`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tail {
    pub file: String,
    /// What to send as `cursor` next time.
    pub cursor: u64,
    /// Bytes.
    pub size: u64,
    /// Whole lines, oldest first.
    pub lines: Vec<String>,
    /// Whether there was more than fits.
    pub truncated: bool,
    /// Whether the cursor belonged to a file that was rotated away.
    pub reset: bool,
    /// How many bytes between the cursor and the first line are not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_bytes: Option<u64>,
}

/// Parameters of `device.scopes.requestUpgrade`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpgradeParams {
    /// Everything the device wants to hold, what it holds already included.
    pub scopes: Scopes,
}

/// Result of `device.scopes.waitUpgrade`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upgraded {
    pub status: crate::event::Decision,
    pub request_id: String,
    /// The new token, if it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// What it allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
}
