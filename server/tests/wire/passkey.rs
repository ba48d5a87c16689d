//! An authenticator and the browser around it, written out by hand from the specification (Web Authentication Level 3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Encoder;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A passkey in an authenticator. What it does wrong can be set.
#[derive(Debug, Clone)]
pub struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    pub count: u32,
    /// What it asked of the person: present (1), verified (4).
    pub flags: u8,
    /// The page that the browser shows, and what the authenticator takes its host name for.
    pub origin: String,
    pub host: String,
}

impl Authenticator {
    pub fn new(seed: u8, origin: &str) -> Self {
        let host = origin.split("://").nth(1).unwrap().split(':').next().unwrap();
        Self {
            key: SigningKey::from_bytes(&[seed; 32].into()).unwrap(),
            id: vec![seed; 20],
            count: 1,
            flags: 0x05,
            origin: origin.to_owned(),
            host: host.to_owned(),
        }
    }

    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    fn data(&self, more_flags: u8, more: &[u8]) -> Vec<u8> {
        let mut data = Sha256::digest(self.host.as_bytes()).to_vec();
        data.push(self.flags | more_flags);
        data.extend(self.count.to_be_bytes());
        data.extend(more);
        data
    }

    fn cose_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(5).unwrap().i8(1).unwrap().i8(2).unwrap().i8(3).unwrap().i8(-7).unwrap();
        encoder.i8(-1).unwrap().i8(1).unwrap();
        encoder.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
        encoder.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
        encoder.into_writer()
    }

    /// What `navigator.credentials.create` makes of an offer: the parameters of `passkey.finish`.
    pub fn create(&self, offer: &Value) -> Value {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let credential = [&[0; 16], &length[..], &self.id, &self.cose_key()].concat();
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(3).unwrap().str("fmt").unwrap().str("none").unwrap();
        encoder.str("attStmt").unwrap().map(0).unwrap();
        encoder.str("authData").unwrap().bytes(&self.data(0x40, &credential)).unwrap();
        json!({
            "name": "Key",
            "clientData": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", &offer["challenge"])),
            "attestation": URL_SAFE_NO_PAD.encode(encoder.into_writer()),
            "transports": ["internal"],
        })
    }

    /// What `navigator.credentials.get` makes of an offer: the parameters of `stepUp.finish`.
    pub fn get(&mut self, offer: &Value) -> Value {
        self.count += 1;
        let client_data = self.client_data("webauthn.get", &offer["challenge"]);
        let data = self.data(0, &[]);
        let signature: DerSignature = self.key.sign(&[&data[..], &Sha256::digest(&client_data)[..]].concat());
        json!({
            "id": self.id(),
            "clientData": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_bytes()),
        })
    }
}
