//! Where the owner is told of requests besides the open pages (`gateway.notify`).

use client::WebUrl;
use protocol::Secret;
use protocol::pairing::Network;

use super::env::Environment;
use super::reader::Reader;
use access::locality::network_of;

const URL: &str = "gateway.notify.url";
const FORMAT: &str = "gateway.notify.format";
const TOKEN: &str = "gateway.notify.token";

/// How the message is written that goes to `gateway.notify.url`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotifyFormat {
    /// Everything that is known, as a JSON object.
    #[default]
    Json,
    /// A text with a title, for an ntfy topic.
    Ntfy,
}

impl NotifyFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ntfy => "ntfy",
        }
    }
}

/// `gateway.notify`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    /// The owner's own words, so it may lead anywhere.
    pub url: Option<WebUrl>,
    pub format: NotifyFormat,
    /// Shown to that address as a bearer token.
    pub token: Option<Secret>,
    /// Whether push services may be in private networks.
    pub allow_private: bool,
}

impl Notify {
    pub(super) fn read(reader: &mut Reader, env: &Environment) -> Self {
        let text = reader.text(URL).filter(|text| !text.trim().is_empty());
        let url = text.and_then(|text| match WebUrl::parse(&text) {
            Ok(url) => Some(url),
            Err(error) => {
                reader.problem(URL, &format!("this address cannot be used: {error}"));
                None
            }
        });
        let format = match reader.text(FORMAT).as_deref() {
            None | Some("json") => NotifyFormat::Json,
            Some("ntfy") => NotifyFormat::Ntfy,
            Some(_) => {
                reader.problem(FORMAT, "expected \"json\" or \"ntfy\"");
                NotifyFormat::Json
            }
        };
        let token = reader.secret(TOKEN, env, false).filter(|token| !token.is_empty());
        if token.is_some() && url.as_ref().is_some_and(crosses_the_internet_in_clear) {
            reader.warn(URL, "gateway.notify.token goes there unencrypted; write https://".to_owned());
        }
        Self { url, format, token, allow_private: reader.flag("gateway.notify.allowPrivate", false) }
    }
}

/// A name may lead anywhere, unless it is this machine's.
fn crosses_the_internet_in_clear(url: &WebUrl) -> bool {
    let is_near = url.host() == "localhost" || url.address().is_some_and(|at| network_of(at) != Network::Public);
    !url.is_encrypted() && !is_near
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::{Config, Environment, Overrides, Resolved};

    fn resolve(notify: &Value) -> Result<Resolved, Vec<String>> {
        let file = json!({"gateway": {"notify": notify}});
        let resolved = Config::resolve(&file, &Environment::default(), &Overrides::default());
        resolved.map_err(|problems| problems.into_iter().map(|problem| problem.to_string()).collect())
    }

    #[test]
    fn an_address_that_nothing_can_be_sent_to_is_refused() {
        for url in ["ntfy.sh/topic", "ftp://ntfy.sh/topic", "https://ada:secret@ntfy.sh/topic"] {
            let problems = resolve(&json!({"url": url})).unwrap_err();
            assert!(problems[0].starts_with("gateway.notify.url: this address cannot be used"), "{problems:?}");
            assert!(!problems[0].contains("secret"), "{problems:?}");
        }
    }

    #[test]
    fn a_token_that_would_cross_the_internet_in_clear_is_warned_of() {
        let warnings = |url: &str| resolve(&json!({"url": url, "token": "t"})).unwrap().warnings.len();
        assert_eq!(warnings("http://ntfy.example/topic"), 1);
        for url in ["https://ntfy.example/topic", "http://192.168.1.9/topic", "http://localhost:8080/topic"] {
            assert_eq!(warnings(url), 0, "{url}");
        }
    }

    #[test]
    fn the_token_is_not_printed() {
        let resolved = resolve(&json!({"url": "https://ntfy.example/topic", "token": "tk_hidden"})).unwrap();
        assert!(!format!("{:?}", resolved.config).contains("tk_hidden"));
    }
}
