//! Values of the settings by key path, and what is wrong with them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use access::entries::Judged;
use access::locality::{TrustedProxies, parse_network};
use access::policy::{AuthMode, Knock, StepUp};
use protocol::Secret;
use protocol::setup_code::gateway_url;
use serde_json::Value;

use super::reference::Reference;
use super::{Bind, Environment, Problem};

/// Reads values by key path and collects what is wrong with them.
pub(super) struct Reader<'a> {
    file: &'a Value,
    asked: &'a RefCell<BTreeSet<String>>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Notes in `asked` under which key paths the file is asked.
    pub(super) fn new(file: &'a Value, asked: &'a RefCell<BTreeSet<String>>) -> Self {
        Self { file, asked, problems: Vec::new(), warnings: Vec::new() }
    }

    fn at(&self, path: &str) -> Option<&Value> {
        self.asked.borrow_mut().insert(path.to_owned());
        let found = path.split('.').try_fold(self.file, |value, key| value.get(key))?;
        (!found.is_null()).then_some(found)
    }

    pub(super) fn problem(&mut self, path: &str, message: &str) {
        self.problems.push(Problem { path: path.to_owned(), message: message.to_owned() });
    }

    pub(super) fn warn(&mut self, path: &str, message: String) {
        self.warnings.push(Problem { path: path.to_owned(), message });
    }

    pub(super) fn integer(&mut self, path: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.at(path)?.as_u64();
        let fits = value.filter(|number| (min..=max).contains(number));
        if fits.is_none() {
            self.problem(path, &format!("expected a whole number from {min} to {max}"));
        }
        fits
    }

    pub(super) fn number_from_env<T: std::str::FromStr>(&mut self, env: &Environment, name: &str) -> Option<T> {
        let parsed = env.get(name)?.trim().parse().ok();
        if parsed.is_none() {
            self.problem(name, "expected a whole number in this environment variable");
        }
        parsed
    }

    pub(super) fn flag(&mut self, path: &str, default: bool) -> bool {
        let Some(value) = self.at(path) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.problem(path, "expected true or false");
            default
        })
    }

    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        let value = self.at(path)?;
        if value == &Value::Bool(false) {
            return None;
        }
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.problem(path, "expected a string");
        }
        text
    }

    /// An address that is of no use is told again when somebody wants a setup code; everything else works.
    pub(super) fn gateway_url(&mut self, path: &str) -> Option<String> {
        let text = self.text(path).filter(|text| !text.trim().is_empty())?;
        if let Err(error) = gateway_url(&text) {
            self.warn(path, format!("this address cannot be used: {error}"));
        }
        Some(text)
    }

    /// A secret, or the variable that holds it. One that cannot be had is a problem only where it is needed.
    pub(super) fn secret(&mut self, path: &str, env: &Environment, is_needed: bool) -> Option<Secret> {
        let resolved = self.at(path).and_then(Reference::read).map(|named| named.resolve(env).map(Secret::new));
        match resolved {
            None => self.text(path).map(|text| Secret::new(text.trim())),
            Some(Ok(secret)) => Some(secret),
            Some(Err(problem)) => {
                if is_needed {
                    self.problem(path, &problem);
                } else {
                    self.warn(path, problem);
                }
                None
            }
        }
    }

    pub(super) fn strings(&mut self, path: &str) -> Vec<String> {
        let Some(value) = self.at(path) else {
            return Vec::new();
        };
        let list: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        list.unwrap_or_else(|| {
            self.problem(path, "expected a list of strings");
            Vec::new()
        })
    }

    pub(super) fn trusted_proxies(&mut self) -> TrustedProxies {
        const PATH: &str = "gateway.trustedProxies";
        let entries = self.strings(PATH);
        let (trusted, unusable) = TrustedProxies::parse(entries.iter().map(String::as_str));
        for entry in unusable {
            self.warn(PATH, format!("`{entry}` can never match; write an address or a range such as 10.0.0.0/8"));
        }
        trusted
    }

    /// Entries that can never match are named; that they let nobody in is no reason to stop.
    pub(super) fn origins(&mut self, path: &str) -> Vec<String> {
        let entries = self.strings(path);
        for entry in &entries {
            if let Judged::Useless { why, suggestion } = access::entries::origin(entry) {
                let instead = suggestion.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                self.warn(path, format!("`{entry}` can never match: {why}{instead}"));
            }
        }
        entries
    }

    pub(super) fn networks(&mut self, path: &str) -> Vec<ipnet::IpNet> {
        let entries = self.strings(path);
        let mut networks = Vec::new();
        for entry in entries {
            match parse_network(&entry) {
                Some(network) => networks.push(network),
                None => self.warn(path, format!("`{entry}` can never match; write an address or a range")),
            }
        }
        networks
    }

    pub(super) fn bind(&mut self, flag: Option<&str>) -> Bind {
        const PATH: &str = "gateway.bind";
        let Some(word) = flag.map(str::to_owned).or_else(|| self.text(PATH)) else {
            return Bind::Loopback;
        };
        match word.as_str() {
            "loopback" | "auto" => Bind::Loopback,
            "lan" => Bind::Lan,
            "tailnet" => Bind::Tailnet,
            "custom" => {
                let host = self.text("gateway.customBindHost");
                if let Some(address) = host.as_deref().and_then(|host| host.parse().ok()) {
                    return Bind::Custom(address);
                }
                self.problem("gateway.customBindHost", "expected an address such as \"192.168.1.5\"");
                Bind::Loopback
            }
            _ => {
                self.problem(PATH, "expected \"loopback\", \"lan\", \"tailnet\", \"auto\" or \"custom\"");
                Bind::Loopback
            }
        }
    }

    pub(super) fn auth_mode(&mut self, flag: Option<&str>) -> AuthMode {
        const PATH: &str = "gateway.auth.mode";
        match flag.map(str::to_owned).or_else(|| self.text(PATH)).as_deref() {
            None | Some("token") => AuthMode::Token,
            Some("password") => AuthMode::Password,
            Some("none") => AuthMode::None,
            Some(other) => {
                let message = format!("`{other}` is not supported; the gateway asks for the token instead");
                self.warn(PATH, message);
                AuthMode::Token
            }
        }
    }

    pub(super) fn step_up(&mut self) -> StepUp {
        const PATH: &str = "gateway.stepUp";
        match self.text(PATH).as_deref() {
            None | Some("public-admin") => StepUp::PublicAdmin,
            Some("off") => StepUp::Off,
            Some("always") => StepUp::Always,
            Some(_) => {
                self.problem(PATH, "expected \"off\", \"public-admin\" or \"always\"");
                StepUp::Always
            }
        }
    }

    pub(super) fn knock(&mut self) -> Knock {
        const PATH: &str = "gateway.pairing.knock";
        match self.text(PATH).as_deref() {
            None | Some("private") => Knock::Private,
            Some("off") => Knock::Off,
            Some("any") => Knock::Any,
            Some(_) => {
                self.problem(PATH, "expected \"private\", \"off\" or \"any\"");
                Knock::Off
            }
        }
    }
}
