//! The server key, and everything derived from it.
//!
//! **Invariant:** a device token is never stored anywhere by us. It is derived from the key and from
//! (device, role, generation), so the same hello can be said again and a rotation is a new generation.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use access::pairing::Token;
use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use protocol::{DeviceId, Secret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::whole_file;

const KEY_BYTES: usize = 32;

/// 32 random bytes in a file of their own. All clones change together.
#[derive(Clone)]
pub struct ServerKey(Arc<RwLock<[u8; KEY_BYTES]>>);

impl ServerKey {
    /// Reads the key, or makes one where there is none. Losing the file costs every device token, but no
    /// pairing: devices still prove their own keys.
    pub fn load_or_create(file: &Path) -> anyhow::Result<Self> {
        match Self::load(file)? {
            Some(key) => Ok(key),
            None => Self::create(file),
        }
    }

    /// Reads the key; `None` where there is none.
    pub fn load(file: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).map(Some).with_context(|| format!("{} is damaged", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let bytes = hex::decode(text.trim())?;
        match bytes.try_into() {
            Ok(key) => Ok(Self::new(key)),
            Err(_) => bail!("the key must be {KEY_BYTES} bytes in hex"),
        }
    }

    fn create(file: &Path) -> anyhow::Result<Self> {
        let key = random_bytes()?;
        let write = || -> std::io::Result<()> {
            let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
            out.write_all(hex::encode(key).as_bytes())?;
            out.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(Self::new(key))
    }

    fn new(key: [u8; KEY_BYTES]) -> Self {
        Self(Arc::new(RwLock::new(key)))
    }

    /// Puts another key in its place, on disk first. Every device token is worthless then.
    pub fn replace(&self, file: &Path) -> anyhow::Result<()> {
        let key = random_bytes()?;
        whole_file::replace(file, hex::encode(key).as_bytes(), None)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// The token of a device in a role: 43 characters of base64url.
    pub fn device_token(&self, device_id: &DeviceId, token: &Token) -> Secret {
        let digest = self.derive(&["device-token", device_id.as_str(), token.role.as_str(), &token.generation]);
        Secret::new(URL_SAFE_NO_PAD.encode(digest))
    }

    /// Stands for a shared secret in what it vouched for, so that a new secret ends the old one's tokens.
    pub fn issuer(&self, shared_secret: &Secret) -> String {
        hex::encode(&self.derive(&["shared-secret", shared_secret.reveal()])[..8])
    }

    /// What the key that pushes are signed with is made of. Not every number is one, so there are more to try.
    pub fn push_key(&self, attempt: u8) -> [u8; KEY_BYTES] {
        self.derive(&["web-push", &attempt.to_string()])
    }

    /// What push services know a device's messages by, so that a newer one takes an older one's place: 32 characters
    /// of base64url that say nothing of the device (RFC 8030 §5.4).
    pub fn push_topic(&self, device_id: &DeviceId) -> String {
        URL_SAFE_NO_PAD.encode(&self.derive(&["push-topic", device_id.as_str()])[..24])
    }

    /// What passkeys of pages at this host know the owner by, so that an authenticator keeps one for it (`WebAuthn`'s user
    /// handle).
    pub fn passkey_user(&self, host: &str) -> [u8; KEY_BYTES] {
        self.derive(&["passkey-user", host])
    }

    /// An opaque hash of a text, in the spelling of the reference.
    pub fn opaque_hash(&self, text: &str) -> String {
        format!("hmac-sha256:v1:{}", URL_SAFE_NO_PAD.encode(self.derive(&["opaque", text])))
    }

    /// Every part is counted in with its length, so that no two lists of parts look alike.
    fn derive(&self, parts: &[&str]) -> [u8; KEY_BYTES] {
        // HMAC pads a key to its block with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block[..KEY_BYTES].copy_from_slice(&*self.0.read().unwrap_or_else(PoisonError::into_inner));
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same_secret(given: &Secret, expected: &Secret) -> bool {
    let digest = |secret: &Secret| Sha256::digest(secret.reveal().as_bytes());
    digest(given).ct_eq(&digest(expected)).into()
}

/// A new secret: 32 random bytes as base64url.
pub fn new_secret() -> anyhow::Result<Secret> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
}

/// A new code that is short enough to be typed: 16 random bytes as 22 characters of base64url.
pub fn new_short_code() -> anyhow::Result<Secret> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<16>()?)))
}

/// What a one-time code is stored as.
pub fn hash_code(code: &Secret) -> String {
    hex::encode(Sha256::digest(code.reveal().as_bytes()))
}

fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gives no random numbers")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Role, Scopes};

    fn token(generation: &str) -> Token {
        Token {
            role: Role::Operator,
            generation: generation.to_owned(),
            scopes: Scopes::default(),
            issuer: None,
            created_at_ms: 0,
            rotated_at_ms: None,
            revoked_at_ms: None,
            last_used_at_ms: None,
        }
    }

    #[test]
    fn a_token_is_the_same_until_its_generation_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.key");
        let key = ServerKey::load_or_create(&file).unwrap();
        let again = ServerKey::load_or_create(&file).unwrap();
        let device = DeviceId::claimed("d");
        let first = key.device_token(&device, &token("g1"));
        assert_eq!(first, again.device_token(&device, &token("g1")));
        assert_ne!(first, key.device_token(&device, &token("g2")));
        assert_ne!(first, key.device_token(&DeviceId::claimed("e"), &token("g1")));
        assert_eq!(first.reveal().len(), 43);
    }

    #[test]
    fn the_key_file_is_for_its_owner_alone_and_a_damaged_one_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.key");
        ServerKey::load_or_create(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(ServerKey::load_or_create(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "short");
    }
}
