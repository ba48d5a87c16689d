//! Settings in files that guides name, but no gateway reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{Environment, Paths, file};
use crate::doctor::facts::OtherSettings;

/// What guides call the file.
const NAMES: [&str; 3] = ["openclaw.config.json", "gateway.yaml", "gateway.yml"];

/// Looks beside the settings and in the home.
pub fn find(paths: &Paths, env: &Environment) -> Vec<OtherSettings> {
    let beside = paths.config_file.parent().map(Path::to_owned);
    let home = env.get("HOME").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = [Some(paths.state_dir.clone()), beside, home].into_iter().flatten().collect();
    let mut known = BTreeSet::new();
    folders.retain(|folder| known.insert(folder.clone()));
    let files = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let files = files.filter(|file| *file != paths.config_file && file.is_file());
    files.map(|file| OtherSettings { content: read(&file), file }).collect()
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if path.extension().is_some_and(|ending| ending == "json") {
        return file::parse(&text).map_err(|error| format!("{error:#}"));
    }
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    // What stands at the top of `gateway.yaml` is about the gateway, whether it says so or not.
    Ok(if value.get("gateway").is_some() { value } else { serde_json::json!({"gateway": value}) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_looked_at_once_although_several_folders_are_the_same() {
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(home.path().join("gateway.yaml"), "pairingRequired: false\n").unwrap();
        let settings = elsewhere.path().join("openclaw.json");
        let home = home.path().to_str().unwrap();
        let pairs =
            [("HOME", home), ("OPENCLAW_STATE_DIR", home), ("OPENCLAW_CONFIG_PATH", settings.to_str().unwrap())];
        let env = Environment::from_pairs(&pairs);
        assert_eq!(find(&Paths::resolve(&env).unwrap(), &env).len(), 1);
    }

    #[test]
    fn both_spellings_of_the_guides_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let env = Environment::from_pairs(&[("HOME", home), ("OPENCLAW_STATE_DIR", home)]);
        std::fs::write(folder.path().join("gateway.yaml"), "pairingRequired: false\nport: 18999\n").unwrap();
        std::fs::write(folder.path().join("openclaw.config.json"), "{ gateway: { bind: 'lan' } }").unwrap();
        let found = find(&Paths::resolve(&env).unwrap(), &env);
        let contents: Vec<_> = found.into_iter().map(|other| other.content.unwrap()).collect();
        let yaml = json!({"gateway": {"pairingRequired": false, "port": 18999}});
        assert_eq!(contents, [json!({"gateway": {"bind": "lan"}}), yaml]);
    }
}
