//! What `--fix` does. Nothing is ever deleted: files are moved aside, and settings change in place.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, chownat, fchmod, openat, statat};
use serde_json::{Map, Value};

use crate::config::edit::Edit;
use crate::config::{Config, Environment, Overrides, Paths, Problem, file};

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Of files.
    Change(Change),
    /// What opening the store does with one that cannot be read: it is set aside, and the last good copy takes
    /// its place.
    RescueStore,
    /// `openclaw migrate`, from the state directory itself.
    Migrate,
    /// `openclaw gateway start`.
    StartService,
}

impl From<Change> for Repair {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

/// A change of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives files of a folder to a user.
    Own { folder: PathBuf, paths: Vec<PathBuf>, uid: u32, gid: u32 },
    /// Gives files of a folder these permissions.
    Protect { folder: PathBuf, modes: Vec<(PathBuf, u32)> },
    /// Renames files, so that nobody reads them any more.
    MoveAside(Vec<PathBuf>),
    /// Sets values in the settings.
    Set(Assignments),
}

/// Key paths and their values. Values may be secrets, so they are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignments(pub Vec<(String, Value)>);

impl Assignments {
    fn keys(&self) -> String {
        let keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        keys.join(", ")
    }
}

impl fmt::Debug for Assignments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assignments({})", self.keys())
    }
}

impl Change {
    /// Does it, and says what was done. `stamp` names what is moved aside.
    pub fn apply(&self, paths: &Paths, env: &Environment, stamp: &str) -> anyhow::Result<String> {
        match self {
            Self::Own { folder, paths, uid, gid } => own(folder, paths, *uid, *gid),
            Self::Protect { folder, modes } => protect(folder, modes),
            Self::MoveAside(files) => move_aside(files, stamp),
            Self::Set(assignments) => set(paths, env, assignments),
        }
    }
}

fn own(folder: &Path, paths: &[PathBuf], uid: u32, gid: u32) -> anyhow::Result<String> {
    let owner = Some(rustix::fs::Uid::from_raw(uid));
    let group = Some(rustix::fs::Gid::from_raw(gid));
    for path in paths {
        let change = || -> anyhow::Result<()> {
            let (parent, name) = open_parent(folder, path)?;
            let found = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let is_folder = FileType::from_raw_mode(found.st_mode).is_dir();
            // Whoever may write there could have linked a file of the system to this place.
            ensure!(is_folder || found.st_nlink == 1, "it has a second name somewhere else");
            Ok(chownat(&parent, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?)
        };
        change().with_context(|| format!("{} cannot be given to user {uid}", path.display()))?;
    }
    Ok(format!("gave {} to user {uid}", listed(paths.iter().map(PathBuf::as_path))))
}

fn protect(folder: &Path, modes: &[(PathBuf, u32)]) -> anyhow::Result<String> {
    for (path, mode) in modes {
        let change = || -> anyhow::Result<()> {
            let (parent, name) = open_parent(folder, path)?;
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(fchmod(openat(&parent, name, flags, Mode::empty())?, Mode::from_raw_mode(*mode))?)
        };
        change().with_context(|| format!("the permissions of {} cannot be changed", path.display()))?;
    }
    Ok(format!("closed {} to other users", listed(modes.iter().map(|(path, _)| path.as_path()))))
}

/// Opens the folder that a file is in, following no link below `folder`, so that root is not led elsewhere.
/// The folder itself is `.` in itself.
fn open_parent<'a>(folder: &Path, path: &'a Path) -> anyhow::Result<(OwnedFd, &'a Path)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(folder, flags, Mode::empty())?;
    let inside = path.strip_prefix(folder)?;
    let Some(name) = inside.file_name() else { return Ok((at, Path::new("."))) };
    for part in inside.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(part) = part else { bail!("it is not in {}", folder.display()) };
        at = openat(&at, part, flags, Mode::empty())?;
    }
    Ok((at, Path::new(name)))
}

fn move_aside(files: &[PathBuf], stamp: &str) -> anyhow::Result<String> {
    let mut done = Vec::new();
    for file in files {
        let aside = aside(file, stamp);
        std::fs::rename(file, &aside).with_context(|| format!("{} cannot be moved aside", file.display()))?;
        done.push(format!("moved {} to {}", file.display(), aside.display()));
    }
    Ok(done.join("; "))
}

/// A name beside the file that nothing has yet.
fn aside(file: &Path, stamp: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let named = |ending: &str| file.with_file_name(format!("{name}.aside-{stamp}{ending}"));
    let more = (1..).map(|n| named(&format!("-{n}")));
    std::iter::once(named("")).chain(more).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| named(""))
}

fn set(paths: &Paths, env: &Environment, assignments: &Assignments) -> anyhow::Result<String> {
    if let Some(folder) = paths.config_lock.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let _others = file::lock(&paths.config_lock)?;
    let current = file::read_text(&paths.config_file)?;
    let mut raw = Value::Object(Map::new());
    for (key, value) in &assignments.0 {
        merge(&mut raw, key, value.clone());
    }
    let replace_paths = assignments.0.iter().map(|(key, _)| key.clone()).collect();
    let edited = Edit::Patch { raw: raw.to_string(), replace_paths }
        .apply(&current)
        .map_err(|problems| listed_problems(&problems))?;
    // A repair must not leave settings that make no sense, unless they made none before.
    let resolve = |text: &str| -> anyhow::Result<()> {
        let value = file::parse(text)?;
        Config::resolve(&value, env, &Overrides::default()).map(|_| ()).map_err(|problems| listed_problems(&problems))
    };
    if resolve(&current).is_ok() {
        resolve(&edited.text).context("the settings would make no sense then")?;
    }
    file::write_atomically(&paths.config_file, &edited.text)?;
    Ok(format!("set {} in {}", assignments.keys(), paths.config_file.display()))
}

fn merge(into: &mut Value, key: &str, value: Value) {
    match key.split_once('.') {
        Some((first, rest)) => merge(&mut into[first], rest, value),
        None => into[key] = value,
    }
}

fn listed_problems(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    anyhow::anyhow!(lines.join("; "))
}

/// The first of several files, and how many more there are.
fn listed<'a>(mut paths: impl ExactSizeIterator<Item = &'a Path>) -> String {
    let more = paths.len().saturating_sub(1);
    let first = paths.next().map(|path| path.display().to_string()).unwrap_or_default();
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use serde_json::json;

    fn home() -> (tempfile::TempDir, Paths, Environment) {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::from_pairs(&[("HOME", home.path().to_str().unwrap())]);
        let paths = Paths::resolve(&env).unwrap();
        std::fs::create_dir_all(paths.store_file.parent().unwrap()).unwrap();
        (home, paths, env)
    }

    #[test]
    fn settings_are_set_in_place_and_nothing_else_changes() {
        let (_home, paths, env) = home();
        std::fs::write(&paths.config_file, "{\n  // mine\n  gateway: { port: 1 },\n}\n").unwrap();
        let assign = |key: &str, value: Value| Change::Set(Assignments(vec![(key.to_owned(), value)]));
        assign("gateway.remote.token", json!("t")).apply(&paths, &env, "s").unwrap();
        let text = std::fs::read_to_string(&paths.config_file).unwrap();
        assert!(text.contains("// mine"), "{text}");
        assert_eq!(file::parse(&text).unwrap(), json!({"gateway": {"port": 1, "remote": {"token": "t"}}}));
        let refused = assign("gateway.port", json!(0)).apply(&paths, &env, "s").unwrap_err();
        assert!(format!("{refused:#}").contains("gateway.port"), "{refused:#}");
        assert_eq!(std::fs::read_to_string(&paths.config_file).unwrap(), text);
    }

    #[test]
    fn what_is_moved_aside_never_takes_the_place_of_something_else() {
        let (_home, paths, env) = home();
        let file = paths.state_dir.join("key");
        for content in ["one", "two"] {
            std::fs::write(&file, content).unwrap();
            Change::MoveAside(vec![file.clone()]).apply(&paths, &env, "s").unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(paths.state_dir.join(name)).unwrap();
        assert_eq!((read("key.aside-s").as_str(), read("key.aside-s-1").as_str()), ("one", "two"));
    }

    #[test]
    fn no_link_leads_a_repair_out_of_the_folder() {
        let (home, paths, env) = home();
        let outside = home.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("file"), "").unwrap();
        std::fs::set_permissions(outside.join("file"), std::fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&outside, paths.state_dir.join("link")).unwrap();
        symlink(outside.join("file"), paths.state_dir.join("file")).unwrap();
        for path in ["link/file", "file", "../outside/file"] {
            let path = paths.state_dir.join(path);
            let folder = paths.state_dir.clone();
            let protect = Change::Protect { folder: folder.clone(), modes: vec![(path.clone(), 0o600)] };
            assert!(protect.apply(&paths, &env, "s").is_err(), "{}", path.display());
        }
        let mode = std::fs::metadata(outside.join("file")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
}
