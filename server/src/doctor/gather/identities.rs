//! Key files of this machine, and the device tokens beside them.

use std::path::Path;

use client::{GatewayUrl, Identity};
use serde_json::Value;

use crate::config::Paths;
use crate::doctor::facts::{IdentityFile, Login, Whose};
use crate::keys::ServerKey;

/// Every key file that is there, and what is wrong with it.
pub fn keys(paths: &Paths) -> Vec<IdentityFile> {
    let mut found = Vec::new();
    let mut add = |path: &Path, whose: Whose| {
        if path.exists() {
            found.push(IdentityFile { path: path.to_owned(), whose, damage: damage(path, whose) });
        }
    };
    add(&paths.identity_file, Whose::CommandLine);
    add(&paths.gateway_identity, Whose::Gateway);
    add(&paths.server_key, Whose::ServerKey);
    add(&paths.state_dir.join("identity/device.json"), Whose::OpenClaw);
    for path in nodes(paths, ".identity.json") {
        add(&path, Whose::Node);
    }
    found
}

fn damage(path: &Path, whose: Whose) -> Option<String> {
    // A file that may not be read is not damaged; its owner is told elsewhere.
    if let Err(error) = std::fs::File::open(path) {
        return (error.kind() != std::io::ErrorKind::PermissionDenied).then(|| error.to_string());
    }
    match whose {
        Whose::ServerKey => ServerKey::load(path).err().map(|error| format!("{error:#}")),
        Whose::CommandLine | Whose::Node | Whose::Gateway | Whose::OpenClaw => {
            Identity::load(path).err().map(|error| error.to_string())
        }
    }
}

/// Tokens that programs of this machine keep.
pub fn logins(paths: &Paths, port: u16) -> Vec<Login> {
    let mut found: Vec<Login> = nodes(paths, ".settings.json").iter().filter_map(|file| of_node(file, port)).collect();
    found.extend(of_openclaw(paths));
    found
}

fn of_node(file: &Path, port: u16) -> Option<Login> {
    let settings = json(file)?;
    let url = GatewayUrl::parse(settings.pointer("/token/url")?.as_str()?).ok()?;
    let name = file.file_name()?.to_str()?.strip_suffix(".settings.json")?;
    let key = Identity::load(&file.with_file_name(format!("{name}.identity.json"))).ok().flatten()?;
    let device_id = key.device_id().as_str().to_owned();
    let is_for_us = !url.leaves_this_machine() && url.port() == port;
    Some(Login { file: file.to_owned(), key_device_id: Some(device_id.clone()), device_id, is_for_us })
}

/// The login of OpenClaw's own command line (wire.md §6.4).
fn of_openclaw(paths: &Paths) -> Option<Login> {
    let file = paths.state_dir.join("identity/device-auth.json");
    let login = json(&file)?;
    let device_id = login.get("deviceId")?.as_str()?.to_owned();
    login.get("tokens")?.as_object().filter(|tokens| !tokens.is_empty())?;
    let key = json(&paths.state_dir.join("identity/device.json"));
    let key_device_id = key.and_then(|key| Some(key.get("deviceId")?.as_str()?.to_owned()));
    Some(Login { file, device_id, key_device_id, is_for_us: true })
}

fn json(file: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// Files of the nodes of this machine; each node has a name of its own.
fn nodes(paths: &Paths, ending: &str) -> Vec<std::path::PathBuf> {
    let Some(folder) = paths.identity_file.parent() else { return Vec::new() };
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_node = |name: &str| name.starts_with("node") && name.ends_with(ending);
    let mut found: Vec<_> =
        files.flatten().filter(|file| file.file_name().to_str().is_some_and(is_node)).map(|file| file.path()).collect();
    found.sort();
    found
}
