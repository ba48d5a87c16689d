//! Every way to say no to a connection that asks for more scopes (wire.md §7.2).

use serde_json::{Value, json};

use super::Advice;
use super::advice::advice;

/// Why a connection cannot ask for more, or why its wish came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeRefusal {
    /// Only a paired device can be given more.
    DeviceRequired,
    /// The wish leaves out something that the connection has.
    LeavesOut,
    ScopeUnknown {
        scope: String,
    },
    /// Nobody decided in time, or there never was such a wish of this device.
    Gone,
}

impl UpgradeRefusal {
    pub(super) fn message(&self) -> String {
        match self {
            Self::DeviceRequired => "device identity required".to_owned(),
            Self::LeavesOut => "requested scopes must include the connection's current scopes".to_owned(),
            Self::ScopeUnknown { scope } => format!("unknown scope: {scope}"),
            Self::Gone => "scope upgrade expired or not found".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> Option<&'static str> {
        match self {
            Self::DeviceRequired => Some("DEVICE_IDENTITY_REQUIRED"),
            Self::LeavesOut | Self::ScopeUnknown { .. } | Self::Gone => None,
        }
    }

    pub(super) fn more_details(&self) -> Value {
        match self {
            Self::DeviceRequired => json!({"recommendedNextStep": "reopen_control_ui_securely"}),
            Self::LeavesOut | Self::ScopeUnknown { .. } | Self::Gone => Value::Null,
        }
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::DeviceRequired => advice(
                "Only a paired device can be given more rights.",
                "Open the page over HTTPS or on localhost, and pair it first.",
            ),
            Self::LeavesOut => advice(
                "The wish leaves out rights that the device has.",
                "Ask for what it has and for what it wants besides.",
            ),
            Self::ScopeUnknown { .. } => {
                advice("There is no such right.", "Update the program or the gateway, whichever is older.")
            }
            Self::Gone => advice("Nobody decided about this wish in time.", "Ask again when the owner is there."),
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::DeviceRequired,
            Self::LeavesOut,
            Self::ScopeUnknown { scope: "operator.everything".to_owned() },
            Self::Gone,
        ]
    }
}
