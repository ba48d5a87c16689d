//! Several gateways of one user on one machine: each profile has a state directory, a port and a service of
//! its own. Names, ports and labels are those of OpenClaw, so that its apps find the same gateway.

use std::fmt;
use std::str::FromStr;

use super::{DEFAULT_PORT, Environment};

/// The port of the profile `dev`, as OpenClaw has it.
const DEV_PORT: u16 = 19001;

/// The ports that the others get: from this one on, that many.
const FIRST_PORT: u16 = 20_000;
const PORTS: u32 = 40_000;

/// The longest name: it becomes part of a file name.
const MAX_LENGTH: usize = 64;

/// The name of a profile. The one called `default` is no profile at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(String);

/// Why a name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no profile name; use up to {MAX_LENGTH} letters, digits, `-` and `_`, beginning with a letter or digit"
)]
pub struct ProfileError(String);

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(name: &str) -> Result<Self, ProfileError> {
        let is_letter = |c: char| c.is_ascii_alphanumeric();
        let is_valid = name.starts_with(is_letter)
            && name.len() <= MAX_LENGTH
            && name.chars().all(|c| is_letter(c) || matches!(c, '-' | '_'));
        if is_valid { Ok(Self(name.to_owned())) } else { Err(ProfileError(name.to_owned())) }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Profile {
    /// What `--dev` stands for.
    pub fn dev() -> Self {
        Self("dev".to_owned())
    }

    /// The profile that the environment selects (`OPENCLAW_PROFILE`), if it selects one.
    pub fn selected(env: &Environment) -> Result<Option<Self>, ProfileError> {
        let named = env.get("OPENCLAW_PROFILE").map(str::trim).map(Self::from_str).transpose()?;
        Ok(named.filter(|profile| !profile.is_default()))
    }

    fn is_default(&self) -> bool {
        self.0.eq_ignore_ascii_case("default")
    }

    /// Where its gateway listens if nobody says otherwise: always the same port for a name, rarely the same for
    /// two (FNV-1a of the name).
    fn port(&self) -> u16 {
        if self.0 == "dev" {
            return DEV_PORT;
        }
        let hash =
            self.0.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
        u16::try_from(hash % PORTS).map_or(FIRST_PORT, |offset| FIRST_PORT + offset)
    }
}

/// Where the gateway of this environment listens if neither a flag, nor a variable, nor the file says so.
pub fn default_port(env: &Environment) -> u16 {
    Profile::selected(env).ok().flatten().map_or(DEFAULT_PORT, |profile| profile.port())
}

/// The name of the state directory, in the user's home.
pub fn state_folder(profile: Option<&Profile>) -> String {
    profile.map_or_else(|| ".openclaw".to_owned(), |profile| format!(".openclaw-{profile}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str) -> u16 {
        default_port(&Environment::from_pairs(&[("OPENCLAW_PROFILE", name)]))
    }

    #[test]
    fn each_profile_has_a_port_of_its_own() {
        assert_eq!((port(""), port("default"), port("Default"), port("dev")), (18789, 18789, 18789, 19001));
        // The published test vector of FNV-1a: `a` is 0xe40c292c.
        assert_eq!(u32::from(port("a")), 20_000 + 0xe40c_292c % 40_000);
        assert_ne!(port("a"), port("b"));
    }

    #[test]
    fn a_name_is_safe_in_a_path_and_in_a_unit() {
        for name in ["a", "work", "Work-2_b", "0"] {
            assert!(name.parse::<Profile>().is_ok(), "{name}");
        }
        for name in ["", "-a", "_a", "a/b", "..", "a b", "a\n", "ü", &"x".repeat(65)] {
            assert!(name.parse::<Profile>().is_err(), "{name}");
        }
    }
}
