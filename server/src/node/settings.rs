//! What a node keeps: its key, its gateway, and the token that the gateway gave it.

use std::io;
use std::path::PathBuf;

use anyhow::{Context, bail};
use client::{CertificatePin, GatewayUrl};
use protocol::Secret;
use serde::{Deserialize, Serialize};

use crate::advised::Advised;
use crate::config::Paths;
use crate::whole_file;

/// The longest name of an identity, in characters.
const LONGEST_ID: usize = 64;

/// The files of one node. Several nodes can live on one machine, each under an id of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub identity: PathBuf,
    pub settings: PathBuf,
}

impl Files {
    /// `node_id` names an identity; nodes without one share the standard identity of this machine.
    pub fn of(paths: &Paths, node_id: Option<&str>) -> anyhow::Result<Self> {
        let folder = paths.identity_file.parent().unwrap_or(&paths.state_dir);
        let name = match node_id {
            None => "node".to_owned(),
            Some(id) if is_plain(id) => format!("node-{id}"),
            Some(_) => bail!(Advised::new(
                "that is no name for a node's identity",
                format!("use at most {LONGEST_ID} letters, digits, `-` and `_` for --node-id")
            )),
        };
        Ok(Self {
            identity: folder.join(format!("{name}.identity.json")),
            settings: folder.join(format!("{name}.settings.json")),
        })
    }
}

fn is_plain(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The settings of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The gateway's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of the only certificate to believe there, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<DeviceToken>,
}

/// A token, and the only gateway that may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceToken {
    pub url: String,
    pub secret: Secret,
}

impl Settings {
    /// Reads them. Where there are none, they are empty; a damaged file is left alone.
    pub fn load(files: &Files) -> anyhow::Result<Self> {
        let file = files.settings.display();
        match std::fs::read(&files.settings) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                Advised::new(format!("{file} is damaged"), "restore it, or delete it and name the gateway with --url")
                    .into()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{file} cannot be read")),
        }
    }

    /// Replaces the file as a whole: a token is gone only when a better one is there.
    pub fn save(&self, files: &Files) -> anyhow::Result<()> {
        let save = || whole_file::replace(&files.settings, &serde_json::to_vec_pretty(self)?, None);
        save().with_context(|| format!("{} cannot be written", files.settings.display()))
    }

    /// The token for a gateway.
    pub fn token_for(&self, url: &GatewayUrl) -> Option<&Secret> {
        self.token.as_ref().filter(|token| token.url == url.to_string()).map(|token| &token.secret)
    }

    /// The address and its pin, ready to be dialled.
    pub fn gateway(url: &str, fingerprint: Option<&str>) -> anyhow::Result<GatewayUrl> {
        let parsed = GatewayUrl::parse(url)?;
        let Some(fingerprint) = fingerprint else { return Ok(parsed) };
        let pin = CertificatePin::parse(fingerprint).ok_or_else(|| {
            Advised::new("that is no fingerprint of a certificate", "give its SHA-256 as 64 hex digits")
        })?;
        Ok(parsed.pinned(pin)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Environment;

    fn files(folder: &tempfile::TempDir, id: Option<&str>) -> anyhow::Result<Files> {
        let env = Environment::from_pairs(&[("OPENCLAW_STATE_DIR", folder.path().to_str().unwrap())]);
        std::fs::create_dir_all(folder.path().join("state")).unwrap();
        Files::of(&Paths::resolve(&env).unwrap(), id)
    }

    #[test]
    fn nodes_of_one_machine_keep_apart_and_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(files(&folder, None).unwrap(), files(&folder, Some("b")).unwrap());
        for id in ["", "../x", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(files(&folder, Some(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn what_is_kept_is_for_its_owner_alone_and_only_for_its_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder, None).unwrap();
        assert_eq!(Settings::load(&files).unwrap(), Settings::default());
        let url = GatewayUrl::parse("ws://127.0.0.1:1").unwrap();
        let token = Some(DeviceToken { url: url.to_string(), secret: Secret::new("t") });
        let settings = Settings { token, ..Settings::default() };
        settings.save(&files).unwrap();
        assert_eq!(std::fs::metadata(&files.settings).unwrap().permissions().mode() & 0o777, 0o600);
        let loaded = Settings::load(&files).unwrap();
        assert_eq!(loaded.token_for(&url), Some(&Secret::new("t")));
        assert_eq!(loaded.token_for(&GatewayUrl::parse("ws://127.0.0.1:2").unwrap()), None);
        std::fs::write(&files.settings, "{").unwrap();
        assert!(Settings::load(&files).is_err());
    }
}
