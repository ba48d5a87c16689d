//! Every way to say no around blocked devices. An extension: the reference knows no blocking.

use serde_json::{Value, json};

use super::Advice;
use super::advice::advice;
use crate::DeviceId;

/// How much of a device id a person needs to point at it.
const SHORT_ID: usize = 12;

/// Why a device stays out, or why it was not blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockRefusal {
    /// The owner wants to hear nothing more of this device.
    Device {
        device_id: DeviceId,
    },
    /// The owner wants to hear of no new device from there.
    Address {
        address: String,
    },
    /// Only who sees other devices may block one.
    Denied,
    /// Whoever blocks may not lock itself out.
    Itself,
    /// A device is named by the hash of its key; nothing else can be blocked.
    NoDevice,
    /// It asks from this machine, or nobody knows from where.
    NoAddress,
    NotBlocked,
}

impl BlockRefusal {
    /// The `code` of the wire error: a device that stays out is one that is not paired.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Device { .. } | Self::Address { .. } => "NOT_PAIRED",
            Self::Denied | Self::Itself | Self::NoDevice | Self::NoAddress | Self::NotBlocked => "INVALID_REQUEST",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Device { .. } => format!("device blocked: {}", self.remedy()),
            Self::Address { .. } => format!("address blocked: {}", self.remedy()),
            Self::Denied => "device blocking denied".to_owned(),
            Self::Itself => "a device cannot block itself".to_owned(),
            Self::NoDevice => "not a device id".to_owned(),
            Self::NoAddress => "the device has no address that could be blocked".to_owned(),
            Self::NotBlocked => "device is not blocked".to_owned(),
        }
    }

    /// How the owner takes it back, short enough for a close reason.
    fn remedy(&self) -> String {
        self.unblock_command().map(|command| format!("the owner can undo it with `{command}`")).unwrap_or_default()
    }

    fn unblock_command(&self) -> Option<String> {
        let whom = match self {
            Self::Device { device_id } => device_id.as_str().chars().take(SHORT_ID).collect(),
            Self::Address { address } => address.clone(),
            Self::Denied | Self::Itself | Self::NoDevice | Self::NoAddress | Self::NotBlocked => return None,
        };
        Some(format!("openclaw devices unblock {whom}"))
    }

    pub(super) fn detail_code(&self) -> Option<&'static str> {
        match self {
            Self::Device { .. } => Some("DEVICE_BLOCKED"),
            Self::Address { .. } => Some("ADDRESS_BLOCKED"),
            Self::Denied | Self::Itself | Self::NoDevice | Self::NoAddress | Self::NotBlocked => None,
        }
    }

    pub(super) fn more_details(&self) -> Value {
        self.unblock_command().map_or(Value::Null, |command| json!({"unblockCommand": command}))
    }

    /// Whether it ends the socket: only who asks to come in is sent away.
    pub(super) fn ends_the_socket(&self) -> bool {
        self.detail_code().is_some()
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Device { .. } => advice(
                "The owner has blocked this device; its requests are not shown to anyone.",
                "On the gateway's machine, `openclaw devices blocked` lists it and `openclaw devices unblock` lets it ask again.",
            ),
            Self::Address { .. } => advice(
                "The owner has blocked new devices from this address; their requests are not shown to anyone.",
                "On the gateway's machine, `openclaw devices blocked` lists it and `openclaw devices unblock` lets them ask again.",
            ),
            Self::Denied => advice(
                "This device may not block others.",
                "Do it from a device with admin rights, or with `openclaw devices block` on the gateway's machine.",
            ),
            Self::Itself => advice(
                "A device that blocks itself could not undo it.",
                "Block it from another device, or with `openclaw devices block` on the gateway's machine.",
            ),
            Self::NoDevice => advice(
                "That is no device id.",
                "Use an id from `openclaw devices list`; one that is not listed has to be given whole, 64 digits.",
            ),
            Self::NoAddress => advice(
                "That device asks from the gateway's own machine, or has never said from where.",
                "Block the device alone, without its address.",
            ),
            Self::NotBlocked => {
                advice("That device is not blocked.", "`openclaw devices blocked` lists those that are.")
            }
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Device {
                device_id: DeviceId::claimed("be9db4f8b04636fa392d7fd45951e1776c9c12f15141a4aa847de914d7ce2247"),
            },
            Self::Address { address: "192.0.2.2".to_owned() },
            Self::Denied,
            Self::Itself,
            Self::NoDevice,
            Self::NoAddress,
            Self::NotBlocked,
        ]
    }
}
