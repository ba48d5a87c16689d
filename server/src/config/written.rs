//! The file while one program of ours changes it: locked, and replaced in one step.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::edit::Edited;
use super::{Config, Environment, Overrides, Paths, Problem, Resolved, file};
use crate::whole_file;
use access::policy::AuthMode;

/// The settings file, held against all others who keep to the lock. It is let go in the end.
pub struct Held<'a> {
    path: &'a Path,
    /// What it says now; a missing file says nothing.
    pub text: String,
    pub exists: bool,
    _lock: std::fs::File,
}

impl<'a> Held<'a> {
    /// Waits until nobody else changes the file. Blocks.
    pub fn take(paths: &'a Paths) -> anyhow::Result<Self> {
        for file in [&paths.config_lock, &paths.config_file] {
            make_folder(file)?;
        }
        let lock = file::lock(&paths.config_lock)?;
        let path = &paths.config_file;
        let text = file::read_text(path)?;
        Ok(Self { path, text, exists: path.exists(), _lock: lock })
    }

    /// Replaces the file and keeps what it said in [`backup`]. False where it says that already.
    pub fn write(&self, edited: &Edited) -> anyhow::Result<bool> {
        if edited.text == self.text {
            return Ok(false);
        }
        remove_unfinished(self.path);
        if self.exists {
            file::write_atomically(&backup(self.path), &self.text)?;
        }
        file::write_atomically(self.path, &edited.text)?;
        Ok(true)
    }
}

/// Where the file stays as it was before the last change that a program of ours made.
pub fn backup(config_file: &Path) -> PathBuf {
    let mut name = config_file.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

fn make_folder(file: &Path) -> anyhow::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.exists()) else { return Ok(()) };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))
}

/// Removes what programs left behind that died while they wrote. Nobody else writes while the lock is held; a file
/// that cannot be removed harms nobody.
fn remove_unfinished(config_file: &Path) {
    for file in [config_file.to_owned(), backup(config_file)] {
        let real = file.canonicalize().unwrap_or(file);
        let begins = whole_file::unfinished(&real);
        let Some(Ok(entries)) = real.parent().map(std::fs::read_dir) else { continue };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&begins) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// With no secret to compare with, the gateway would let nobody ask any more, and would not start again.
pub fn find_missing_secret(config: &Config) -> Option<Problem> {
    let path = match config.policy.auth_mode {
        AuthMode::Token => "gateway.auth.token",
        AuthMode::Password => "gateway.auth.password",
        AuthMode::None => return None,
    };
    let message = "gateway.auth.mode asks for this secret, so it must not be missing or empty".to_owned();
    config.shared_secret().is_none().then(|| Problem { path: path.to_owned(), message })
}

/// What a text comes to; text that is no JSON5 is a problem of the whole file.
pub fn resolve(text: &str, env: &Environment, flags: &Overrides) -> Result<Resolved, Vec<Problem>> {
    let value =
        file::parse(text).map_err(|error| vec![Problem { path: String::new(), message: format!("{error:#}") }])?;
    Config::resolve(&value, env, flags)
}

/// What a gateway would have against this text when it starts. A missing token is nothing: it makes one.
pub fn find_problems(text: &str, env: &Environment) -> Vec<Problem> {
    match resolve(text, env, &Overrides::default()) {
        Ok(resolved) => find_missing_secret(&resolved.config)
            .filter(|problem| problem.path != "gateway.auth.token")
            .into_iter()
            .collect(),
        Err(problems) => problems,
    }
}
