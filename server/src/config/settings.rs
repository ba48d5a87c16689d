//! Every setting of the gateway, once: what the file may say, what the schema says about it, and what
//! docs/configuration.md says. Tests compare this table with what [`super::Config::resolve`] does.

use serde_json::Value;

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key path in the file.
    pub path: &'static str,
    /// What a page calls it.
    pub label: &'static str,
    pub kind: Kind,
    /// What it is when the file says nothing, as JSON; empty where that is no value at all.
    pub default: &'static str,
    pub reload: Reload,
    pub is_sensitive: bool,
    /// A value that differs from the default, as JSON.
    pub example: &'static str,
    /// One or two sentences, in Markdown.
    pub help: &'static str,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Flag,
    Integer {
        min: u64,
        max: u64,
    },
    Text,
    /// A string, or `false` for none.
    TextOrOff,
    Choice(&'static [&'static str]),
    Texts,
}

/// When a change works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Within a second or two.
    Hot,
    /// After the gateway was started again.
    Restart,
}

impl Reload {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Restart => "restart",
        }
    }
}

impl Setting {
    const fn new(path: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { path, label, kind, default: "", reload: Reload::Hot, is_sensitive: false, example: "", help: "" }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn like(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    const fn after_restart(self) -> Self {
        Self { reload: Reload::Restart, ..self }
    }

    const fn sensitive(self) -> Self {
        Self { is_sensitive: true, ..self }
    }

    const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// The default as a value, if there is one.
    pub fn default_value(&self) -> Option<Value> {
        serde_json::from_str(self.default).ok()
    }
}

const POSITIVE: Kind = Kind::Integer { min: 1, max: u64::MAX };

/// All of them, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting::new("gateway.port", "Port", Kind::Integer { min: 1, max: 65_535 })
        .or("18789")
        .like("18790")
        .after_restart()
        .help("TCP port. Flag `--port`, environment `OPENCLAW_GATEWAY_PORT`."),
    Setting::new("gateway.bind", "Reachable from", Kind::Choice(&["loopback", "auto", "lan", "tailnet", "custom"]))
        .or("\"loopback\"")
        .like("\"lan\"")
        .after_restart()
        .help("Who can reach it: `loopback` (also `auto`), `lan` (every address), `tailnet`, `custom`. Flag `--bind`."),
    Setting::new("gateway.customBindHost", "Address", Kind::Text)
        .like("\"192.168.1.5\"")
        .after_restart()
        .help("The address for `bind: \"custom\"`."),
    Setting::new("gateway.tailscale.mode", "Through Tailscale", Kind::Choice(&["off", "serve", "funnel"]))
        .or("\"off\"")
        .like("\"serve\"")
        .after_restart()
        .help("Whether Tailscale makes it reachable: `serve` for the tailnet, `funnel` for everyone, which takes `gateway.auth.mode: \"password\"`; both need `bind: \"loopback\"`. Flag `--tailscale`."),
    Setting::new("gateway.tailscale.resetOnExit", "Tailscale lets go", Kind::Flag)
        .or("true")
        .like("false")
        .help("Whether Tailscale stops leading here when the gateway ends."),
    Setting::new("gateway.auth.mode", "What a device shows", Kind::Choice(&["token", "password", "none"]))
        .or("\"token\"")
        .like("\"password\"")
        .help("What a device shows to be allowed to ask: `token`, `password`, or `none` (only with `bind: \"loopback\"`). Flag `--auth`."),
    Setting::new("gateway.auth.token", "Token", Kind::Text)
        .like("\"a long random text\"")
        .sensitive()
        .help("Made on the first start. Flag `--token`, environment `OPENCLAW_GATEWAY_TOKEN`."),
    Setting::new("gateway.auth.password", "Password", Kind::Text)
        .like("\"correct horse battery staple\"")
        .sensitive()
        .help("Environment `OPENCLAW_GATEWAY_PASSWORD`."),
    Setting::new("gateway.auth.rateLimit.maxAttempts", "Wrong secrets", Kind::Integer { min: 1, max: 1_000_000 })
        .or("10")
        .like("5")
        .help("How many wrong secrets lock an address out. Programs on this machine are slowed down instead."),
    Setting::new("gateway.auth.rateLimit.windowMs", "Within", POSITIVE)
        .or("60000")
        .like("120000")
        .help("In which time they are counted, in milliseconds."),
    Setting::new("gateway.auth.rateLimit.lockoutMs", "Lockout", POSITIVE)
        .or("300000")
        .like("600000")
        .help("For how long the address is locked out, in milliseconds."),
    Setting::new("gateway.auth.rateLimit.exemptLoopback", "This machine is only slowed down", Kind::Flag)
        .or("true")
        .like("false")
        .help("Whether programs on this machine are slowed down instead of locked out."),
    Setting::new("gateway.trustedProxies", "Trusted proxies", Kind::Texts)
        .or("[]")
        .like("[\"10.0.0.2\",\"172.18.0.0/16\",\"fd00::/8\"]")
        .help("Addresses and ranges whose `X-Forwarded-For` is believed."),
    Setting::new("gateway.allowRealIpFallback", "Believe X-Real-IP", Kind::Flag)
        .or("false")
        .like("true")
        .help("Whether `X-Real-IP` of a trusted proxy counts where `X-Forwarded-For` names nobody."),
    Setting::new("gateway.controlUi.allowedOrigins", "Pages from elsewhere", Kind::Texts)
        .or("[]")
        .like("[\"https://gateway.example.com\"]")
        .help("Pages from elsewhere that may connect. Pages that the gateway itself served need no entry on this machine, on private addresses, on `.local` and `.ts.net` names, and behind a trusted proxy."),
    Setting::new("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", "Believe the Host header", Kind::Flag)
        .or("false")
        .like("true")
        .help("Accepts every page whose Origin equals the Host header."),
    Setting::new("gateway.nodes.commands.allow", "More node commands", Kind::Texts)
        .or("[]")
        .like("[\"camera.snap\"]")
        .help("Commands that nodes may offer besides those usual for their platform."),
    Setting::new("gateway.nodes.commands.deny", "No such node commands", Kind::Texts)
        .or("[]")
        .like("[\"system.run\"]")
        .help("Commands that no node may offer, whatever was approved."),
    Setting::new("gateway.nodes.pairing.autoApproveLocal", "Approve this machine", Kind::Flag)
        .or("true")
        .like("false")
        .help("Whether programs and pages on this machine that show the secret are approved without asking. Never through a proxy."),
    Setting::new("gateway.nodes.pairing.autoApproveCidrs", "Approve nodes from", Kind::Texts)
        .or("[]")
        .like("[\"192.168.7.0/24\"]")
        .help("Ranges from which new nodes that show the secret are approved without asking."),
    Setting::new("gateway.pairing.knock", "Ask without a secret", Kind::Choice(&["private", "any", "off"]))
        .or("\"private\"")
        .like("\"off\"")
        .help("From where a device without any secret may ask: `private` (this machine, private networks, tailnets), `any`, `off`."),
    Setting::new("gateway.stepUp", "Passkey", Kind::Choice(&["public-admin", "always", "off"]))
        .or("\"public-admin\"")
        .like("\"always\"")
        .help("What takes a passkey besides: `public-admin` (whatever lets somebody become an admin from the internet, once there is a passkey), `always` (every approval, code and look at the secret), `off`. See [passkeys.md](passkeys.md)."),
    Setting::new("gateway.notify.url", "Tell this address", Kind::Text)
        .like("\"https://ntfy.sh/your-own-long-topic\"")
        .help("Where every new request is told besides: `POST`, within seconds, once for each device that waits."),
    Setting::new("gateway.notify.format", "In which form", Kind::Choice(&["json", "ntfy"]))
        .or("\"json\"")
        .like("\"ntfy\"")
        .help("How that is written: `json` (an object for a program), `ntfy` (a text with a title, for an ntfy topic)."),
    Setting::new("gateway.notify.token", "Token for it", Kind::Text)
        .like("\"tk_0123456789\"")
        .sensitive()
        .help("What that address is shown as a bearer token."),
    Setting::new("gateway.notify.allowPrivate", "Push services in private networks", Kind::Flag)
        .or("false")
        .like("true")
        .help("Whether a browser's push service may be in a private network, or on this machine. Otherwise the gateway sends pushes to the public internet only."),
    Setting::new("gateway.http.securityHeaders.strictTransportSecurity", "Strict-Transport-Security", Kind::TextOrOff)
        .like("\"max-age=31536000\"")
        .help("Value of the `Strict-Transport-Security` header; `false` for none."),
    Setting::new("gateway.remote.url", "Gateway elsewhere", Kind::Text)
        .like("\"wss://gateway.example.com\"")
        .help("The gateway that commands talk to where `gateway.mode` is `remote`; also the address that a setup code may name instead of this machine's own (`preferRemoteUrl`)."),
    Setting::new("plugins.entries.device-pair.config.publicUrl", "Public address", Kind::Text)
        .like("\"https://gateway.example.com\"")
        .help("The address at which other devices reach this gateway: what setup codes, their links and join URLs name."),
];

/// What the commands of this machine read besides `gateway.remote.url`, and no gateway does ([`super::remote`]).
pub const OF_COMMANDS: &[Setting] = &[
    Setting::new("gateway.mode", "Which gateway", Kind::Choice(&["local", "remote"]))
        .or("\"local\"")
        .like("\"remote\"")
        .help("Whether commands talk to the gateway of this machine or to the one at `gateway.remote.url`."),
    Setting::new("gateway.remote.token", "Token there", Kind::Text)
        .like("\"the token of that gateway\"")
        .sensitive()
        .help("What they show it. Flag `--token`."),
    Setting::new("gateway.remote.password", "Password there", Kind::Text)
        .like("\"correct horse battery staple\"")
        .sensitive()
        .help("What they show it where it asks for a password. Flag `--password`."),
];

/// The setting of that key path.
pub fn find(path: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.path == path)
}

/// A table of docs/configuration.md.
pub fn table(settings: &[Setting]) -> String {
    let mut table = "| key | default | works | meaning |\n|---|---|---|---|\n".to_owned();
    for setting in settings {
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        let reload = match setting.reload {
            Reload::Hot => "at once",
            Reload::Restart => "after a restart",
        };
        let row = format!(
            "| `{}` | {default} | {reload} | {} Example: `{}` |\n",
            setting.path, setting.help, setting.example
        );
        table.push_str(&row);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::reload::needs_restart;
    use crate::config::{Config, Environment, Overrides, Problem, Resolved};
    use serde_json::json;

    /// A file that says only this.
    fn file(path: &str, value: Value) -> Value {
        path.rsplit('.').fold(value, |value, key| json!({key: value}))
    }

    fn resolve(file: &Value) -> Result<Resolved, Vec<Problem>> {
        Config::resolve(file, &Environment::default(), &Overrides::default())
    }

    /// What makes a value count: an address only does beside its `bind`.
    fn with(setting: &Setting, value: Value) -> Value {
        let mut file = file(setting.path, value);
        if setting.path == "gateway.customBindHost" {
            file["gateway"]["bind"] = "custom".into();
        }
        if setting.path == "gateway.tailscale.mode" && file["gateway"]["tailscale"]["mode"] == "funnel" {
            file["gateway"]["auth"] = json!({"mode": "password"});
        }
        file
    }

    fn example(setting: &Setting) -> Value {
        serde_json::from_str(setting.example).unwrap()
    }

    #[test]
    fn the_table_has_exactly_the_keys_that_are_read() {
        let asked = RefCell::new(BTreeSet::new());
        let file = file("gateway.bind", json!("custom"));
        let _ = Config::resolve_noting(&file, &Environment::default(), &Overrides::default(), &asked);
        let known: BTreeSet<String> = SETTINGS.iter().map(|setting| setting.path.to_owned()).collect();
        assert_eq!(asked.into_inner(), known);
    }

    #[test]
    fn saying_the_defaults_is_saying_nothing() {
        for setting in SETTINGS {
            if let Some(default) = setting.default_value() {
                assert_eq!(resolve(&with(setting, default)), resolve(&json!({})), "{}", setting.path);
            }
        }
    }

    #[test]
    fn every_example_is_accepted_and_makes_a_difference() {
        for setting in SETTINGS {
            let resolved = resolve(&with(setting, example(setting))).unwrap();
            assert_eq!(resolved.warnings, [], "{}", setting.path);
            assert_ne!(resolved.config, resolve(&json!({})).unwrap().config, "{}", setting.path);
        }
    }

    #[test]
    fn what_needs_a_restart_is_what_the_table_says() {
        let nothing = resolve(&json!({})).unwrap().config;
        for setting in SETTINGS {
            let config = resolve(&with(setting, example(setting))).unwrap().config;
            assert_eq!(needs_restart(&nothing, &config), setting.reload == Reload::Restart, "{}", setting.path);
        }
    }

    #[test]
    fn what_the_table_rules_out_is_reported_under_its_key() {
        #[track_caller]
        fn reported(setting: &Setting, value: &Value) {
            let found = match resolve(&with(setting, value.clone())) {
                Ok(resolved) => resolved.warnings,
                Err(problems) => problems,
            };
            assert!(found.iter().any(|problem| problem.path == setting.path), "{} {value}", setting.path);
        }
        for setting in SETTINGS {
            match setting.kind {
                Kind::Flag => reported(setting, &json!("yes")),
                Kind::Integer { min, max } => {
                    reported(setting, &json!(min - 1));
                    assert!(resolve(&with(setting, json!(min))).is_ok() && resolve(&with(setting, json!(max))).is_ok());
                    if let Some(more) = max.checked_add(1) {
                        reported(setting, &json!(more));
                    }
                }
                Kind::Text | Kind::TextOrOff => reported(setting, &json!(1)),
                Kind::Choice(words) => {
                    reported(setting, &json!("something else"));
                    for word in words.iter().filter(|word| **word != "custom") {
                        assert_eq!(resolve(&with(setting, json!(word))).unwrap().warnings, []);
                    }
                }
                Kind::Texts => reported(setting, &json!("a,b")),
            }
        }
    }

    #[test]
    fn the_tables_in_the_docs_are_these() {
        let docs = include_str!("../../../docs/configuration.md");
        for table in [table(SETTINGS), table(OF_COMMANDS)] {
            assert!(docs.contains(&table), "docs/configuration.md is out of date; this belongs there:\n{table}");
        }
    }
}
