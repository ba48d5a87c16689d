//! Which file a service starts, and a restarting gateway too: a path that still leads to this program after it
//! was updated.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::advised::Advised;
use crate::config::Environment;
use crate::node::surroundings::Surroundings;

/// How this process was called: its own name, and what came behind it.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub name: PathBuf,
    pub words: Vec<OsString>,
}

impl Invocation {
    pub fn capture() -> Self {
        let mut words = std::env::args_os();
        Self { name: words.next().map(PathBuf::from).unwrap_or_default(), words: words.collect() }
    }

    /// The path to start this program by. Links are kept, because updates change where they lead: a name on the
    /// PATH that leads here wins, then the name that it was called by.
    pub fn program(&self, env: &Environment) -> anyhow::Result<PathBuf> {
        let surroundings = Surroundings::of(env);
        let running = std::env::current_exe().ok();
        let called = match self.name.components().count() {
            0 => None,
            1 if !self.name.has_root() => self.name.to_str().and_then(|name| surroundings.which(name)),
            _ => std::path::absolute(&self.name).ok(),
        };
        let on_path = surroundings.which("openclaw");
        stable(on_path, called, running.as_deref()).context(Advised::new(
            "the path of this program cannot be found out",
            "run it by its full path, as in /usr/local/bin/openclaw gateway install",
        ))
    }
}

/// Chooses among the ways to a program the one that lasts. `called` is what the shell found.
fn stable(on_path: Option<PathBuf>, called: Option<PathBuf>, running: Option<&Path>) -> Option<PathBuf> {
    let real = |path: &Path| path.canonicalize().ok();
    let called = called.filter(|path| real(path).is_some());
    let this = called.as_deref().and_then(real).or_else(|| running.and_then(real))?;
    let leads_here = |path: &PathBuf| real(path).as_ref() == Some(&this);
    on_path.filter(leads_here).or(called).or(Some(this))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_updates_move_is_better_than_where_it_leads_today() {
        let folder = tempfile::tempdir().unwrap();
        let [version, link, other] = ["openclaw-1.2.3", "openclaw", "other"].map(|name| folder.path().join(name));
        std::fs::write(&version, "").unwrap();
        std::fs::write(&other, "").unwrap();
        std::os::unix::fs::symlink(&version, &link).unwrap();
        let some = |path: &PathBuf| Some(path.clone());
        assert_eq!(stable(some(&link), some(&version), Some(&version)), some(&link));
        assert_eq!(stable(None, some(&link), Some(&version)), some(&link));
        // What stands on the PATH is another program.
        assert_eq!(stable(some(&other), some(&version), None), some(&version));
        assert_eq!(stable(None, None, Some(&version)), version.canonicalize().ok());
        // The file was replaced while this ran; what stands under its name now is this program.
        let gone = folder.path().join("openclaw-1.2.3 (deleted)");
        assert_eq!(stable(some(&link), some(&link), Some(&gone)), some(&link));
        assert_eq!(stable(None, None, None), None);
    }
}
