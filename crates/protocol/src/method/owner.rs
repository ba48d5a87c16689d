//! What only the owner of the machine may ask.

use serde::{Deserialize, Serialize};

/// Parameters of `owner.stop`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerStop {
    /// Whether the gateway starts again, with the same arguments, in the same process and terminal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart: bool,
}

/// Result of `owner.stop`: the gateway is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerStopping {
    pub pid: u32,
    pub restarts: bool,
}
