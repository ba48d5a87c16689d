//! The gateway that the command line of this machine talks to where it is not the one here: `gateway.mode` and
//! `gateway.remote`. The gateway itself does not read them.

use protocol::Secret;
use serde_json::Value;

use super::Environment;
use super::reference::Reference;

/// A gateway elsewhere, and what to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub url: String,
    pub token: Option<Secret>,
    pub password: Option<Secret>,
}

/// What the settings say; `None` where `gateway.mode` is not `remote`. A secret that is named and not there is none.
pub fn remote(file: &Value, env: &Environment) -> Option<Remote> {
    let gateway = file.get("gateway")?;
    if gateway.get("mode").and_then(Value::as_str) != Some("remote") {
        return None;
    }
    let text = |key: &str| {
        let text = gateway.get("remote")?.get(key)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    };
    let secret = |key: &str| match Reference::read(gateway.get("remote")?.get(key)?) {
        Some(named) => named.resolve(env).ok().map(Secret::new),
        None => text(key).map(Secret::new),
    };
    Some(Remote { url: text("url")?.to_owned(), token: secret("token"), password: secret("password") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::OF_COMMANDS;
    use serde_json::json;

    /// The tables say what is read here, and nothing else.
    #[test]
    fn every_setting_of_the_commands_makes_a_difference() {
        let paths: Vec<&str> =
            OF_COMMANDS.iter().map(|setting| setting.path).chain([crate::config::REMOTE_URL]).collect();
        let saying = |left_out: Option<&&str>| {
            let mut file = json!({"gateway": {"remote": {}}});
            for path in paths.iter().filter(|path| Some(*path) != left_out) {
                let value = if *path == "gateway.mode" { "remote" } else { "x" };
                let pointer = format!("/{}", path.replace('.', "/"));
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                file.pointer_mut(parent).unwrap()[key] = value.into();
            }
            remote(&file, &Environment::default())
        };
        assert!(saying(None).is_some());
        for path in &paths {
            assert_ne!(saying(Some(path)), saying(None), "{path}");
        }
    }

    #[test]
    fn only_the_remote_mode_leads_elsewhere() {
        let settings = |mode: &str| json!({"gateway": {"mode": mode, "remote": {"url": "wss://gw", "token": " t "}}});
        assert_eq!(remote(&settings("local"), &Environment::default()), None);
        let found = remote(&settings("remote"), &Environment::default()).unwrap();
        assert_eq!((found.url.as_str(), found.token, found.password), ("wss://gw", Some(Secret::new("t")), None));
        let named = json!({"gateway": {"mode": "remote", "remote": {"url": "wss://gw", "token": "${T}"}}});
        let token = |env: &[(&str, &str)]| remote(&named, &Environment::from_pairs(env)).unwrap().token;
        assert_eq!((token(&[("T", "t")]), token(&[])), (Some(Secret::new("t")), None));
        assert_eq!(remote(&json!({"gateway": {"mode": "remote"}}), &Environment::default()), None);
    }
}
