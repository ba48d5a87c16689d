//! What is said with more weight than the file says it.

use super::{Environment, Overrides};

/// The flag or the variable that overrules the file for a setting, as it is typed.
pub fn overruled_by(path: &str, env: &Environment, flags: &Overrides) -> Option<&'static str> {
    let (flag, variable) = match path {
        "gateway.port" => (flags.port.is_some().then_some("--port"), Some("OPENCLAW_GATEWAY_PORT")),
        "gateway.bind" => (flags.bind.is_some().then_some("--bind"), None),
        "gateway.auth.mode" => (flags.auth.is_some().then_some("--auth"), None),
        "gateway.auth.token" => (flags.token.is_some().then_some("--token"), Some("OPENCLAW_GATEWAY_TOKEN")),
        "gateway.auth.password" => (None, Some("OPENCLAW_GATEWAY_PASSWORD")),
        "gateway.tailscale.mode" => (flags.tailscale.is_some().then_some("--tailscale"), None),
        _ => (None, None),
    };
    flag.or(variable.filter(|name| env.get(name).is_some()))
}

#[cfg(test)]
mod tests {
    use protocol::Secret;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Config;
    use crate::config::settings::SETTINGS;

    /// Another value than the example, so that the file makes a difference where it counts.
    fn file(path: &str) -> Value {
        let example = SETTINGS.iter().find(|setting| setting.path == path).map(|setting| setting.example);
        let value: Value = serde_json::from_str(example.unwrap()).unwrap();
        path.rsplit('.').fold(value, |value, key| json!({key: value}))
    }

    #[test]
    fn a_setting_that_is_overruled_makes_no_difference_and_another_one_does() {
        let env = Environment::from_pairs(&[
            ("OPENCLAW_GATEWAY_PORT", "1234"),
            ("OPENCLAW_GATEWAY_TOKEN", "t"),
            ("OPENCLAW_GATEWAY_PASSWORD", "p"),
        ]);
        let word = |word: &str| Some(word.to_owned());
        let flags = Overrides {
            port: Some(1),
            bind: word("loopback"),
            token: Some(Secret::new("f")),
            auth: word("token"),
            tailscale: word("off"),
        };
        let (no_env, no_flags) = (Environment::default(), Overrides::default());
        for (env, flags) in [(&env, &no_flags), (&no_env, &flags), (&env, &flags), (&no_env, &no_flags)] {
            for setting in SETTINGS.iter().filter(|setting| setting.path != "gateway.customBindHost") {
                let resolve = |file: &Value| Config::resolve(file, env, flags).unwrap().config;
                let makes_none = resolve(&file(setting.path)) == resolve(&json!({}));
                assert_eq!(makes_none, overruled_by(setting.path, env, flags).is_some(), "{}", setting.path);
            }
        }
    }
}
