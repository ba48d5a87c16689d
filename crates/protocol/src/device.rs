//! Device keys: their encodings, the id derived from them, what a device signs, and the fingerprint
//! that two people compare (wire.md §3).

use base64::{Engine, engine::general_purpose};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fingerprint_words::{EMOJI, WORDS};

/// Encoded keys and signatures longer than this are refused unread (wire.md §3.1).
const MAX_ENCODED_KEY: usize = 4096;

/// The DER prefix of an Ed25519 `SubjectPublicKeyInfo` (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// An Ed25519 public key: 32 raw bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads base64url, standard base64 or an SPKI PEM (wire.md §3.1). `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_ENCODED_KEY {
            return None;
        }
        if text.contains("BEGIN") {
            let body: String = text.lines().filter(|line| !line.contains("-----")).map(str::trim).collect();
            let der = general_purpose::STANDARD.decode(body).ok()?;
            return der.strip_prefix(&SPKI_PREFIX)?.try_into().ok().map(Self);
        }
        decode_base64(text)?.try_into().ok().map(Self)
    }

    /// The spelling used on the wire: base64url without padding.
    pub fn to_base64url(self) -> String {
        general_purpose::URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn device_id(self) -> DeviceId {
        DeviceId(hex::encode(Sha256::digest(self.0)))
    }

    /// Whether the text has the form of a key's id: 64 lower-case hexadecimal digits.
    pub fn could_have(id: &DeviceId) -> bool {
        id.as_str().len() == 64 && id.as_str().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    pub fn fingerprint(self) -> Fingerprint {
        Fingerprint::of(self)
    }

    /// Whether `signature` (base64url or base64) is this key's over `payload`. Keys of small order and
    /// malleable signatures are refused (`verify_strict`).
    pub fn verifies(self, payload: &str, signature: &str) -> bool {
        let signature = (signature.len() <= MAX_ENCODED_KEY).then(|| decode_base64(signature)).flatten();
        let (Ok(key), Some(bytes)) = (VerifyingKey::from_bytes(&self.0), signature) else {
            return false;
        };
        Signature::from_slice(&bytes).is_ok_and(|signature| key.verify_strict(payload.as_bytes(), &signature).is_ok())
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let url_safe: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    general_purpose::URL_SAFE_NO_PAD.decode(url_safe).ok()
}

/// Lower-case hex SHA-256 of the raw public key: 64 characters (wire.md §3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// Takes an id as somebody wrote it. Whether it belongs to a key is for [`PublicKey::device_id`].
    pub fn claimed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What two people compare to know that they look at the same device: six pictures, four words and
/// eight hex digits. Pictures and words come from a hash of their own, so that they say more than the
/// start of the device id, which the hex digits are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub emoji: Vec<String>,
    pub words: Vec<String>,
    /// The first eight digits of the device id, in two groups.
    pub hex: String,
}

impl Fingerprint {
    fn of(key: PublicKey) -> Self {
        let digest = Sha256::new().chain_update(b"openclaw device fingerprint v1").chain_update(key.0).finalize();
        let emoji = digest[..6].iter().map(|byte| EMOJI[usize::from(byte % 64)].0.to_owned()).collect();
        let words = digest[6..10].iter().map(|byte| WORDS[usize::from(*byte)].to_owned()).collect();
        let id = key.device_id();
        let hex = format!("{} {}", &id.as_str()[..4], &id.as_str()[4..8]);
        Self { emoji, words, hex }
    }

    /// The pictures in words, for people who hear the page.
    pub fn spoken_emoji(&self) -> String {
        let names: Vec<&str> = self
            .emoji
            .iter()
            .filter_map(|shown| EMOJI.iter().find(|(emoji, _)| emoji == shown).map(|(_, name)| *name))
            .collect();
        names.join(", ")
    }
}

/// What a device signs to prove its key (wire.md §3.2). Borrowed from a connect request.
#[derive(Debug, Clone, Copy)]
pub struct SignedFields<'a> {
    pub device_id: &'a str,
    pub client_id: &'a str,
    pub client_mode: &'a str,
    pub role: &'a str,
    pub scopes: &'a [String],
    /// Unix epoch, milliseconds.
    pub signed_at_ms: u64,
    pub token: &'a str,
    pub nonce: &'a str,
    pub platform: &'a str,
    pub device_family: &'a str,
}

impl SignedFields<'_> {
    pub fn payload_v2(&self) -> String {
        format!("v2|{}", self.common())
    }

    pub fn payload_v3(&self) -> String {
        format!("v3|{}|{}|{}", self.common(), plain(self.platform), plain(self.device_family))
    }

    fn common(&self) -> String {
        let scopes = self.scopes.join(",");
        format!(
            "{}|{}|{}|{}|{scopes}|{}|{}|{}",
            self.device_id, self.client_id, self.client_mode, self.role, self.signed_at_ms, self.token, self.nonce
        )
    }
}

/// Trimmed, with ASCII letters lower-cased and all others left alone.
pub fn plain(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_and_word_is_unique() {
        let emoji: std::collections::HashSet<_> = EMOJI.iter().map(|(emoji, _)| emoji).collect();
        let words: std::collections::HashSet<_> = WORDS.iter().collect();
        assert_eq!((emoji.len(), words.len()), (64, 256));
    }

    #[test]
    fn a_fingerprint_has_six_pictures_four_words_and_the_start_of_the_id() {
        let key = PublicKey::from_bytes([7; 32]);
        let print = key.fingerprint();
        assert_eq!((print.emoji.len(), print.words.len()), (6, 4));
        assert_eq!(print.hex.replace(' ', ""), key.device_id().as_str()[..8]);
        assert_eq!(print.spoken_emoji().split(", ").count(), 6);
    }

    #[test]
    fn a_key_of_small_order_verifies_nothing() {
        let identity = PublicKey::from_bytes([
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        let forged = general_purpose::URL_SAFE_NO_PAD.encode([[1_u8; 1].as_slice(), &[0; 63]].concat());
        assert!(!identity.verifies("anything", &forged));
    }
}
