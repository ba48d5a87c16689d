//! The device key of a program on this machine, kept in a file that only its user can read.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use protocol::{DeviceId, PublicKey};
use serde::{Deserialize, Serialize};

/// The DER prefixes of Ed25519 keys in PEM files (RFC 8410, wire.md §3.1).
const SPKI_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PKCS8_PREFIX: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An Ed25519 key pair: what makes a device this device.
#[derive(Clone)]
pub struct Identity {
    key: SigningKey,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot read or write the device key {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// The file is left as it is: it may be somebody's only key.
    #[error("the device key {path} is damaged ({problem}); restore it, or move it away to become a new device")]
    Damaged { path: PathBuf, problem: &'static str },
    #[error("the system has no random numbers: {0}")]
    NoRandomness(getrandom::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityFile {
    version: u32,
    device_id: DeviceId,
    public_key_pem: String,
    private_key_pem: String,
    created_at_ms: u64,
}

impl Identity {
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed) }
    }

    /// A new device.
    pub fn generate() -> Result<Self, IdentityError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(IdentityError::NoRandomness)?;
        Ok(Self::from_seed(seed))
    }

    /// Reads the key, or makes one. `now_ms` is only noted in a new file.
    pub fn load_or_create(path: &Path, now_ms: u64) -> Result<Self, IdentityError> {
        if let Some(found) = Self::load(path)? {
            return Ok(found);
        }
        let created = Self::generate()?;
        match created.save(path, now_ms) {
            // Another program was quicker: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path)?.ok_or(error),
            other => other.map(|()| created),
        }
        .map_err(|source| IdentityError::File { path: path.to_owned(), source })
    }

    /// Reads a private key as PEM (wire.md §3.1). `None` for anything else.
    pub fn from_pem(private_key: &str) -> Option<Self> {
        read_pem(private_key, PKCS8_PREFIX).map(Self::from_seed)
    }

    /// Reads the key; `None` where there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, IdentityError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(IdentityError::File { path: path.to_owned(), source }),
        };
        let damaged = |problem| IdentityError::Damaged { path: path.to_owned(), problem };
        let file: IdentityFile = serde_json::from_str(&text).map_err(|_| damaged("it is not a key file"))?;
        let seed = read_pem(&file.private_key_pem, PKCS8_PREFIX).ok_or_else(|| damaged("its private key is broken"))?;
        let identity = Self::from_seed(seed);
        if identity.device_id() == file.device_id {
            Ok(Some(identity))
        } else {
            Err(damaged("its key and its device id differ"))
        }
    }

    /// Writes the whole file beside its place and links it there, so that nobody reads half a key and
    /// no key is ever overwritten.
    pub fn save(&self, path: &Path, now_ms: u64) -> io::Result<()> {
        let file = IdentityFile {
            version: 1,
            device_id: self.device_id(),
            public_key_pem: write_pem("PUBLIC KEY", SPKI_PREFIX, self.key.verifying_key().as_bytes()),
            private_key_pem: write_pem("PRIVATE KEY", PKCS8_PREFIX, self.key.as_bytes()),
            created_at_ms: now_ms,
        };
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let draft = path.with_extension(format!("{}.new", &file.device_id.as_str()[..16]));
        let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let result = written
            .write_all(&serde_json::to_vec_pretty(&file)?)
            .and_then(|()| written.sync_all())
            .and_then(|()| fs::hard_link(&draft, path));
        fs::remove_file(&draft)?;
        result
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.key.verifying_key().to_bytes())
    }

    pub fn device_id(&self) -> DeviceId {
        self.public_key().device_id()
    }

    /// A signature in the spelling of the wire.
    pub fn sign(&self, payload: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(payload.as_bytes()).to_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.device_id())
    }
}

fn write_pem(label: &str, prefix: &[u8], key: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode([prefix, key].concat()))
}

fn read_pem(pem: &str, prefix: &[u8]) -> Option<[u8; 32]> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    STANDARD.decode(body).ok()?.strip_prefix(prefix)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_identity_is_created_once_and_only_its_user_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/device.json");
        let created = Identity::load_or_create(&path, 7).unwrap();
        let loaded = Identity::load_or_create(&path, 8).unwrap();
        assert_eq!(created.device_id(), loaded.device_id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let file: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(file["createdAtMs"], 7);
        let written = PublicKey::parse(file["publicKeyPem"].as_str().unwrap()).unwrap();
        assert_eq!(written, created.public_key());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn a_damaged_identity_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.json");
        Identity::load_or_create(&path, 7).unwrap();
        let other = Identity::generate().unwrap().device_id();
        let mut file: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        file["deviceId"] = other.as_str().into();
        for text in ["", "{}", &file.to_string()] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Identity::load_or_create(&path, 9), Err(IdentityError::Damaged { .. })), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn what_it_signs_verifies_and_debug_hides_the_key() {
        let identity = Identity::from_seed([9; 32]);
        assert!(identity.public_key().verifies("v3|x", &identity.sign("v3|x")));
        assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.device_id()));
    }
}
