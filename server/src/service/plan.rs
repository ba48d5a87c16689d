//! What should be installed: the same for every kind of service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::advised::Advised;
use crate::config::profile::state_folder;
use crate::config::{Environment, Paths, Profile};

/// A service that runs a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One line for people.
    pub description: String,
    pub argv: Vec<String>,
    /// Where the gateway lives. Never a secret.
    pub environment: BTreeMap<String, String>,
    /// A file for secrets, which its owner writes or not; only systemd reads it.
    pub env_file: PathBuf,
    pub log_folder: PathBuf,
}

impl Plan {
    /// A service for the gateway that this environment selects.
    pub fn new(program: &Path, env: &Environment, port: Option<u16>) -> anyhow::Result<Self> {
        let profile = Profile::selected(env)?;
        let paths = Paths::resolve(env)?;
        let mut argv = vec![text(program)?];
        let mut environment = BTreeMap::new();
        let mut description = "OpenClaw gateway".to_owned();
        if let Some(profile) = &profile {
            argv.extend(["--profile".to_owned(), profile.to_string()]);
            environment.insert("OPENCLAW_PROFILE".to_owned(), profile.to_string());
            description = format!("OpenClaw gateway, profile {profile}");
        }
        argv.extend(["gateway".to_owned(), "run".to_owned()]);
        if let Some(port) =
            port.map(|port| port.to_string()).or_else(|| env.get("OPENCLAW_GATEWAY_PORT").map(str::to_owned))
        {
            argv.extend(["--port".to_owned(), port]);
        }
        let usual = env.get("HOME").map(|home| Path::new(home).join(state_folder(profile.as_ref())));
        if Some(&paths.state_dir) != usual.as_ref() {
            environment.insert("OPENCLAW_STATE_DIR".to_owned(), text(&paths.state_dir)?);
        }
        if paths.config_file != paths.state_dir.join("openclaw.json") {
            environment.insert("OPENCLAW_CONFIG_PATH".to_owned(), text(&paths.config_file)?);
        }
        let env_file = paths.state_dir.join("gateway.env");
        let log_folder = paths.log_file.parent().unwrap_or(&paths.state_dir).to_owned();
        Ok(Self { description, argv, environment, env_file, log_folder })
    }
}

/// A path as it can stand in a service file.
fn text(path: &Path) -> anyhow::Result<String> {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
        Some(_) | None => bail!(Advised::new(
            format!("the path {} cannot stand in a service file", path.display()),
            "use one without line breaks and other control characters"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pairs: &[(&str, &str)], port: Option<u16>) -> Plan {
        let env = Environment::from_pairs(&[&[("HOME", "/home/ada")], pairs].concat());
        Plan::new(Path::new("/usr/bin/openclaw"), &env, port).unwrap()
    }

    #[test]
    fn a_service_finds_the_gateway_it_was_made_for() {
        let usual = plan(&[], None);
        assert_eq!((usual.argv.join(" ").as_str(), usual.environment.len()), ("/usr/bin/openclaw gateway run", 0));
        let profile = plan(&[("OPENCLAW_PROFILE", "work")], Some(19_500));
        assert_eq!(profile.argv.join(" "), "/usr/bin/openclaw --profile work gateway run --port 19500");
        assert_eq!(profile.environment["OPENCLAW_PROFILE"], "work");
        assert_eq!(profile.environment.len(), 1);
        let moved = plan(&[("OPENCLAW_STATE_DIR", "/srv/o"), ("OPENCLAW_GATEWAY_PORT", "1")], None);
        assert_eq!(moved.environment["OPENCLAW_STATE_DIR"], "/srv/o");
        assert!(moved.argv.ends_with(&["--port".to_owned(), "1".to_owned()]));
    }

    #[test]
    fn no_secret_gets_into_a_service() {
        let plan = plan(&[("OPENCLAW_GATEWAY_TOKEN", "canary"), ("OPENCLAW_GATEWAY_PASSWORD", "canary")], None);
        assert!(!format!("{plan:?}").contains("canary"));
    }

    #[test]
    fn a_path_with_a_line_break_is_refused() {
        let env = Environment::from_pairs(&[("HOME", "/home/ada\nExecStart=/bin/sh")]);
        let env = env.with_profile(&Profile::dev());
        assert!(Plan::new(Path::new("/usr/bin/open\nclaw"), &env, None).is_err());
    }
}
