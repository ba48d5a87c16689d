//! One file with everything that a gateway needs to be itself again: made while it runs, checked before anything
//! is touched, and put back without losing what was there.
//!
//! Reading order: this module (what belongs in it), [`archive`] (the file), [`restore`] (the way back), and
//! [`last_good`] for the copies that the gateway makes by itself.

pub mod archive;
pub mod last_good;
pub mod restore;

use std::path::{Path, PathBuf};

use protocol::DeviceId;
use serde::{Deserialize, Serialize};

use crate::config::Paths;
use crate::node::settings::Files;

/// The name of the store in a backup.
pub const STORE: &str = "gateway.sqlite";

/// The name of the settings in a backup.
pub const SETTINGS: &str = "openclaw.json";

/// The version of the format. A reader refuses a higher one.
const FORMAT: u32 = 1;

/// What a backup says about itself. It is the first entry of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that made it.
    pub version: String,
    pub created_at: String,
    pub created_at_ms: u64,
    /// Where it was made, for people; a restore goes where it is told to.
    pub state_dir: String,
    /// The gateway's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<DeviceId>,
    pub devices: u64,
    pub files: Vec<ManifestFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    pub name: String,
    pub bytes: u64,
    /// In hex.
    pub sha256: String,
}

/// The files of a gateway under their names in a backup. Not all of them have to exist.
pub fn contents(paths: &Paths) -> Vec<(&'static str, PathBuf)> {
    let mut contents = vec![
        (STORE, paths.store_file.clone()),
        (SETTINGS, paths.config_file.clone()),
        ("gateway.key", paths.server_key.clone()),
        ("gateway-identity.json", paths.gateway_identity.clone()),
        ("cli-identity.json", paths.identity_file.clone()),
        ("exec-approvals.json", paths.exec_approvals.clone()),
    ];
    if let Ok(node) = Files::of(paths, None) {
        contents.push(("node.identity.json", node.identity));
        contents.push(("node.settings.json", node.settings));
    }
    contents
}

/// A name beside a file that nothing has yet.
fn free_name(file: &Path, suffix: &str) -> PathBuf {
    let named = |number: u32| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    (1..u32::MAX).map(named).find(|name| !name.exists()).unwrap_or_else(|| named(u32::MAX))
}
