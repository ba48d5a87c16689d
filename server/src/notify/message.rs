//! What people are told: who asks, from where, and the pictures to compare. Nothing in it is secret, and nothing in it
//! decides: it leads to the card.

use protocol::pairing::{Network, PendingRequest};
use protocol::{DeviceId, Fingerprint};
use serde_json::{Value, json};

/// How much of a name that a stranger has chosen is shown, in characters.
const MAX_NAME: usize = 60;

/// What ntfy shows beside the title.
const NTFY_TAG: &str = "closed_lock_with_key";

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Request(Box<Asked>),
    /// Too many asked in a short time to name each.
    Crowd {
        count: usize,
    },
    Test,
}

/// A request, as far as it leaves the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub request_id: String,
    pub device_id: DeviceId,
    pub name: String,
    pub fingerprint: Option<Fingerprint>,
    pub address: String,
    pub network: Network,
    pub has_secret: bool,
    /// Unix epoch, milliseconds.
    pub expires_at_ms: u64,
}

impl Notice {
    /// `None` for a request without evidence, which is never a new one.
    pub fn of(request: &PendingRequest) -> Option<Self> {
        let evidence = request.evidence.as_ref()?;
        Some(Self::Request(Box::new(Asked {
            request_id: request.request_id.clone(),
            device_id: request.device_id.clone(),
            name: plain(&request.shown_name()),
            fingerprint: request.fingerprint(),
            address: evidence.origin.address.clone(),
            network: evidence.origin.network,
            has_secret: evidence.has_secret,
            expires_at_ms: evidence.expires_at_ms,
        })))
    }

    /// What a browser's service worker reads (`public/sw.js`), which has the words.
    pub fn payload(&self) -> Value {
        match self {
            Self::Request(asked) => json!({
                "kind": "request",
                "requestId": asked.request_id,
                "deviceId": asked.device_id,
                "name": asked.name,
                "emoji": asked.emoji(),
                "address": asked.address,
                "network": asked.network,
                "expiresAtMs": asked.expires_at_ms,
            }),
            Self::Crowd { count } => json!({"kind": "crowd", "count": count}),
            Self::Test => json!({"kind": "test"}),
        }
    }

    /// What a program reads. `base` is the address of the page.
    pub fn object(&self, base: Option<&str>) -> Value {
        let mut object = self.payload();
        object["title"] = self.title().into();
        object["message"] = self.text().into();
        object["link"] = self.link(base).into();
        if let Self::Request(asked) = self {
            object["hasSecret"] = asked.has_secret.into();
            object["words"] = asked.fingerprint.as_ref().map(|print| print.words.join(" ")).into();
        }
        object
    }

    /// The headers by which ntfy gives a text its title and more.
    pub fn ntfy_headers(&self, base: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = vec![("title", encoded_word(&self.title())), ("tags", NTFY_TAG.to_owned())];
        if !matches!(self, Self::Test) {
            headers.push(("priority", "high".to_owned()));
        }
        headers.extend(self.link(base).map(|link| ("click", link)));
        headers
    }

    pub fn title(&self) -> String {
        match self {
            Self::Request(asked) => format!("{} wants in", asked.name),
            Self::Crowd { count } => format!("{count} more devices want in"),
            Self::Test => "A test from your gateway".to_owned(),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Request(asked) => {
                let place = format!("{} ({})", asked.address, asked.network.label());
                format!("{}\n{place}", asked.emoji()).trim().to_owned()
            }
            Self::Crowd { .. } => "Approve only what you expect.".to_owned(),
            Self::Test => "When a device wants in, you are told here.".to_owned(),
        }
    }

    /// Where a person decides.
    fn link(&self, base: Option<&str>) -> Option<String> {
        let fragment = match self {
            Self::Request(asked) => format!("#request-{}", asked.request_id),
            Self::Crowd { .. } | Self::Test => String::new(),
        };
        base.map(|base| format!("{base}/devices{fragment}"))
    }
}

impl Asked {
    fn emoji(&self) -> String {
        self.fingerprint.as_ref().map(|print| print.emoji.join(" ")).unwrap_or_default()
    }
}

/// A name on one line, without characters that steer how others are shown.
fn plain(name: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let kept: String = name.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A header value in ASCII (RFC 2047), which ntfy reads.
fn encoded_word(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    if text.is_ascii() { text.to_owned() } else { format!("=?UTF-8?B?{}?=", STANDARD.encode(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Notice {
        Notice::Request(Box::new(Asked {
            request_id: "r1".to_owned(),
            device_id: DeviceId::claimed("d1"),
            name: "Pixel 9".to_owned(),
            fingerprint: Some(Fingerprint {
                emoji: ["🦊", "🐝"].map(str::to_owned).to_vec(),
                words: ["otter", "lamp"].map(str::to_owned).to_vec(),
                hex: "ab12 cd34".to_owned(),
            }),
            address: "100.64.0.7".to_owned(),
            network: Network::Tailnet,
            has_secret: false,
            expires_at_ms: 5,
        }))
    }

    #[test]
    fn a_browser_is_told_who_asks_from_where_and_what_to_compare() {
        let expected = json!({
            "kind": "request", "requestId": "r1", "deviceId": "d1", "name": "Pixel 9", "emoji": "🦊 🐝",
            "address": "100.64.0.7", "network": "tailnet", "expiresAtMs": 5,
        });
        assert_eq!(asked().payload(), expected);
        assert_eq!(Notice::Crowd { count: 3 }.payload(), json!({"kind": "crowd", "count": 3}));
    }

    #[test]
    fn a_program_is_told_the_same_in_words_with_a_link() {
        let object = asked().object(Some("https://gw.example"));
        assert_eq!(object["title"], "Pixel 9 wants in");
        assert_eq!(object["message"], "🦊 🐝\n100.64.0.7 (Tailnet)");
        assert_eq!(object["link"], "https://gw.example/devices#request-r1");
        assert_eq!((&object["words"], &object["hasSecret"]), (&json!("otter lamp"), &json!(false)));
        assert_eq!(asked().object(None)["link"], Value::Null);
    }

    #[test]
    fn ntfy_gets_a_title_in_ascii() {
        let headers = asked().ntfy_headers(Some("https://gw.example"));
        assert!(headers.contains(&("title", "Pixel 9 wants in".to_owned())), "{headers:?}");
        assert!(headers.contains(&("click", "https://gw.example/devices#request-r1".to_owned())));
        assert!(headers.contains(&("priority", "high".to_owned())));
        assert_eq!(encoded_word("Zoë"), "=?UTF-8?B?Wm/Dqw==?=");
    }

    #[test]
    fn a_name_cannot_break_its_line_turn_around_or_run_on() {
        assert_eq!(plain("a\r\nX-Evil: 1\u{202e}b\u{200b}"), "a X-Evil: 1 b");
        let long = plain(&"ä".repeat(200));
        assert_eq!((long.chars().count(), long.ends_with('…')), (MAX_NAME + 1, true));
    }
}
