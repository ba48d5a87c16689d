//! The key by which this machine is known to gateways. OpenClaw has one for everything; ours has one for the
//! command line and one for the node, and takes it over for whichever has none yet.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use client::Identity;
use protocol::method::MigratedOutcome;
use serde_json::{Map, Value};

use crate::config::Paths;
use crate::node::settings::Files;

pub fn take_over(
    record: &Map<String, Value>,
    paths: &Paths,
    dry_run: bool,
    now_ms: u64,
) -> (MigratedOutcome, Option<String>) {
    let skipped = |reason: String| (MigratedOutcome::Skipped, Some(reason));
    let Some(identity) = read(record) else {
        return skipped("its private key is broken".to_owned());
    };
    if record.get("deviceId").and_then(Value::as_str) != Some(identity.device_id().as_str()) {
        return skipped("its id does not belong to its key".to_owned());
    }
    let mut places = vec![("the command line", paths.identity_file.clone())];
    places.extend(Files::of(paths, None).ok().map(|files| ("the node", files.identity)));
    places.retain(|(_, file)| !file.exists());
    if places.is_empty() {
        let reason = "the command line and the node of this machine have keys of their own, which stay";
        return (MigratedOutcome::Known, Some(reason.to_owned()));
    }
    let names: Vec<&str> = places.iter().map(|(name, _)| *name).collect();
    for (name, file) in &places {
        if dry_run {
            continue;
        }
        if let Err(error) = identity.save(file, now_ms) {
            return skipped(format!("it could not be written for {name}: {error}"));
        }
    }
    (MigratedOutcome::Imported, Some(format!("for {} of this machine", names.join(" and "))))
}

/// The key in PEM, or bare in base64 as the oldest versions wrote it.
fn read(record: &Map<String, Value>) -> Option<Identity> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    if let Some(pem) = text("privateKeyPem") {
        return Identity::from_pem(pem);
    }
    let bare = text("privateKey")?;
    let bytes = STANDARD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()?;
    // Some libraries write the public key behind the seed.
    let seed: [u8; 32] = bytes.get(..32)?.try_into().ok()?;
    matches!(bytes.len(), 32 | 64).then(|| Identity::from_seed(seed))
}
