//! The file of a backup: a tar archive, first the manifest, then what it names.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use super::{FORMAT, Manifest, ManifestFile, SETTINGS, STORE, contents};
use crate::advised::Advised;
use crate::clock::rfc3339;
use crate::config::{Paths, file};
use crate::store;

const MANIFEST: &str = "manifest.json";

/// The manifest of a gateway names a dozen files; more than this is none, in bytes.
const MAX_MANIFEST: u64 = 256 * 1024;

/// A backup that was unpacked and found sound.
#[derive(Debug)]
pub struct Verified {
    pub manifest: Manifest,
    folder: TempDir,
}

impl Verified {
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Writes a backup to a file that is not there yet. Works while the gateway runs.
pub async fn create(paths: &Paths, out: &Path, now_ms: u64) -> anyhow::Result<Manifest> {
    ensure!(
        paths.store_file.is_file(),
        Advised::new(
            format!("there is nothing to back up in {}", paths.state_dir.display()),
            "name another state directory with OPENCLAW_STATE_DIR"
        )
    );
    let folder = tempfile::Builder::new().prefix(".backup-").tempdir_in(&paths.state_dir)?;
    let store_copy = folder.path().join(STORE);
    copy_store(&paths.store_file, &store_copy).await?;
    let counts = store::check(&store_copy).await.with_context(|| {
        Advised::new(
            format!("the pairing store {} is damaged", paths.store_file.display()),
            "start the gateway once, which repairs it from its last good copy, then run this again",
        )
    })?;
    let mut files = Vec::new();
    let mut pieces = Vec::new();
    for (name, path) in contents(paths) {
        let path = if name == STORE { store_copy.clone() } else { path };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        files.push(ManifestFile { name: name.to_owned(), bytes: bytes.len() as u64, sha256: hash(&bytes) });
        pieces.push((name, bytes));
    }
    let identity =
        paths.gateway_identity.exists().then(|| client::Identity::load_or_create(&paths.gateway_identity, now_ms));
    let manifest = Manifest {
        format: FORMAT,
        version: crate::VERSION.to_owned(),
        created_at: rfc3339(now_ms),
        created_at_ms: now_ms,
        state_dir: paths.state_dir.display().to_string(),
        gateway_id: identity.and_then(Result::ok).map(|identity| identity.device_id()),
        devices: counts.paired,
        files,
    };
    write(out, &manifest, &pieces, now_ms)?;
    Ok(manifest)
}

/// A consistent copy of the store, whoever else uses it.
async fn copy_store(from: &Path, to: &Path) -> anyhow::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let options = SqliteConnectOptions::new().filename(from).create_if_missing(false);
    let copy = async {
        let mut connection = options.connect().await?;
        sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy()).execute(&mut connection).await?;
        connection.close().await
    };
    copy.await.with_context(|| {
        Advised::new(
            format!("the pairing store {} cannot be copied", from.display()),
            "start the gateway once, which repairs it from its last good copy, then run this again",
        )
    })
}

fn write(out: &Path, manifest: &Manifest, pieces: &[(&str, Vec<u8>)], now_ms: u64) -> anyhow::Result<()> {
    let folder = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("{} cannot be written to", folder.display()))?;
    let mut archive = tar::Builder::new(&mut draft);
    let mut add = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_mtime(now_ms / 1000);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes)
    };
    add(MANIFEST, &serde_json::to_vec_pretty(manifest)?)?;
    for (name, bytes) in pieces {
        add(name, bytes)?;
    }
    archive.finish()?;
    drop(archive);
    draft.flush()?;
    draft.as_file().sync_all()?;
    draft.persist_noclobber(out).map_err(|error| error.error).with_context(|| {
        Advised::new(format!("{} cannot be written", out.display()), "name a file that is not there yet with --out")
    })?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Unpacks a backup into a folder of its own beside nothing else and checks all of it: hashes, the store, the
/// settings, the keys.
pub async fn verify(backup: &Path) -> anyhow::Result<Verified> {
    let folder = tempfile::tempdir()?;
    let manifest = unpack(backup, folder.path()).with_context(|| {
        Advised::new(
            format!("the file {} is no sound backup", backup.display()),
            "use another one; nothing was changed",
        )
    })?;
    let verified = Verified { manifest, folder };
    check(&verified).await.with_context(|| {
        Advised::new(
            format!("the file {} is no sound backup", backup.display()),
            "use another one; nothing was changed",
        )
    })?;
    Ok(verified)
}

fn unpack(backup: &Path, folder: &Path) -> anyhow::Result<Manifest> {
    let mut archive = tar::Archive::new(File::open(backup).context("it cannot be opened")?);
    let mut entries = archive.entries()?;
    let first = entries.next().context("it is empty")?.context("it is no archive")?;
    ensure!(&*first.path_bytes() == MANIFEST.as_bytes(), "it does not begin with a manifest");
    let mut text = Vec::new();
    first.take(MAX_MANIFEST).read_to_end(&mut text)?;
    let manifest: Manifest = serde_json::from_slice(&text).context("its manifest cannot be read")?;
    ensure!(manifest.format <= FORMAT, "openclaw {} made it in a newer format; use that version", manifest.version);
    let mut missing: Vec<&ManifestFile> = manifest.files.iter().collect();
    for entry in entries {
        let mut entry = entry.context("it is cut off")?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(index) = missing.iter().position(|file| file.name == name) else {
            bail!("its manifest does not name `{name}`");
        };
        let expected = missing.remove(index);
        ensure!(is_plain(&name), "`{name}` is no name of a file of a gateway");
        let mut bytes = Vec::new();
        (&mut entry).take(expected.bytes + 1).read_to_end(&mut bytes).context("it is cut off")?;
        ensure!(bytes.len() as u64 >= expected.bytes, "it is cut off within `{name}`");
        ensure!(bytes.len() as u64 == expected.bytes && hash(&bytes) == expected.sha256, "`{name}` was changed");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(&name))?;
        file.write_all(&bytes)?;
    }
    if let Some(file) = missing.first() {
        bail!("`{}` is missing", file.name);
    }
    Ok(manifest)
}

/// No folders, so that nothing lands anywhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".."
}

async fn check(verified: &Verified) -> anyhow::Result<()> {
    let counts = store::check(&verified.file(STORE)).await.context("its store is damaged")?;
    ensure!(counts.paired == verified.manifest.devices, "its store has other devices than its manifest says");
    let has = |name: &str| verified.manifest.files.iter().any(|file| file.name == name);
    if has(SETTINGS) {
        file::read(&verified.file(SETTINGS)).context("its settings are damaged")?;
    }
    if has("gateway.key") {
        crate::keys::ServerKey::load_or_create(&verified.file("gateway.key"))?;
    }
    for name in ["gateway-identity.json", "cli-identity.json", "node.identity.json"] {
        if has(name) {
            client::Identity::load_or_create(&verified.file(name), 0)?;
        }
    }
    Ok(())
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
