//! Extension: the record of every decision, which is only ever added to (docs/protocol.md, "The audit").
//!
//! Each entry carries the SHA-256 over the hash of the entry before it and over itself, so that whoever changes or
//! removes one has to change all that follow, too.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::DeviceId;
use crate::node::PendingNodeSurface;
use crate::pairing::{ApprovedVia, Origin, PendingRequest};
use crate::role::{Role, Scopes};
use crate::shape::{NON_EMPTY, Property, Shape, optional};

/// How many entries `audit.list` returns if nobody says how many, and at most.
pub const DEFAULT_AUDIT_LIMIT: u64 = 50;
pub const MAX_AUDIT_LIMIT: u64 = 500;

/// What the first entry of all follows.
pub const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) const LIST: [Property; 8] = [
    optional("limit", Shape::Between { min: 1, max: MAX_AUDIT_LIMIT }),
    optional("cursor", Shape::Integer { min: 1 }),
    optional("actions", Shape::List(&NON_EMPTY)),
    optional("about", Shape::Text { min: 1, max: 128 }),
    optional("by", Shape::Text { min: 1, max: 128 }),
    optional("since", Shape::Integer { min: 0 }),
    optional("until", Shape::Integer { min: 0 }),
    optional("search", Shape::Text { min: 1, max: 200 }),
];

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal;)*) => {
        /// What was decided.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum AuditAction {
            $($(#[$doc])* #[serde(rename = $name)] $action,)*
            /// An entry of a newer gateway, or one that was tampered with.
            #[serde(rename = "unreadable", other)]
            Unreadable,
        }

        impl AuditAction {
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                    Self::Unreadable => "unreadable",
                }
            }
        }
    };
}

actions! {
    /// A device was let in, or let in for more: by a person, a rule, or a one-time code.
    Approved = "approved";
    Rejected = "rejected";
    /// An approval was taken back moments later.
    Undone = "undone";
    Removed = "removed";
    Renamed = "renamed";
    TokenRotated = "token-rotated";
    TokenRevoked = "token-revoked";
    Blocked = "blocked";
    Unblocked = "unblocked";
    NodeApproved = "node-approved";
    NodeRejected = "node-rejected";
    NodeRemoved = "node-removed";
    CodeMade = "code-made";
    CodeUsed = "code-used";
    OwnerLinkMade = "owner-link-made";
    OwnerLinkUsed = "owner-link-used";
    SettingsChanged = "settings-changed";
    /// The owner can show who is there with this from now on.
    PasskeyAdded = "passkey-added";
    PasskeyRemoved = "passkey-removed";
    /// One was shown for something.
    PasskeyUsed = "passkey-used";
    /// One was not taken because its counter went back.
    PasskeyRefused = "passkey-refused";
    /// A repair of the doctor's.
    Repaired = "repaired";
    Panic = "panic";
    BackupRestored = "backup-restored";
    /// A device was taken over from OpenClaw.
    Migrated = "migrated";
}

impl AuditAction {
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }
}

/// On whose word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum AuditAuthor {
    /// The owner of the state directory, at the command line on the gateway's machine.
    Owner,
    #[serde(rename_all = "camelCase")]
    Device {
        device_id: DeviceId,
        /// What it was called then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A program that showed the gateway's token or password and no device key.
    Program,
    /// A rule of the owner's, or a one-time code.
    Policy { via: ApprovedVia },
    /// Whoever wrote into the settings file.
    File,
}

impl AuditAuthor {
    /// What a search for it says: the kind, or the id of the device.
    pub fn key(&self) -> &str {
        match self {
            Self::Owner => "owner",
            Self::Device { device_id, .. } => device_id.as_str(),
            Self::Program => "program",
            Self::Policy { .. } => "policy",
            Self::File => "file",
        }
    }
}

/// The device that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditSubject {
    pub device_id: DeviceId,
    /// What it was called then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a device holds after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditGrant {
    pub roles: Vec<Role>,
    pub scopes: Scopes,
}

/// A decision, before it has its place among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audited {
    pub action: AuditAction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<AuditSubject>,
    pub by: AuditAuthor,
    /// Where whoever decided was, and how that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// The request as it was displayed, its evidence included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Box<PendingRequest>>,
    /// What the node offered, where it was decided about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Box<PendingNodeSurface>>,
    /// The digest of what was displayed that the decision repeated; official clients repeat none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<AuditGrant>,
    /// The one-time code, by the name that says nothing of the code itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_id: Option<String>,
    /// The detail that the action needs: the new name, the role, the address, the key paths, what a code is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Audited {
    pub fn new(action: AuditAction, by: AuditAuthor) -> Self {
        Self {
            action,
            about: None,
            by,
            from: None,
            shown: None,
            offered: None,
            digest: None,
            granted: None,
            setup_id: None,
            note: None,
        }
    }

    #[must_use]
    pub fn about(mut self, device_id: DeviceId, name: Option<String>) -> Self {
        self.about = Some(AuditSubject { device_id, name });
        self
    }

    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// A decision in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// Unix epoch, milliseconds.
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: Audited,
}

/// An entry as it is listed and exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// See [`chain`].
    pub hash: String,
}

/// The text of an entry that its hash is over: JSON with sorted keys and without spaces, as `jq -cS` writes it.
pub fn canonical(entry: &AuditEntry) -> serde_json::Result<String> {
    // A map of this crate graph is sorted; a test sees to that.
    serde_json::to_value(entry).map(|value| value.to_string())
}

/// The canonical text of an entry as it was listed or exported, its hash taken out.
pub fn canonical_row(row: &Value) -> String {
    let mut entry = row.clone();
    if let Some(fields) = entry.as_object_mut() {
        fields.remove("hash");
    }
    entry.to_string()
}

/// The hash of an entry, in hex: SHA-256 over the hash of the one before it, in hex, and the canonical text.
pub fn chain(previous: &str, canonical: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(canonical);
    hex::encode(hasher.finalize())
}

/// Parameters of `audit.list`. Whatever is absent leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The `nextCursor` of the page before; only entries with smaller numbers are returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// A device that was decided about: its id, or how that begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Who decided: `owner`, `program`, `policy`, `file`, or a device's id, or how that begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Unix epoch, milliseconds; this moment included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Unix epoch, milliseconds; this moment not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Text in names, ids, addresses and details; capitals do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Result of `audit.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditRow>,
    /// What to send as `cursor` for what comes after; absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<u64>,
    /// How many entries are kept, whatever was asked for.
    pub kept: u64,
}

/// Result of `audit.verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdict {
    pub ok: bool,
    /// How many entries were looked at.
    pub checked: u64,
    /// The number of the first entry that does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<u64>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The number of the oldest entry that is kept; older ones were forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<u64>,
    /// The number and the hash of the newest, to be kept elsewhere: what is cut off the end leaves no trace here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_hash: Option<String>,
}

/// The payload of `audit.appended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAppended {
    /// The number of the newest entry.
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> AuditEntry {
        let by = AuditAuthor::Device { device_id: DeviceId::claimed("b"), name: None };
        let what = Audited::new(AuditAction::Renamed, by)
            .about(DeviceId::claimed("a"), Some("Pixel \"2\"".to_owned()))
            .noting("Küche");
        AuditEntry { seq: 3, at_ms: 9, what }
    }

    #[test]
    fn the_canonical_text_has_sorted_keys_and_no_spaces() {
        let text = r#"{"about":{"deviceId":"a","name":"Pixel \"2\""},"action":"renamed","atMs":9,"by":{"deviceId":"b","kind":"device"},"note":"Küche","seq":3}"#;
        assert_eq!(canonical(&entry()).unwrap(), text);
        let row = AuditRow { entry: entry(), hash: "h".to_owned() };
        let listed = serde_json::to_value(&row).unwrap();
        assert_eq!((canonical_row(&listed).as_str(), listed["hash"].as_str()), (text, Some("h")));
        assert_eq!(serde_json::from_value::<AuditRow>(listed).unwrap(), row);
    }

    #[test]
    fn a_hash_follows_from_the_one_before_and_from_the_text() {
        // printf %s%s 00…0 '{}' | sha256sum
        let first = chain(FIRST_HASH, "{}");
        assert_eq!(first, "5508d2b710e64bc470079e1b211d9c58e21011e59d0559e422345dc19d659a75");
        assert_ne!(chain(&first, "{}"), first);
        assert_ne!(chain(FIRST_HASH, "[]"), first);
    }

    #[test]
    fn an_action_of_a_newer_gateway_does_not_spoil_the_list() {
        let row = json!({"seq": 1, "atMs": 2, "action": "exorcised", "by": {"kind": "owner"}, "hash": "h"});
        let row: AuditRow = serde_json::from_value(row).unwrap();
        assert_eq!(row.entry.what.action, AuditAction::Unreadable);
        assert_eq!(AuditAction::parse("node-approved"), Some(AuditAction::NodeApproved));
        assert_eq!(AuditAction::parse("exorcised"), None);
    }
}
