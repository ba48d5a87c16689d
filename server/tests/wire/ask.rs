//! What a client says when it connects, and the key it signs with. Written out by hand from wire.md, so
//! that a mistake in our own library is not made twice.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::gateway::TOKEN;

pub const OWNER_SCOPES: [&str; 7] = [
    "operator.admin",
    "operator.approvals",
    "operator.pairing",
    "operator.questions",
    "operator.read",
    "operator.talk.secrets",
    "operator.write",
];

/// The key of a device.
#[derive(Debug, Clone)]
pub struct Key(SigningKey);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V2,
    V3,
}

impl Key {
    pub fn new(seed: u8) -> Self {
        Self::from_seed([seed; 32])
    }

    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0.verifying_key().to_bytes())[..])
    }

    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().to_bytes())
    }

    /// Adds the proof of this device to the parameters of a `connect`.
    pub fn prove(&self, params: &mut Value, challenge: &Value) {
        params["device"] = json!({
            "id": self.id(), "publicKey": self.public(), "signedAt": challenge["ts"], "nonce": challenge["nonce"],
        });
        params["device"]["signature"] = self.sign(params, Version::V3).into();
    }

    pub fn sign(&self, params: &Value, version: Version) -> String {
        URL_SAFE_NO_PAD.encode(self.0.sign(signed_text(params, version).as_bytes()).to_bytes())
    }
}

/// The text that a device signs (wire.md §3.2).
pub fn signed_text(params: &Value, version: Version) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let scopes: Vec<&str> =
        params["scopes"].as_array().into_iter().flatten().map(|scope| scope.as_str().unwrap()).collect();
    let tokens = ["token", "deviceToken", "bootstrapToken"].map(|name| &params["auth"][name]);
    let token = tokens.into_iter().find(|token| token.is_string()).map(text).unwrap_or_default();
    let device = &params["device"];
    let mut fields = vec![
        match version {
            Version::V2 => "v2".to_owned(),
            Version::V3 => "v3".to_owned(),
        },
        text(&device["id"]),
        text(&params["client"]["id"]),
        text(&params["client"]["mode"]),
        params["role"].as_str().unwrap_or("operator").to_owned(),
        scopes.join(","),
        device["signedAt"].to_string(),
        token,
        text(&device["nonce"]).trim().to_owned(),
    ];
    if version == Version::V3 {
        let plain = |value: &Value| text(value).trim().to_ascii_lowercase();
        fields.extend([plain(&params["client"]["platform"]), plain(&params["client"]["deviceFamily"])]);
    }
    fields.join("|")
}

/// The parameters of a `connect`, and the device that proves itself in it.
#[derive(Debug, Clone)]
pub struct Ask {
    params: Value,
    key: Option<Key>,
}

impl Ask {
    fn new(client: &Value, role: &str, scopes: &[&str]) -> Self {
        let params = json!({
            "minProtocol": 4, "maxProtocol": 4, "client": client, "caps": [], "role": role, "scopes": scopes,
        });
        Self { params, key: None }
    }

    pub fn cli(scopes: &[&str]) -> Self {
        Self::new(&json!({"id": "cli", "version": "1.0.0", "platform": "linux", "mode": "cli"}), "operator", scopes)
    }

    pub fn page(scopes: &[&str]) -> Self {
        let client = json!({
            "id": "openclaw-control-ui", "version": "1.0.0", "platform": "linux", "mode": "webchat", "buildId": "dev",
        });
        Self::new(&client, "operator", scopes)
    }

    pub fn node() -> Self {
        Self::new(&json!({"id": "node-host", "version": "1.0.0", "platform": "linux", "mode": "node"}), "node", &[])
    }

    /// A node on Linux that offers these commands.
    pub fn offering(commands: &[&str]) -> Self {
        Self::node().client("deviceFamily", "Linux").param("caps", json!(["system"])).param("commands", json!(commands))
    }

    /// The command line on the gateway's machine: the secret, and every right.
    pub fn admin() -> Self {
        Self::cli(&["operator.admin"]).token(TOKEN)
    }

    pub fn device(mut self, key: &Key) -> Self {
        self.key = Some(key.clone());
        self
    }

    pub fn auth(mut self, field: &str, secret: &str) -> Self {
        self.params["auth"][field] = secret.into();
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.auth("token", token)
    }

    /// With the cap of our own clients.
    pub fn waiting(mut self) -> Self {
        self.params["caps"] = json!(["pairing-wait"]);
        self
    }

    pub fn client(mut self, field: &str, value: &str) -> Self {
        self.params["client"][field] = value.into();
        self
    }

    pub fn param(mut self, field: &str, value: Value) -> Self {
        self.params[field] = value;
        self
    }

    /// The whole request, signed over this challenge.
    pub fn request(&self, challenge: &Value) -> Value {
        let mut params = self.params.clone();
        if let Some(key) = &self.key {
            key.prove(&mut params, challenge);
        }
        json!({"type": "req", "id": "c1", "method": "connect", "params": params})
    }
}
