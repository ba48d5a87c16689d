//! Parameters and results of the methods that make one-time codes: `device.pair.setupCode`,
//! `device.pair.setupStatus` and `owner.link` (wire.md §10.2).

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::event::SetupCompleted;
use crate::setup_code::{BootstrapProfile, SetupAccess};

/// Parameters of `device.pair.setupCode` (wire.md §10.2).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupCodeParams {
    /// The address to put into the code, whatever the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Whether `gateway.remote.url` comes before what the gateway finds out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer_remote_url: Option<bool>,
    /// Whether the result carries a picture; absent means yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_qr: Option<bool>,
    /// Absent means everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_profile: Option<BootstrapProfile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<bool>,
}

/// Result of `device.pair.setupCode`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupCodeMade {
    pub setup_id: String,
    pub expires_at_ms: u64,
    pub setup_code: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<Secret>,
    /// The bare code as a PNG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_data_url: Option<Secret>,
    pub gateway_url: String,
    /// Which secret the gateway asks strangers for: `token` or `password`. The code holds neither.
    pub auth: String,
    pub url_source: String,
    pub access: SetupAccess,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_downgraded: Option<bool>,
    /// Extension: the bare code as a picture that a page can draw itself.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrPath>,
    /// Extension: a link that lets the browser of a phone in, where the address is `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageLink>,
}

/// Extension: a QR code as an SVG path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QrPath {
    /// The `d` of a path that fills the dark modules, one unit each.
    pub qr_svg_path: Secret,
    /// Width and height in modules, with the quiet zone around.
    pub qr_size: usize,
}

/// Extension: a link that a phone's camera opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageLink {
    pub url: Secret,
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrPath>,
}

/// Parameters of `device.pair.setupStatus`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupRef {
    pub setup_id: String,
}

/// Result of `device.pair.setupStatus`: nothing as long as nobody came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<SetupCompleted>,
    /// The code was used, but whether the device heard that it is in is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_uncertain: Option<SetupCompleted>,
}

/// Result of `owner.link`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerLink {
    /// The one-time code that goes into the fragment of the link.
    pub bootstrap_token: Secret,
    pub expires_at_ms: u64,
    /// The port the gateway listens on.
    pub port: u16,
    /// Whether the gateway itself speaks TLS there.
    pub tls: bool,
    /// The address a browser on this machine should use.
    pub host: String,
}
