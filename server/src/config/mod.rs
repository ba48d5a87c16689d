//! Settings: where they come from, what they resolve to, and how a change goes live.
//!
//! Flags win over the environment, the environment over the file. Keys that are not ours are left
//! alone; values of ours that make no sense are reported all at once, with their key paths.

pub mod edit;
pub mod entries;
pub mod env;
pub mod file;
pub mod key_path;
pub mod live;
pub mod notify;
pub mod overruled;
pub mod paths;
pub mod profile;
mod reader;
pub mod reference;
pub mod reload;
pub mod remote;
pub mod retired;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod tailscale;
pub mod trial;
pub mod written;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use access::origin::OriginPolicy;
use access::policy::{AuthMode, Policy, StepUp};
use access::surface::CommandPolicy;
use protocol::Secret;
use serde_json::Value;

pub use env::Environment;
pub use paths::Paths;
pub use profile::Profile;

use notify::Notify;
use reader::Reader;
use tailscale::Tailscale;

/// Where the gateway listens if nobody says otherwise, and no profile is selected.
pub const DEFAULT_PORT: u16 = 18789;

/// The key of the address that goes into setup codes (wire.md §10.2).
pub const PUBLIC_URL: &str = "plugins.entries.device-pair.config.publicUrl";

/// The key of the address that this machine's own command line uses elsewhere.
pub const REMOTE_URL: &str = "gateway.remote.url";

/// Everything the gateway runs by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub port: u16,
    pub bind: Bind,
    pub token: Option<Secret>,
    pub password: Option<Secret>,
    pub rate_limit: RateLimit,
    pub tailscale: Tailscale,
    pub notify: Notify,
    pub policy: Policy,
    pub step_up: StepUp,
    /// The value of `Strict-Transport-Security`, if one is set.
    pub strict_transport_security: Option<String>,
    /// How long a socket may stay silent before `connect`, in milliseconds.
    pub handshake_timeout_ms: u64,
    /// At which address others reach the gateway, as written ([`PUBLIC_URL`]).
    pub public_url: Option<String>,
    /// The same for those who prefer it ([`REMOTE_URL`]).
    pub remote_url: Option<String>,
    /// How many sockets of one address may wait unauthenticated.
    pub max_unauthenticated_per_address: usize,
}

/// On which addresses the gateway listens (`gateway.bind`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    Loopback,
    /// Every address of this machine.
    Lan,
    /// The tailnet address, and loopback.
    Tailnet,
    /// One address (`gateway.customBindHost`).
    Custom(IpAddr),
}

impl Bind {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Lan => "lan",
            Self::Tailnet => "tailnet",
            Self::Custom(_) => "custom",
        }
    }

    /// The address that a browser on this machine reaches the gateway at.
    pub fn local_host(&self) -> String {
        match self {
            Self::Loopback | Self::Lan | Self::Tailnet => "127.0.0.1".to_owned(),
            Self::Custom(IpAddr::V4(address)) => address.to_string(),
            Self::Custom(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }
}

/// When wrong secrets lock an address out (`gateway.auth.rateLimit`, wire.md §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub max_attempts: usize,
    pub window_ms: u64,
    pub lockout_ms: u64,
    pub exempt_loopback: bool,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { max_attempts: 10, window_ms: 60_000, lockout_ms: 300_000, exempt_loopback: true }
    }
}

/// What a person typed on the command line.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub port: Option<u16>,
    pub bind: Option<String>,
    pub token: Option<Secret>,
    pub auth: Option<String>,
    pub tailscale: Option<String>,
}

/// Where the secret that devices show comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretSource {
    /// The command line of the gateway.
    Flag,
    /// The environment of the gateway.
    Environment,
    /// The file.
    File,
}

impl SecretSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "env",
            Self::File => "config",
        }
    }
}

/// The variable that sets the secret of a mode.
pub fn secret_variable(mode: AuthMode) -> Option<&'static str> {
    match mode {
        AuthMode::Token => Some("OPENCLAW_GATEWAY_TOKEN"),
        AuthMode::Password => Some("OPENCLAW_GATEWAY_PASSWORD"),
        AuthMode::None => None,
    }
}

/// A setting that makes no sense, with the key it stands under.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Problem {
    pub path: String,
    pub message: String,
}

/// The settings, and what is odd but harmless about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub config: Config,
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Resolves the file's content, the environment and the flags. The error lists every problem.
    pub fn resolve(file: &Value, env: &Environment, flags: &Overrides) -> Result<Resolved, Vec<Problem>> {
        Self::resolve_noting(file, env, flags, &RefCell::default())
    }

    /// Resolves, and notes under which key paths the file was asked.
    fn resolve_noting(
        file: &Value,
        env: &Environment,
        flags: &Overrides,
        asked: &RefCell<BTreeSet<String>>,
    ) -> Result<Resolved, Vec<Problem>> {
        let mut reader = Reader::new(file, asked);
        let env_port = reader.number_from_env(env, "OPENCLAW_GATEWAY_PORT");
        let file_port = reader.integer("gateway.port", 1, u64::from(u16::MAX));
        let port = flags.port.or(env_port).or(file_port.and_then(|port| u16::try_from(port).ok()));
        let bind = reader.bind(flags.bind.as_deref());
        let auth_mode = reader.auth_mode(flags.auth.as_deref());
        let env_secret = |name: &str| env.get(name).map(Secret::new);
        let token = flags.token.clone().or(env_secret("OPENCLAW_GATEWAY_TOKEN"));
        let password = env_secret("OPENCLAW_GATEWAY_PASSWORD");
        let mut written = |path, mode, given: Option<Secret>| {
            let written = reader.secret(path, env, given.is_none() && auth_mode == mode);
            given.or(written)
        };
        let token = written("gateway.auth.token", AuthMode::Token, token);
        let password = written("gateway.auth.password", AuthMode::Password, password);
        if auth_mode == AuthMode::None && bind != Bind::Loopback {
            reader.problem(
                "gateway.auth.mode",
                "`none` lets everyone in, so it is only accepted with gateway.bind \"loopback\"",
            );
        }
        let tailscale = Tailscale::read(&mut reader, flags, &bind, auth_mode);
        let policy = Policy {
            auth_mode,
            trusted_proxies: reader.trusted_proxies(),
            allow_real_ip_fallback: reader.flag("gateway.allowRealIpFallback", false),
            origins: OriginPolicy {
                allowed: reader.origins("gateway.controlUi.allowedOrigins"),
                allow_host_fallback: reader.flag("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", false),
            },
            auto_approve_local: reader.flag("gateway.nodes.pairing.autoApproveLocal", true),
            auto_approve_cidrs: reader.networks("gateway.nodes.pairing.autoApproveCidrs"),
            knock: reader.knock(),
            commands: CommandPolicy {
                allow: reader.strings("gateway.nodes.commands.allow"),
                deny: reader.strings("gateway.nodes.commands.deny"),
            },
        };
        let defaults = RateLimit::default();
        let attempts = reader.integer("gateway.auth.rateLimit.maxAttempts", 1, 1_000_000);
        let config = Self {
            port: port.unwrap_or_else(|| profile::default_port(env)),
            bind,
            token,
            password,
            rate_limit: RateLimit {
                max_attempts: attempts.and_then(|n| usize::try_from(n).ok()).unwrap_or(defaults.max_attempts),
                window_ms: reader.integer("gateway.auth.rateLimit.windowMs", 1, u64::MAX).unwrap_or(defaults.window_ms),
                lockout_ms: reader
                    .integer("gateway.auth.rateLimit.lockoutMs", 1, u64::MAX)
                    .unwrap_or(defaults.lockout_ms),
                exempt_loopback: reader.flag("gateway.auth.rateLimit.exemptLoopback", defaults.exempt_loopback),
            },
            tailscale,
            notify: Notify::read(&mut reader, env),
            policy,
            step_up: reader.step_up(),
            strict_transport_security: reader.text("gateway.http.securityHeaders.strictTransportSecurity"),
            public_url: reader.gateway_url(PUBLIC_URL),
            remote_url: reader.gateway_url(REMOTE_URL),
            handshake_timeout_ms: reader.number_from_env(env, "OPENCLAW_HANDSHAKE_TIMEOUT_MS").unwrap_or(15_000),
            max_unauthenticated_per_address: reader
                .number_from_env(env, "OPENCLAW_MAX_PREAUTH_CONNECTIONS_PER_IP")
                .unwrap_or(32),
        };
        reader.warnings.extend(retired::find_unknown(file));
        if reader.problems.is_empty() {
            Ok(Resolved { config, warnings: reader.warnings })
        } else {
            Err(reader.problems)
        }
    }

    /// Where [`Config::shared_secret`] comes from, by the rule that flags win over the environment and that over
    /// the file.
    pub fn secret_source(&self, env: &Environment, flags: &Overrides) -> Option<SecretSource> {
        self.shared_secret()?;
        let variable = secret_variable(self.policy.auth_mode)?;
        Some(match (&flags.token, env.get(variable)) {
            (Some(_), _) if self.policy.auth_mode == AuthMode::Token => SecretSource::Flag,
            (_, Some(_)) => SecretSource::Environment,
            (_, None) => SecretSource::File,
        })
    }

    /// The secret that `gateway.auth.mode` selects.
    pub fn shared_secret(&self) -> Option<&Secret> {
        let secret = match self.policy.auth_mode {
            AuthMode::Token => self.token.as_ref(),
            AuthMode::Password => self.password.as_ref(),
            AuthMode::None => None,
        };
        secret.filter(|secret| !secret.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolve(file: &Value, env: &[(&str, &str)], flags: &Overrides) -> Result<Resolved, Vec<Problem>> {
        Config::resolve(file, &Environment::from_pairs(env), flags)
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = json!({"gateway": {"port": 1111, "auth": {"token": "from-file"}}});
        let env = [("OPENCLAW_GATEWAY_PORT", "2222"), ("OPENCLAW_GATEWAY_TOKEN", "from-env")];
        let port = |env: &[(&str, &str)], flags| resolve(&file, env, &flags).unwrap().config.port;
        assert_eq!(port(&[], Overrides::default()), 1111);
        assert_eq!(port(&env, Overrides::default()), 2222);
        assert_eq!(port(&env, Overrides { port: Some(3333), ..Overrides::default() }), 3333);
        let resolved = resolve(&file, &env, &Overrides::default()).unwrap();
        assert_eq!(resolved.config.shared_secret().map(Secret::reveal), Some("from-env"));
        let source = |env: &[(&str, &str)], flags: Overrides| {
            resolve(&file, env, &flags).unwrap().config.secret_source(&Environment::from_pairs(env), &flags)
        };
        let flagged = || Overrides { token: Some(Secret::new("t")), ..Overrides::default() };
        assert_eq!(source(&[], Overrides::default()), Some(SecretSource::File));
        assert_eq!(source(&env, Overrides::default()), Some(SecretSource::Environment));
        assert_eq!(source(&env, flagged()), Some(SecretSource::Flag));
    }

    #[test]
    fn reports_every_problem_with_its_key_path() {
        let file = json!({"gateway": {"port": 99999, "bind": "everywhere", "trustedProxies": "10.0.0.1", "pairing": {"knock": 1}}});
        let problems = resolve(&file, &[], &Overrides::default()).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["gateway.port", "gateway.bind", "gateway.trustedProxies", "gateway.pairing.knock"]);
    }

    #[test]
    fn unknown_keys_and_useless_entries_do_not_stop_the_gateway() {
        let file =
            json!({"agents": {"x": 1}, "gateway": {"trustedProxies": ["*", "10.0.0.1"], "pairingRequired": false}});
        let resolved = resolve(&file, &[], &Overrides::default()).unwrap();
        let warned: Vec<&str> = resolved.warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(warned, ["gateway.trustedProxies", "gateway.pairingRequired"]);
        assert!(resolved.config.policy.trusted_proxies.contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn no_authentication_is_only_for_loopback() {
        let file = |bind: &str| json!({"gateway": {"bind": bind, "auth": {"mode": "none"}}});
        assert!(resolve(&file("loopback"), &[], &Overrides::default()).is_ok());
        assert!(resolve(&file("lan"), &[], &Overrides::default()).is_err());
    }

    #[test]
    fn an_unknown_auth_mode_asks_for_the_token() {
        let file = json!({"gateway": {"auth": {"mode": "trusted-proxy"}}});
        let resolved = resolve(&file, &[], &Overrides::default()).unwrap();
        assert_eq!(resolved.config.policy.auth_mode, AuthMode::Token);
        assert_eq!(resolved.warnings[0].path, "gateway.auth.mode");
    }
}
