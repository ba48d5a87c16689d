//! What a program is given besides its arguments: its environment, its folder, its own path. All of it is
//! the node's; the caller may add little.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::Environment;

/// What programs get of the node's own environment. Secrets live in other variables, and stay here.
const INHERITED: [&str; 20] = [
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NUMERIC",
    "LC_TIME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
];

/// What a caller may set: how output looks, and nothing that chooses code.
const SETTABLE: [&str; 17] = [
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "LINES",
    "NO_COLOR",
    "TERM",
];

/// Where programs are looked for if the node itself does not know.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The node's own environment, as far as programs may see it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    inherited: BTreeMap<String, String>,
}

impl Surroundings {
    pub fn of(env: &Environment) -> Self {
        let mut inherited: BTreeMap<String, String> = INHERITED
            .iter()
            .filter_map(|name| env.get(name).map(|value| ((*name).to_owned(), value.to_owned())))
            .collect();
        inherited.entry("PATH".to_owned()).or_insert_with(|| USUAL_PATH.to_owned());
        Self { inherited }
    }

    /// Where programs are looked for.
    pub fn path(&self) -> &str {
        self.inherited.get("PATH").map_or(USUAL_PATH, String::as_str)
    }

    /// The environment of a program, or why the caller's additions are refused.
    pub fn with(&self, asked: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
        let mut environment = self.inherited.clone();
        for (name, value) in asked {
            if name == "PATH" {
                return Err("PATH is the node's own and cannot be set".to_owned());
            }
            if !SETTABLE.contains(&name.as_str()) {
                return Err(format!("the environment variable {name:?} cannot be set from outside"));
            }
            if value.contains('\0') {
                return Err(format!("the environment variable {name:?} contains a null byte"));
            }
            environment.insert(name.clone(), value.clone());
        }
        Ok(environment)
    }

    /// The file that a program's name stands for, without links: a name is looked up in the node's PATH, a
    /// path is taken from `folder`.
    pub fn find(&self, name: &str, folder: &Path) -> Option<PathBuf> {
        let found = if name.contains('/') {
            Some(folder.join(name)).filter(|path| is_program(path))
        } else {
            let folders = std::env::split_paths(self.path()).filter(|folder| folder.is_absolute());
            folders.map(|folder| folder.join(name)).find(|path| is_program(path))
        };
        found?.canonicalize().ok()
    }

    /// Where a program stands in the node's PATH, links and all, as people know it.
    pub fn which(&self, name: &str) -> Option<PathBuf> {
        if name.is_empty() || name.contains(['/', '\0']) {
            return None;
        }
        let folders = std::env::split_paths(self.path()).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// The folder a program starts in: the one asked for, or the user's home.
    pub fn folder(&self, asked: Option<&str>) -> Result<PathBuf, String> {
        let home = || self.inherited.get("HOME").map_or("/", String::as_str);
        let folder = PathBuf::from(OsString::from(asked.unwrap_or_else(home)));
        if !folder.is_absolute() {
            return Err(format!("the folder {:?} is not absolute", folder.display().to_string()));
        }
        match folder.canonicalize() {
            Ok(real) if real.is_dir() => Ok(real),
            Ok(_) | Err(_) => Err(format!("there is no folder {:?} on the node", folder.display().to_string())),
        }
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), "x".to_owned())])
    }

    #[test]
    fn secrets_stay_and_code_cannot_be_smuggled_in() {
        let env = Environment::from_pairs(&[
            ("PATH", "/bin"),
            ("HOME", "/home/ada"),
            ("OPENCLAW_GATEWAY_TOKEN", "secret"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("SSH_AUTH_SOCK", "/x"),
            ("LD_PRELOAD", "/x.so"),
        ]);
        let surroundings = Surroundings::of(&env);
        let given = surroundings.with(&BTreeMap::new()).unwrap();
        assert_eq!(given.keys().collect::<Vec<_>>(), ["HOME", "PATH"]);
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "BASH_ENV",
            "ENV",
            "GIT_SSH_COMMAND",
            "GIT_CONFIG_COUNT",
            "PERL5OPT",
            "RUBYOPT",
            "IFS",
            "HOME",
            "EDITOR",
            "PAGER",
            "Path",
            "lang",
            "",
            "A=B",
            "__proto__",
        ] {
            assert!(surroundings.with(&asked(name)).is_err(), "{name}");
        }
        assert_eq!(surroundings.with(&asked("LANG")).unwrap()["LANG"], "x");
    }

    #[test]
    fn programs_are_found_in_the_nodes_own_path_and_without_links() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        let tool = home.join("tool");
        std::fs::write(&tool, "").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(home.join("text"), "").unwrap();
        std::os::unix::fs::symlink(&tool, home.join("link")).unwrap();
        let path = format!("relative:{}", home.display());
        let surroundings = Surroundings::of(&Environment::from_pairs(&[("PATH", &path)]));
        let elsewhere = Path::new("/");
        assert_eq!(surroundings.find("link", elsewhere), Some(tool.clone()));
        assert_eq!(surroundings.which("link"), Some(home.join("link")));
        assert_eq!(surroundings.find("./link", &home), Some(tool));
        assert_eq!(surroundings.find("./link", elsewhere), None);
        for name in ["text", "none", "", "../tool"] {
            assert_eq!(surroundings.find(name, elsewhere), None, "{name}");
            assert_eq!(surroundings.which(name), None, "{name}");
        }
    }

    #[test]
    fn the_folder_has_to_be_there() {
        let surroundings = Surroundings::of(&Environment::from_pairs(&[("HOME", "/")]));
        assert_eq!(surroundings.folder(None).unwrap(), Path::new("/"));
        assert!(surroundings.folder(Some("tmp")).unwrap_err().contains("not absolute"));
        for missing in ["/no/such/folder", "/etc/passwd"] {
            assert!(surroundings.folder(Some(missing)).unwrap_err().contains("no folder"), "{missing}");
        }
    }
}
