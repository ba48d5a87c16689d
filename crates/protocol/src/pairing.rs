//! The records people decide on: requests that wait, and devices that are in (wire.md §6.1).

mod explain;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::node::{NodeSurface, Offer, PendingNodeSurface};
use crate::role::{Role, Scopes};
use crate::{DeviceId, Fingerprint, PublicKey, plain};

pub use explain::{Approval, Approver, BlockedDevice, Explanation, LiveConnection};

/// A request that waits for a person. Our own clients also get [`Evidence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRequest {
    pub request_id: String,
    pub device_id: DeviceId,
    /// Base64url of the raw key.
    pub public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    pub role: Role,
    pub roles: Vec<Role>,
    pub scopes: Scopes,
    /// Absent for this machine itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    /// Whether it could have been approved without asking; always false for what people see.
    pub silent: bool,
    /// Whether the device was paired before.
    pub is_repair: bool,
    /// When it was first asked, Unix epoch milliseconds.
    pub ts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Extension: what the gateway knows about a request besides what the device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What an approval must repeat, so that it covers exactly what was shown.
    pub digest: String,
    pub reason: PairingReason,
    /// Unix epoch, milliseconds.
    pub expires_at_ms: u64,
    /// How often it was asked, this time included.
    pub attempts: u32,
    /// Whether the device showed the gateway's token or password. Without one it merely knocks.
    pub has_secret: bool,
    pub origin: Origin,
    /// What the device holds now; the request adds to it.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub approved_scopes: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What a node offers. An approval that repeats the digest covers this too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Offer>,
    /// What the device was let in as, if it was: what the request would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
}

/// A device that asks and was let in before, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// What it is called here.
    pub name: String,
    pub platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub client_id: String,
    /// Only those that it still holds.
    pub roles: Vec<Role>,
    /// When its approval ends, or ended; Unix epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// Where a request came from and how the gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The resolved address of the client.
    pub address: String,
    pub network: Network,
    /// How the address was resolved, as a phrase: "directly", "through the trusted proxy 10.0.0.2".
    pub resolved: String,
    /// Whether the last hop that we can vouch for was encrypted.
    pub encrypted: bool,
    /// The page's origin, if it was a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// How far away an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    ThisMachine,
    Lan,
    Tailnet,
    Public,
}

impl Network {
    pub fn label(self) -> &'static str {
        match self {
            Self::ThisMachine => "This machine",
            Self::Lan => "LAN",
            Self::Tailnet => "Tailnet",
            Self::Public => "Public",
        }
    }
}

/// Why a device has to wait (wire.md §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairingReason {
    NotPaired,
    RoleUpgrade,
    ScopeUpgrade,
    MetadataUpgrade,
}

impl PairingReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPaired => "not-paired",
            Self::RoleUpgrade => "role-upgrade",
            Self::ScopeUpgrade => "scope-upgrade",
            Self::MetadataUpgrade => "metadata-upgrade",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::NotPaired, Self::RoleUpgrade, Self::ScopeUpgrade, Self::MetadataUpgrade]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::NotPaired => "device is not approved yet",
            Self::RoleUpgrade => "device is asking for a higher role than currently approved",
            Self::ScopeUpgrade => "device is asking for more scopes than currently approved",
            Self::MetadataUpgrade => "device identity changed and must be re-approved",
        }
    }

    pub fn remediation_hint(self) -> &'static str {
        match self {
            Self::NotPaired => "Approve this device from the pending pairing requests.",
            Self::RoleUpgrade => "Review the requested role upgrade, then approve the pending request.",
            Self::ScopeUpgrade => "Review the requested scopes, then approve the pending upgrade.",
            Self::MetadataUpgrade => "Review the refreshed device details, then approve the pending request.",
        }
    }
}

impl PendingRequest {
    /// A short hash over everything that a person bases the decision on, with what a node offers. It
    /// changes when any of it does.
    pub fn digest(&self, node: Option<&Offer>) -> String {
        let mut hasher = Sha256::new();
        let mut add = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        add(&self.request_id);
        add(&self.public_key);
        add(self.display_name.as_deref().unwrap_or_default());
        add(&self.platform);
        add(self.device_family.as_deref().unwrap_or_default());
        add(&self.client_id);
        add(self.remote_ip.as_deref().unwrap_or_default());
        for role in &self.roles {
            add(role.as_str());
        }
        for scope in self.scopes.iter() {
            add(scope);
        }
        if let Some(Offer { surface, .. }) = node {
            for list in [&surface.caps, &surface.commands] {
                add(&list.len().to_string());
                for name in list {
                    add(name);
                }
            }
            for (name, granted) in &surface.permissions {
                add(name);
                add(if *granted { "yes" } else { "no" });
            }
        }
        hex::encode(&hasher.finalize()[..16])
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        PublicKey::parse(&self.public_key).map(PublicKey::fingerprint)
    }

    /// The name to show: what the device calls itself, or what it is.
    pub fn shown_name(&self) -> String {
        shown_name(self.display_name.as_deref(), None, &self.client_id, &self.platform)
    }
}

/// A device that is in (list shape).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairedDevice {
    pub device_id: DeviceId,
    pub public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The name the owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    pub role: Role,
    pub roles: Vec<Role>,
    pub scopes: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub approved_via: ApprovedVia,
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<String>,
    /// Only in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    pub tokens: Vec<TokenSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_surface: Option<NodeSurface>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_node_surface: Option<PendingNodeSurface>,
    /// Extension: when what was approved ends, or ended; Unix epoch milliseconds. Absent for what lasts until it is
    /// revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// Extension: what it asked for and whoever approved it left out.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub withheld_scopes: Scopes,
}

impl PairedDevice {
    /// Whether its approval has ended by itself.
    pub fn has_ended(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|end_ms| end_ms <= now_ms)
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        PublicKey::parse(&self.public_key).map(PublicKey::fingerprint)
    }

    pub fn shown_name(&self) -> String {
        let platform = self.platform.as_deref().unwrap_or_default();
        shown_name(self.display_name.as_deref(), self.operator_label.as_deref(), &self.client_id, platform)
    }
}

/// The name to show: the owner's, or what the device calls itself, or what it is.
pub fn shown_name(display: Option<&str>, label: Option<&str>, client_id: &str, platform: &str) -> String {
    match label.or(display).map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => plain::name(name),
        None => plain::name(&format!("{} on {platform}", client_kind(client_id))),
    }
}

/// What a client id means to a person.
pub fn client_kind(client_id: &str) -> &str {
    match client_id {
        "openclaw-control-ui" | "webchat" | "webchat-ui" => "Browser",
        "cli" | "openclaw-tui" => "Command line",
        "node-host" => "Node",
        "openclaw-ios" => "iOS app",
        "openclaw-android" => "Android app",
        "openclaw-macos" => "macOS app",
        "openclaw-linux" => "Linux app",
        "openclaw-watchos" => "Watch app",
        "gateway-client" => "Gateway client",
        other => other,
    }
}

/// How a device came to be approved (wire.md §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovedVia {
    /// A person with the right to.
    Owner,
    /// A one-time code made by such a person.
    Bootstrap,
    /// This machine, with the gateway's secret.
    Silent,
    /// An address range the owner listed.
    TrustedCidr,
}

impl ApprovedVia {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Bootstrap => "bootstrap",
            Self::Silent => "silent",
            Self::TrustedCidr => "trusted-cidr",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Owner, Self::Bootstrap, Self::Silent, Self::TrustedCidr].into_iter().find(|via| via.as_str() == text)
    }

    /// A person's word outlives an automatic approval (wire.md §6.2).
    #[must_use]
    pub fn merged_with(self, newer: Self) -> Self {
        match (self, newer) {
            (_, Self::Owner) => Self::Owner,
            (Self::Owner | Self::Bootstrap, _) => self,
            (Self::Silent | Self::TrustedCidr, newer) => newer,
        }
    }
}

/// A device token as it may be shown: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenSummary {
    pub role: Role,
    pub scopes: Scopes,
    pub created_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<u64>,
}

/// The result of `device.pair.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingList {
    /// Newest first.
    pub pending: Vec<PendingRequest>,
    pub paired: Vec<PairedDevice>,
    /// Extension: how many there are, where only those were asked for that wait for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<PairingCounts>,
}

/// How many devices are in, and how many of them are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingCounts {
    pub paired: u64,
    pub connected: u64,
}
