//! Every way to say no to the terms of an approval, and to its undoing. An extension: the reference approves whole
//! requests, and for ever.

use super::Advice;
use super::advice::advice;
use crate::role::ADMIN;

/// Why an approval was not given as it was meant, or not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApproveRefusal {
    /// An approval can give less than was asked, never more.
    NotAsked { scope: String },
    /// A device that may do nothing is not let in.
    NothingLeft,
    /// What a node does follows from its commands, which are approved as a whole.
    NodeIsWhole,
    /// There is no approval of that request that is recent enough.
    UndoTooLate,
    /// Somebody has changed the device since it was approved.
    UndoChanged,
    /// Only who approved it, or an admin, takes it back.
    UndoDenied,
}

impl ApproveRefusal {
    pub(super) fn message(&self) -> String {
        match self {
            Self::NotAsked { scope } => format!("scope was not asked for: {scope}"),
            Self::NothingLeft => "an approval has to leave at least one scope".to_owned(),
            Self::NodeIsWhole => "what a node asks for is approved whole".to_owned(),
            Self::UndoTooLate => "an approval can be undone for 30 seconds only".to_owned(),
            Self::UndoChanged => "the device was changed after this approval".to_owned(),
            Self::UndoDenied => "undoing this approval denied".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> &'static str {
        match self {
            Self::NotAsked { .. } => "SCOPE_NOT_ASKED",
            Self::NothingLeft => "NO_SCOPE_LEFT",
            Self::NodeIsWhole => "NODE_IS_WHOLE",
            Self::UndoTooLate => "UNDO_TOO_LATE",
            Self::UndoChanged => "UNDO_CHANGED",
            Self::UndoDenied => "UNDO_DENIED",
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::NotAsked { .. } => advice(
                "An approval can give less than the device asks for, not more.",
                "Choose among the scopes that `openclaw devices list` shows for this request.",
            ),
            Self::NothingLeft => advice(
                "Nothing would be left that the device may do.",
                "Leave it at least one right, or reject the request.",
            ),
            Self::NodeIsWhole => advice(
                "A node's rights follow from the commands that it offers, and are approved together.",
                "Approve it without choosing scopes, or reject it.",
            ),
            Self::UndoTooLate => advice(
                "An approval can be undone for 30 seconds, and those are over.",
                "Remove the device under Devices, or with `openclaw devices remove`; `openclaw devices revoke` keeps its record.",
            ),
            Self::UndoChanged => advice(
                "Somebody has changed the device since it was approved, so going back is not safe.",
                "Look at it under Devices, and remove it or revoke its access there.",
            ),
            Self::UndoDenied => advice(
                "Only whoever approved it, or a device with full rights, can take that back.",
                "Remove the device from a device with admin rights, or with `openclaw devices remove` on the gateway's machine.",
            ),
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::NotAsked { scope: ADMIN.to_owned() },
            Self::NothingLeft,
            Self::NodeIsWhole,
            Self::UndoTooLate,
            Self::UndoChanged,
            Self::UndoDenied,
        ]
    }
}
