//! What this browser can do to tell its owner of requests, and what the gateway says of that.

use protocol::DeviceId;
use protocol::method::{NotifyUrl, PushList, PushOutcome, SubscribedBrowser};
use serde_json::Value;

use crate::language::t;
use crate::reading::{flag, number, text};

/// What the browser says about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    pub is_secure: bool,
    /// Service workers, pushes and notifications.
    pub can_push: bool,
    /// An iPhone or iPad, which push only to what is on the home screen.
    pub is_apple_mobile: bool,
}

/// Whether this browser can be told while no page is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    Able,
    InsecureContext,
    NeedsHomeScreen,
    Unable,
}

impl Facts {
    pub fn ability(self) -> Ability {
        if !self.is_secure {
            Ability::InsecureContext
        } else if self.can_push {
            Ability::Able
        } else if self.is_apple_mobile {
            Ability::NeedsHomeScreen
        } else {
            Ability::Unable
        }
    }
}

impl Ability {
    /// Why not, and what helps.
    pub fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Able => None,
            Self::InsecureContext => {
                Some(t("Browsers push only to pages with a secure address. Open this one over HTTPS, over \
                                         Tailscale, or on localhost."))
            }
            Self::NeedsHomeScreen => {
                Some(t("iPhones and iPads push only to what is on the home screen. Tap Share, then Add \
                                         to Home Screen, and open it from there."))
            }
            Self::Unable => {
                Some(t("This browser cannot be pushed to, or was told not to be. Private windows cannot, \
                                  either. A webhook or ntfy works everywhere."))
            }
        }
    }
}

/// What the person answered when the browser asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Undecided,
    Granted,
    Denied,
}

impl Permission {
    pub fn parse(word: &str) -> Self {
        match word {
            "granted" => Self::Granted,
            "denied" => Self::Denied,
            _ => Self::Undecided,
        }
    }
}

/// Where a browser lets its owner take a No back.
pub fn way_back(user_agent: &str) -> &'static str {
    if user_agent.contains("Firefox/") {
        t("In Firefox: click the padlock left of the address, then Connection secure, More information, Permissions, \
           and allow notifications.")
    } else if user_agent.contains("Safari/") && !user_agent.contains("Chrom") {
        t("In Safari: open Settings, Websites, Notifications, and allow this address.")
    } else {
        t("Click the icon left of the address, then Site settings, and allow notifications.")
    }
}

/// Why notifications could not be switched on or off.
#[derive(Debug, Clone, PartialEq)]
pub enum SwitchProblem {
    /// The person said no, or the browser did for them.
    Denied,
    /// The question was closed without an answer.
    Unanswered,
    /// In the browser's own words.
    Browser(String),
    Gateway(protocol::WireError),
}

/// Reads the result of `push.list`.
pub fn read_list(value: &Value) -> PushList {
    let rows = value.get("subscriptions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    PushList {
        subscriptions: rows.iter().filter_map(browser).collect(),
        url: value
            .get("url")
            .and_then(|url| Some(NotifyUrl { host: text(url, "host")?, format: text(url, "format")? })),
    }
}

fn browser(value: &Value) -> Option<SubscribedBrowser> {
    Some(SubscribedBrowser {
        device_id: DeviceId::claimed(text(value, "deviceId")?),
        name: text(value, "name").unwrap_or_default(),
        service: text(value, "service").unwrap_or_default(),
        endpoint: text(value, "endpoint"),
        created_at_ms: number(value, "createdAtMs").unwrap_or_default(),
    })
}

/// Reads the result of `push.test`.
pub fn read_outcomes(value: &Value) -> Vec<PushOutcome> {
    let rows = value.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let outcome = |row: &Value| {
        let (service, said) = (text(row, "service")?, text(row, "said")?);
        Some(PushOutcome { service, said, ok: flag(row, "ok") })
    };
    rows.iter().filter_map(outcome).collect()
}

/// Whether the gateway tells the browser with this endpoint.
pub fn knows(list: &PushList, endpoint: &str) -> bool {
    list.subscriptions.iter().any(|browser| browser.endpoint.as_deref() == Some(endpoint))
}

#[cfg(test)]
mod tests {
    use protocol::method::PushTested;
    use serde_json::{json, to_value};

    use super::*;

    const ABLE: Facts = Facts { is_secure: true, can_push: true, is_apple_mobile: false };

    #[test]
    fn a_browser_that_cannot_is_told_why() {
        assert_eq!(ABLE.ability(), Ability::Able);
        assert_eq!(Facts { is_secure: false, ..ABLE }.ability(), Ability::InsecureContext);
        assert_eq!(Facts { can_push: false, is_apple_mobile: true, ..ABLE }.ability(), Ability::NeedsHomeScreen);
        assert_eq!(Facts { is_apple_mobile: true, ..ABLE }.ability(), Ability::Able);
        assert_eq!(Facts { can_push: false, ..ABLE }.ability(), Ability::Unable);
    }

    #[test]
    fn each_browser_has_its_own_way_back() {
        assert!(way_back("Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0").contains("Firefox"));
        assert!(way_back("Mozilla/5.0 (Macintosh) Version/18.0 Safari/605.1.15").contains("Safari"));
        assert!(way_back("Mozilla/5.0 (X11) Chrome/149.0.0.0 Safari/537.36").contains("Site settings"));
    }

    #[test]
    fn the_list_and_the_outcomes_are_read_as_the_gateway_writes_them() {
        let list = PushList {
            subscriptions: vec![SubscribedBrowser {
                device_id: DeviceId::claimed("d"),
                name: "Pixel".to_owned(),
                service: "push.example".to_owned(),
                endpoint: Some("https://push.example/x".to_owned()),
                created_at_ms: 4,
            }],
            url: Some(NotifyUrl { host: "ntfy.example".to_owned(), format: "ntfy".to_owned() }),
        };
        assert_eq!(read_list(&to_value(&list).unwrap()), list);
        assert!(knows(&list, "https://push.example/x") && !knows(&list, "https://push.example/y"));
        let outcome = PushOutcome { service: "push.example".to_owned(), ok: true, said: "it was taken".to_owned() };
        let tested = PushTested { results: vec![outcome.clone()] };
        assert_eq!(read_outcomes(&to_value(tested).unwrap()), [outcome]);
        assert_eq!(read_list(&json!({})), PushList::default());
    }
}
