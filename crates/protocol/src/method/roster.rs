//! Extension: the devices that are in, found, sorted and cut into pages by the gateway (docs/protocol.md, "Pages of
//! devices").

use serde::{Deserialize, Serialize};

use crate::pairing::PairedDevice;
use crate::shape::{Property, Shape, optional};

/// How many devices `device.pair.page` returns if nobody says how many, and at most.
pub const DEFAULT_DEVICE_LIMIT: u64 = 50;
pub const MAX_DEVICE_LIMIT: u64 = 200;

/// A device that nobody has seen for this long is offered for clean-up, in milliseconds: 90 days.
pub const UNUSED_AFTER_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// More than a century; whoever wants more means "ever".
const LONGEST_SPAN_MS: u64 = 4_000_000_000_000;

pub(super) const PAGE: [Property; 8] = [
    optional("query", Shape::Text { min: 0, max: 200 }),
    optional("role", Shape::OneOf(&["operator", "node"])),
    optional("state", Shape::OneOf(&["online", "offline", "offering", "ended", "revoked"])),
    optional("seenWithinMs", Shape::Between { min: 0, max: LONGEST_SPAN_MS }),
    optional("unseenForMs", Shape::Between { min: 0, max: LONGEST_SPAN_MS }),
    optional("sort", Shape::OneOf(&["recent", "name", "approved", "idle"])),
    optional("offset", Shape::Integer { min: 0 }),
    optional("limit", Shape::Between { min: 0, max: MAX_DEVICE_LIMIT }),
];

/// How a device that is in fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    Online,
    /// Not connected, whatever else is true of it.
    Offline,
    /// A node that offers something nobody has decided about.
    Offering,
    /// Its time was up.
    Ended,
    /// Somebody took all its tokens away.
    Revoked,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceOrder {
    /// Connected ones first, then those seen last.
    #[default]
    Recent,
    /// As people read it: capitals do not matter.
    Name,
    /// The newest approval first.
    Approved,
    /// Those that nobody has seen for the longest time first.
    Idle,
}

/// Parameters of `device.pair.page`. Whatever is absent leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePageParams {
    /// Words that must all occur in names, kinds or addresses, or begin the id; capitals do not matter.
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub role: Option<crate::Role>,
    #[serde(default)]
    pub state: Option<DeviceState>,
    /// Only devices that were seen in the last so many milliseconds.
    #[serde(default)]
    pub seen_within_ms: Option<u64>,
    /// Only devices that nobody has seen for so many milliseconds. The device that asks is never one of them.
    #[serde(default)]
    pub unseen_for_ms: Option<u64>,
    #[serde(default)]
    pub sort: DeviceOrder,
    /// How many of those that fit come before the page. Behind the end, the last page is returned.
    #[serde(default)]
    pub offset: u64,
    #[serde(default)]
    pub limit: Option<u64>,
}

/// One device of a page: as in `device.pair.list`, and where it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedDevice {
    #[serde(flatten)]
    pub device: PairedDevice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_address: Option<String>,
}

/// Result of `device.pair.page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePage {
    pub devices: Vec<ListedDevice>,
    /// How many come before these.
    pub offset: u64,
    /// How many fit.
    pub matching: u64,
    /// How many are in, whatever was asked for; of these, `connected` now and `unused` for [`UNUSED_AFTER_MS`].
    pub paired: u64,
    pub connected: u64,
    pub unused: u64,
}

/// Parameters of `device.pair.list`. Official clients send none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListParams {
    /// Extension: leaves out the devices that nobody has to decide about, and counts them instead.
    #[serde(default)]
    pub only: Option<OnlyWaiting>,
}

/// The one thing that `only` can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnlyWaiting {
    Waiting,
}
