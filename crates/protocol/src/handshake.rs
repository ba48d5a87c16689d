//! The handshake: the gateway's challenge, the client's `connect`, the gateway's `hello-ok`
//! (wire.md §2).

mod connect_shape;
mod hello;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device::SignedFields;
use crate::role::Scopes;
use crate::secret::Secret;
use crate::{CAP_PAIRING_WAIT, MINIMUM_PROBE_PROTOCOL, PROTOCOL_VERSION, Role};

pub use hello::{
    AuthMethod, DeviceTokenGiven, Features, HelloAuth, HelloOk, ServerIdentity, Snapshot, StateVersion, TransportPolicy,
};

/// Who may say hello: the programs that know this protocol (wire.md §2.2).
pub const CLIENT_IDS: [&str; 17] = [
    "webchat-ui",
    CONTROL_UI,
    "openclaw-browser-copilot",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-linux",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    WORKER,
    "test",
    "fingerprint",
    "openclaw-probe",
];

/// The client id of the browser page.
pub const CONTROL_UI: &str = "openclaw-control-ui";
const WORKER: &str = "openclaw-worker";
const CLIENT_MODES: [&str; 8] = ["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"];

/// Sent by the gateway as soon as a socket opens (wire.md §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Fresh for each connection; the device signs it.
    pub nonce: String,
    /// The gateway's clock, Unix epoch milliseconds. Clients sign this instead of their own time.
    pub ts: u64,
}

/// The parameters of `connect` (wire.md §2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connect {
    pub min_protocol: u32,
    pub max_protocol: u32,
    pub client: Client,
    /// As sent. Absent means operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// As sent, in the order sent: the signature covers them so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    #[serde(default)]
    pub caps: Vec<String>,
    /// What a node can be asked to do (wire.md §9.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: BTreeMap<String, bool>,
    /// Where a node looks for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceProof>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// The program that connects, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    pub id: String,
    pub version: String,
    pub platform: String,
    pub mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

/// A device's claim and its proof, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProof {
    pub id: String,
    pub public_key: String,
    pub signature: String,
    /// Unix epoch, milliseconds.
    pub signed_at: u64,
    pub nonce: String,
}

/// The credentials of a connect request. Empty strings are legal and mean "none".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

impl Connect {
    /// Checks the closed shape. The error names every problem.
    pub fn parse(params: &Value) -> Result<Self, String> {
        connect_shape::check(params)?;
        Self::deserialize(params).map_err(|error| error.to_string())
    }

    /// Whether raw parameters claim to be a worker: those get no words at all (wire.md §1.5).
    pub fn claims_worker(params: &Value) -> bool {
        params.get("role").and_then(Value::as_str) == Some("worker")
            || params.pointer("/client/id").and_then(Value::as_str) == Some(WORKER)
            || params.pointer("/client/mode").and_then(Value::as_str) == Some("worker")
    }

    /// Whether we can talk to this client (wire.md §2.3).
    pub fn protocol_fits(&self) -> bool {
        let (min, max) = (self.min_protocol, self.max_protocol);
        let current = min <= PROTOCOL_VERSION && max >= PROTOCOL_VERSION;
        let probe = self.client.mode == "probe" && max >= MINIMUM_PROBE_PROTOCOL && min <= PROTOCOL_VERSION;
        let legacy_node = self.role.as_deref() == Some("node")
            && self.client.mode == "node"
            && max >= MINIMUM_PROBE_PROTOCOL
            && min <= MINIMUM_PROBE_PROTOCOL;
        current || probe || legacy_node
    }

    /// What a node declares that it offers.
    pub fn surface(&self) -> crate::node::Surface {
        crate::node::Surface {
            caps: unique(&self.caps).into_iter().filter(|cap| cap != CAP_PAIRING_WAIT).collect(),
            commands: unique(&self.commands),
            permissions: self.permissions.clone(),
        }
    }

    /// The role asked for; `None` when it is not one of ours.
    pub fn role(&self) -> Option<Role> {
        self.role.as_deref().map_or(Some(Role::Operator), Role::parse)
    }

    pub fn scopes(&self) -> Scopes {
        self.scopes.clone().unwrap_or_default().into()
    }

    pub fn has_cap(&self, cap: &str) -> bool {
        self.caps.iter().any(|held| held == cap)
    }

    pub fn is_control_ui(&self) -> bool {
        self.client.id == CONTROL_UI
    }

    /// Pages must always show an Origin; programs only if they have one (wire.md §5.5).
    pub fn is_web_page(&self) -> bool {
        self.is_control_ui() || self.client.id.starts_with("webchat") || self.client.mode == "webchat"
    }

    /// The token the signature covers: the first one that is present. Never the password (wire.md §3.2).
    pub fn signed_token(&self) -> &str {
        let auth = self.auth.as_ref();
        let first = auth.and_then(|a| a.token.as_ref().or(a.device_token.as_ref()).or(a.bootstrap_token.as_ref()));
        first.map_or("", Secret::reveal)
    }

    /// What the device signed, given the nonce the gateway compares with.
    pub fn signed_fields<'a>(&'a self, proof: &'a DeviceProof, nonce: &'a str) -> SignedFields<'a> {
        SignedFields {
            device_id: &proof.id,
            client_id: &self.client.id,
            client_mode: &self.client.mode,
            role: self.role.as_deref().unwrap_or("operator"),
            scopes: self.scopes.as_deref().unwrap_or_default(),
            signed_at_ms: proof.signed_at,
            token: self.signed_token(),
            nonce,
            platform: &self.client.platform,
            device_family: self.client.device_family.as_deref().unwrap_or_default(),
        }
    }
}

/// Each once, in the order of first mention.
fn unique(names: &[String]) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        if !list.iter().any(|known| known == name) {
            list.push(name.to_owned());
        }
    }
    list
}

impl Auth {
    /// A credential that is present and not blank.
    pub fn given(secret: Option<&Secret>) -> Option<&Secret> {
        secret.filter(|secret| !secret.reveal().trim().is_empty())
    }

    /// Whether there is nothing at all that could prove anything.
    pub fn is_empty(&self) -> bool {
        [&self.token, &self.bootstrap_token, &self.device_token, &self.password]
            .into_iter()
            .all(|secret| Self::given(secret.as_ref()).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({"minProtocol": 4, "maxProtocol": 4, "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"}})
    }

    #[track_caller]
    fn fits(min: u32, max: u32, mode: &str, role: Option<&str>, expected: bool) {
        let mut params = sample();
        params["minProtocol"] = min.into();
        params["maxProtocol"] = max.into();
        params["client"]["mode"] = mode.into();
        if let Some(role) = role {
            params["role"] = role.into();
        }
        assert_eq!(Connect::parse(&params).unwrap().protocol_fits(), expected);
    }

    #[test]
    fn negotiates_the_protocol_as_specified() {
        fits(4, 4, "cli", None, true);
        fits(3, 4, "cli", None, true);
        fits(3, 3, "cli", None, false);
        fits(5, 5, "cli", None, false);
        fits(3, 3, "probe", None, true);
        fits(3, 3, "node", Some("node"), true);
        fits(3, 3, "node", None, false);
    }

    #[test]
    fn what_strangers_say_of_themselves_is_short() {
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut params = sample();
            change(&mut params);
            Connect::parse(&params).unwrap_err()
        };
        let long = "x".repeat(257);
        let name = refused(&|params| params["client"]["displayName"] = long.clone().into());
        assert_eq!(name, "at /client/displayName: must not have more than 256 characters");
        let scopes = refused(&|params| params["scopes"] = vec!["operator.read"; 65].into());
        assert_eq!(scopes, "at /scopes: must not have more than 64 items");
    }

    #[test]
    fn the_signed_token_is_the_first_present_and_never_the_password() {
        let mut params = sample();
        params["auth"] = json!({"password": "p", "deviceToken": "d", "bootstrapToken": "b"});
        assert_eq!(Connect::parse(&params).unwrap().signed_token(), "d");
        params["auth"] = json!({"password": "p"});
        assert_eq!(Connect::parse(&params).unwrap().signed_token(), "");
        params["auth"] = json!({"token": "", "deviceToken": "d"});
        assert_eq!(Connect::parse(&params).unwrap().signed_token(), "");
    }
}
