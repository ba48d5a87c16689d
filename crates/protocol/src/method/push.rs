//! Parameters and results of `push.*`: extensions, by which a browser hears of requests while no page is open
//! (docs/protocol.md, "Notifications").

use serde::{Deserialize, Serialize};

use crate::DeviceId;

/// Result of `push.key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushKey {
    /// The P-256 key that the gateway's pushes are signed with: an uncompressed point in base64url.
    pub public_key: String,
}

/// Result of `push.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushList {
    /// Newest first. A device without admin rights sees its own.
    pub subscriptions: Vec<SubscribedBrowser>,
    /// Where the owner wants to be told besides (`gateway.notify.url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<NotifyUrl>,
}

/// A browser that is told while no page is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribedBrowser {
    pub device_id: DeviceId,
    /// What the owner, or the device itself, calls the device.
    pub name: String,
    /// The host of its push service.
    pub service: String,
    /// The address that its push service gave it; only in what the device itself is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    pub created_at_ms: u64,
}

/// Where the owner wants to be told besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyUrl {
    pub host: String,
    /// `json` or `ntfy`.
    pub format: String,
}

/// Parameters of `push.subscribe`: what the browser's `PushSubscription` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushSubscribeParams {
    pub endpoint: String,
    /// The browser's P-256 key, an uncompressed point in base64url.
    pub p256dh: String,
    /// 16 random bytes in base64url.
    pub auth: String,
}

/// Parameters of `push.unsubscribe`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointRef {
    pub endpoint: String,
}

/// Whom `push.test` tells something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushTarget {
    /// The browsers of the device that asks.
    #[default]
    Browser,
    /// What `gateway.notify.url` names.
    Url,
}

/// Parameters of `push.test`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct PushTestParams {
    #[serde(default)]
    pub target: PushTarget,
}

/// Result of `push.test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTested {
    pub results: Vec<PushOutcome>,
}

/// What came of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushOutcome {
    /// The host that it was given to.
    pub service: String,
    /// Whether that took it.
    pub ok: bool,
    /// What happened, in a sentence.
    pub said: String,
}
