//! Setup codes: the address of a gateway and a one-time code, as text that fits into a QR code
//! (wire.md §10), and what such a code grants.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::role::{ADMIN, APPROVALS, OWNER_SCOPES, QUESTIONS, READ, Role, Scopes, TALK, TALK_SECRETS, WRITE};
use crate::secret::Secret;

/// What stands before a code that is passed around as a link.
pub const SETUP_LINK_PREFIX: &str = "oc-pair://";

/// The longest text that is looked at, in bytes. Real codes have a few hundred.
pub const MAX_SETUP_CODE: usize = 8192;

/// How many addresses a code may carry besides the first (wire.md §10.1).
const MAX_URLS: usize = 8;

/// The largest integer that JavaScript counts exactly, 2⁵³ − 1.
const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// How to reach a gateway once, in the order the keys are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupCode {
    /// Normalized: `ws` or `wss`, nothing behind the path, no `/` at the end.
    pub url: String,
    /// Other addresses of the same gateway, 1 to 8. Read, never written by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    pub bootstrap_token: Secret,
    /// Unix epoch, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// SHA-256 of the gateway's certificate in hex, for `wss` addresses that no authority vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<String>,
}

/// Why a text is no setup code, in the words of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupCodeError {
    #[error("Invalid pairing setup code or URL.")]
    NotACode,
    #[error("Invalid pairing setup payload.")]
    Payload,
    #[error("Pairing setup code has expired.")]
    Expired,
}

impl SetupCode {
    /// The code itself, without the link prefix.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_vec(self).map(|payload| URL_SAFE_NO_PAD.encode(payload))
    }

    /// Reads a code as typed, pasted or scanned: bare, or as an `oc-pair://` link.
    pub fn decode(text: &str, now_ms: u64) -> Result<Self, SetupCodeError> {
        let code = without_prefix(text.trim());
        if code.len() > MAX_SETUP_CODE {
            return Err(SetupCodeError::NotACode);
        }
        let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| SetupCodeError::NotACode)?;
        let payload: Value = serde_json::from_slice(&bytes).map_err(|_| SetupCodeError::NotACode)?;
        let code = Self::from_payload(&payload)?;
        match code.expires_at_ms {
            Some(expires_at_ms) if expires_at_ms <= now_ms => Err(SetupCodeError::Expired),
            Some(_) | None => Ok(code),
        }
    }

    /// Checks the payload of a code, which a join URL hands out undisguised. Keys that nobody knows are
    /// left out; whether it has expired is not looked at.
    pub fn from_payload(payload: &Value) -> Result<Self, SetupCodeError> {
        if !payload.is_object() {
            return Err(SetupCodeError::Payload);
        }
        let code = Self::deserialize(payload).map_err(|_| SetupCodeError::Payload)?;
        if code.is_sound() { Ok(code) } else { Err(SetupCodeError::Payload) }
    }

    fn is_sound(&self) -> bool {
        let urls = self.urls.as_deref();
        is_normalized(&self.url)
            && urls.is_none_or(|urls| (1..=MAX_URLS).contains(&urls.len()) && urls.iter().all(|url| is_normalized(url)))
            && !self.bootstrap_token.reveal().trim().is_empty()
            && self.expires_at_ms.is_none_or(|at| at <= MAX_SAFE_INTEGER)
            && self.tls_fingerprint.as_deref().is_none_or(|print| self.url.starts_with("wss:") && is_sha256(print))
    }
}

fn without_prefix(text: &str) -> &str {
    match text.split_at_checked(SETUP_LINK_PREFIX.len()) {
        Some((prefix, code)) if prefix.eq_ignore_ascii_case(SETUP_LINK_PREFIX) => code,
        Some(_) | None => text,
    }
}

fn is_normalized(url: &str) -> bool {
    gateway_url(url).is_ok_and(|normalized| normalized == url)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Why a text cannot stand for a gateway's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatewayUrlError {
    #[error("it is no address; write wss://HOST or https://HOST")]
    Malformed,
    #[error("it must begin with wss://, https://, ws:// or http://")]
    Scheme,
    #[error("it must hold no user name, password, query or fragment")]
    Extras,
}

/// The address of a gateway in the one spelling that setup codes carry: `https` is `wss`, `http` is `ws`,
/// and there is no `/` at the end.
pub fn gateway_url(text: &str) -> Result<String, GatewayUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| GatewayUrlError::Malformed)?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return Err(GatewayUrlError::Scheme),
    };
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if has_credentials || url.query().is_some() || url.fragment().is_some() {
        return Err(GatewayUrlError::Extras);
    }
    let rest = url.as_str().split_once("://").map(|(_, rest)| rest).ok_or(GatewayUrlError::Malformed)?;
    Ok(format!("{scheme}://{}", rest.trim_end_matches('/')))
}

/// The page or HTTP address at a gateway's address: `wss` is `https`, `ws` is `http`.
pub fn http_url(gateway_url: &str) -> String {
    gateway_url.replacen("ws", "http", 1)
}

/// Whether a gateway's address leads to the machine that dials it.
pub fn is_loopback_url(gateway_url: &str) -> bool {
    Url::parse(gateway_url).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    })
}

/// What a one-time code grants whoever redeems it (wire.md §10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapProfile {
    /// An app of the owner's: everything. Its admin scope is enough to let others in, too.
    Full,
    /// An app that may not change settings; all that is given over a connection that others may read.
    Limited,
    /// A machine that offers commands.
    Node,
    /// A box one speaks to.
    VoiceNode,
    /// The owner's own browser.
    #[serde(rename = "control-ui-owner")]
    Owner,
}

impl BootstrapProfile {
    pub const ALL: [Self; 5] = [Self::Full, Self::Limited, Self::Node, Self::VoiceNode, Self::Owner];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Limited => "limited",
            Self::Node => "node",
            Self::VoiceNode => "voice-node",
            Self::Owner => "control-ui-owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text)
    }

    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Full | Self::Limited | Self::VoiceNode => &[Role::Node, Role::Operator],
            Self::Node => &[Role::Node],
            Self::Owner => &[Role::Operator],
        }
    }

    /// The operator scopes; nodes have none.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Full => Scopes::from([ADMIN, APPROVALS, QUESTIONS, READ, TALK_SECRETS, WRITE]),
            Self::Limited => Scopes::from([APPROVALS, QUESTIONS, READ, TALK_SECRETS, WRITE]),
            Self::Node => Scopes::default(),
            Self::VoiceNode => Scopes::from([READ, TALK]),
            Self::Owner => Scopes::from(OWNER_SCOPES),
        }
    }

    /// What people are told it gives (`access`).
    pub fn access(self) -> SetupAccess {
        match self {
            Self::Full | Self::Owner => SetupAccess::Full,
            Self::Limited => SetupAccess::Limited,
            Self::Node | Self::VoiceNode => SetupAccess::Node,
        }
    }
}

/// How much a setup code gives, in one word (wire.md §10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetupAccess {
    Full,
    Limited,
    Node,
}

impl SetupAccess {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Limited => "limited",
            Self::Node => "node",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(url: &str) -> SetupCode {
        SetupCode {
            url: url.to_owned(),
            urls: None,
            bootstrap_token: Secret::new("t"),
            expires_at_ms: None,
            tls_fingerprint: None,
        }
    }

    #[track_caller]
    fn normalizes(text: &str, expected: Result<&str, GatewayUrlError>) {
        assert_eq!(gateway_url(text), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_have_one_spelling() {
        normalizes("https://Gateway.Example/", Ok("wss://gateway.example"));
        normalizes("http://10.0.0.7:18789/claw/", Ok("ws://10.0.0.7:18789/claw"));
        normalizes("wss://[::1]:1", Ok("wss://[::1]:1"));
        normalizes("wss://gateway.example:443", Ok("wss://gateway.example"));
        normalizes("gateway.example", Err(GatewayUrlError::Malformed));
        normalizes("ftp://gateway.example", Err(GatewayUrlError::Scheme));
        normalizes("wss://u:p@gateway.example", Err(GatewayUrlError::Extras));
        normalizes("wss://gateway.example/?token=t", Err(GatewayUrlError::Extras));
        normalizes("wss://gateway.example/#t", Err(GatewayUrlError::Extras));
        assert_eq!(http_url("wss://ws.example/ws"), "https://ws.example/ws");
    }

    #[test]
    fn only_loopback_is_loopback() {
        for (url, expected) in [
            ("ws://127.9.9.9:1", true),
            ("ws://[::1]", true),
            ("ws://[::ffff:127.0.0.1]", true),
            ("wss://localhost", true),
            ("ws://localhost.example.com", false),
            ("ws://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback_url(url), expected, "{url}");
        }
    }

    #[test]
    fn a_fingerprint_is_only_for_encrypted_addresses() {
        let with = |url: &str, print: &str| {
            let code = SetupCode { tls_fingerprint: Some(print.to_owned()), ..code(url) };
            SetupCode::decode(&code.encode().unwrap(), 0).is_ok()
        };
        assert!(with("wss://h", &"A0".repeat(32)));
        assert!(!with("ws://h", &"a0".repeat(32)));
        assert!(!with("wss://h", &"g0".repeat(32)));
        assert!(!with("wss://h", "a0"));
    }

    #[test]
    fn a_text_that_is_too_long_is_not_looked_at() {
        let long = SetupCode { bootstrap_token: Secret::new("t".repeat(MAX_SETUP_CODE)), ..code("ws://h") };
        assert_eq!(SetupCode::decode(&long.encode().unwrap(), 0), Err(SetupCodeError::NotACode));
    }

    #[test]
    fn profiles_go_by_the_same_name_everywhere() {
        for profile in BootstrapProfile::ALL {
            assert_eq!(BootstrapProfile::parse(profile.as_str()), Some(profile));
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.as_str());
        }
        assert!(!BootstrapProfile::Limited.scopes().contains(ADMIN));
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes(host in "[a-z]{1,20}(\\.[a-z]{2,9})?", port in 1_u16..80, token in "[A-Za-z0-9_-]{1,64}", ttl in 1_u64..1_000_000) {
            let code = SetupCode {
                bootstrap_token: Secret::new(token),
                expires_at_ms: Some(1000 + ttl),
                ..code(&format!("ws://{host}:{port}"))
            };
            let text = code.encode().unwrap();
            prop_assert_eq!(SetupCode::decode(&format!("  Oc-Pair://{text}\n"), 1000), Ok(code));
            prop_assert_eq!(SetupCode::decode(&text, 1000 + ttl), Err(SetupCodeError::Expired));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = SetupCode::decode(&text, 0);
        }
    }
}
