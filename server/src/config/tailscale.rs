//! `gateway.tailscale`: whether Tailscale makes the gateway reachable, and for whom.

use access::policy::AuthMode;

use super::reader::Reader;
use super::{Bind, Overrides};

const MODE: &str = "gateway.tailscale.mode";

/// How Tailscale makes the gateway reachable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TailscaleMode {
    #[default]
    Off,
    /// For the devices of the tailnet.
    Serve,
    /// For everyone.
    Funnel,
}

impl TailscaleMode {
    /// The word for it, which is also the command of the `tailscale` program.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Serve => "serve",
            Self::Funnel => "funnel",
        }
    }
}

/// The settings of `gateway.tailscale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tailscale {
    pub mode: TailscaleMode,
    /// Whether Tailscale stops leading here when the gateway ends.
    pub reset_on_exit: bool,
}

impl Tailscale {
    /// Reads them. What is reachable through Tailscale must not be reachable past it, and what the whole world
    /// reaches must not be guarded by a secret that programs keep in files (wire.md §5.6).
    pub(super) fn read(reader: &mut Reader<'_>, flags: &Overrides, bind: &Bind, auth_mode: AuthMode) -> Self {
        let mode = match flags.tailscale.clone().or_else(|| reader.text(MODE)).as_deref() {
            None | Some("off") => TailscaleMode::Off,
            Some("serve") => TailscaleMode::Serve,
            Some("funnel") => TailscaleMode::Funnel,
            Some(_) => {
                reader.problem(MODE, "expected \"off\", \"serve\" or \"funnel\"");
                TailscaleMode::Off
            }
        };
        if mode != TailscaleMode::Off && *bind != Bind::Loopback {
            let message = format!(
                "`{}` needs gateway.bind \"loopback\": Tailscale leads to this machine, and nobody should get around it",
                mode.as_str()
            );
            reader.problem(MODE, &message);
        }
        if mode == TailscaleMode::Funnel && auth_mode != AuthMode::Password {
            reader.problem(
                MODE,
                "`funnel` shows the gateway to everyone, so it needs gateway.auth.mode \"password\" and a password in gateway.auth.password",
            );
        }
        Self { mode, reset_on_exit: reader.flag("gateway.tailscale.resetOnExit", true) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Config, Environment};

    #[track_caller]
    fn check(gateway: &Value, flag: Option<&str>, expected: Result<TailscaleMode, &str>) {
        let flags = Overrides { tailscale: flag.map(str::to_owned), ..Overrides::default() };
        let resolved = Config::resolve(&json!({"gateway": gateway}), &Environment::default(), &flags);
        match (resolved, expected) {
            (Ok(resolved), Ok(mode)) => assert_eq!(resolved.config.tailscale.mode, mode),
            (Err(problems), Err(words)) => {
                assert!(problems.iter().any(|problem| problem.message.contains(words)), "{problems:?}");
            }
            (resolved, expected) => panic!("{resolved:?} is not {expected:?}"),
        }
    }

    #[test]
    fn nobody_gets_around_tailscale_and_the_world_needs_a_password() {
        check(&json!({}), None, Ok(TailscaleMode::Off));
        check(&json!({"tailscale": {"mode": "serve"}}), None, Ok(TailscaleMode::Serve));
        check(&json!({"tailscale": {"mode": "serve"}}), Some("off"), Ok(TailscaleMode::Off));
        check(&json!({"bind": "lan"}), Some("serve"), Err("gateway.bind \"loopback\""));
        check(&json!({}), Some("funnel"), Err("gateway.auth.mode \"password\""));
        check(&json!({"auth": {"mode": "password"}}), Some("funnel"), Ok(TailscaleMode::Funnel));
        check(&json!({"tailscale": {"mode": "on"}}), None, Err("expected"));
    }
}
