//! The environment, read once.

use std::collections::HashMap;

use super::Profile;

/// A snapshot of the environment variables.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Takes the snapshot. Variables that are not UTF-8 are left out.
    pub fn capture() -> Self {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(pairs.collect())
    }

    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The environment of another profile. Variables that say where a gateway lives belong to the one that they
    /// were set for, unless that is this profile.
    #[must_use]
    pub fn with_profile(&self, profile: &Profile) -> Self {
        let mut env = self.clone();
        let name = profile.to_string();
        if self.get("OPENCLAW_PROFILE") != Some(&name) {
            for place in ["OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_GATEWAY_PORT"] {
                env.0.remove(place);
            }
        }
        env.0.insert("OPENCLAW_PROFILE".to_owned(), name);
        env
    }

    /// A variable that is set and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

/// Variables hold secrets, so only their names are shown.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
