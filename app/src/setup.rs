//! Letting a device in by a one-time code: what a person wants, what the gateway makes of it, and who came.
//!
//! Invariant: a code lives in the open dialog only. Nothing here keeps one or prints one.

use protocol::Secret;
use serde_json::Value;

use crate::reading::{flag, number, text};
use crate::writing::object;

/// Who shall come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The browser of a phone or tablet, whose camera opens a link.
    Phone,
    App,
    /// A machine that runs commands.
    Machine,
}

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    pub whom: Whom,
    /// Without the rights that change settings. Machines have none anyway.
    pub is_limited: bool,
    /// A URL that hands the code out, for a machine. Over plain HTTP there is none.
    pub by_url: bool,
}

impl Wish {
    /// The parameters of `device.pair.setupCode` (wire.md §10.2).
    pub fn params(self) -> Value {
        let profile = match (self.whom, self.is_limited) {
            (Whom::Machine, _) => Some("node"),
            (Whom::Phone | Whom::App, true) => Some("limited"),
            (Whom::Phone | Whom::App, false) => None,
        };
        object([
            ("includeQr", (self.whom != Whom::Machine).into()),
            ("bootstrapProfile", profile.into()),
            ("joinUrl", (self.whom == Whom::Machine && self.by_url).then_some(true).into()),
        ])
    }
}

/// A code that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub setup_id: String,
    /// Unix epoch milliseconds, by the gateway's clock.
    pub expires_at_ms: u64,
    /// Where the code leads to.
    pub gateway_url: String,
    /// Full rights were wished for, but others could listen on the way.
    pub is_downgraded: bool,
    /// `None` where a phone's browser would get no key, because the address is not `https`.
    pub handover: Option<Handover>,
}

/// How the code gets to the device: text to copy, and the same as a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    pub text: Secret,
    pub qr: Option<Qr>,
}

/// A QR code as an SVG path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    pub path: Secret,
    /// Width and height in modules, with the quiet zone around.
    pub size: u64,
}

impl Made {
    /// `None` if this is no result of `device.pair.setupCode`.
    pub fn read(whom: Whom, result: &Value) -> Option<Self> {
        let handover = match whom {
            Whom::Phone => result
                .get("page")
                .and_then(|page| Some(Handover { text: Secret::new(text(page, "url")?), qr: Qr::read(page) })),
            Whom::App => Some(Handover { text: Secret::new(text(result, "setupCode")?), qr: Qr::read(result) }),
            Whom::Machine => {
                let code = text(result, "joinUrl").or_else(|| text(result, "setupCode"))?;
                Some(Handover { text: Secret::new(format!("openclaw connect {code}")), qr: None })
            }
        };
        Some(Self {
            setup_id: text(result, "setupId")?,
            expires_at_ms: number(result, "expiresAtMs")?,
            gateway_url: text(result, "gatewayUrl")?,
            is_downgraded: flag(result, "accessDowngraded"),
            handover,
        })
    }
}

impl Qr {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { path: Secret::new(text(value, "qrSvgPath")?), size: number(value, "qrSize")? })
    }
}

/// Somebody came in by a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub setup_id: String,
    pub name: String,
    pub access: String,
}

impl Arrival {
    /// Reads the payload of `device.pair.setup.completed`.
    pub fn read(payload: &Value) -> Option<Self> {
        Some(Self {
            setup_id: text(payload, "setupId")?,
            name: text(payload, "deviceName").filter(|name| !name.is_empty()).unwrap_or("The device".to_owned()),
            access: text(payload, "access").unwrap_or_default(),
        })
    }

    /// Reads the result of `device.pair.setupStatus`; `None` as long as nobody came.
    pub fn of_status(result: &Value) -> Option<Self> {
        Self::read(result.get("completion").or_else(|| result.get("deliveryUncertain"))?)
    }

    /// What came of it, in a sentence.
    pub fn consequence(&self) -> &'static str {
        match self.access.as_str() {
            "node" => "It offers its commands to this gateway. Under Devices you see them and can remove it.",
            "limited" => "It may see and send, but not change settings. Under Devices you can remove it.",
            _ => "It may do everything, also let others in. Under Devices you can remove it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::event::SetupCompleted;
    use protocol::method::{PageLink, QrPath, SetupCodeMade, SetupCodeParams, SetupStatus};
    use protocol::setup_code::SetupAccess;
    use protocol::{BootstrapProfile, DeviceId};
    use serde_json::{from_value, json, to_value};

    use super::*;

    fn wish(whom: Whom, is_limited: bool) -> SetupCodeParams {
        from_value(Wish { whom, is_limited, by_url: true }.params()).unwrap()
    }

    #[test]
    fn a_wish_becomes_what_the_gateway_understands() {
        assert_eq!(wish(Whom::Phone, false).bootstrap_profile, None);
        assert_eq!(wish(Whom::App, true).bootstrap_profile, Some(BootstrapProfile::Limited));
        assert_eq!(wish(Whom::App, true).join_url, None);
        let machine = wish(Whom::Machine, true);
        assert_eq!((machine.bootstrap_profile, machine.join_url), (Some(BootstrapProfile::Node), Some(true)));
    }

    fn qr(path: &str) -> QrPath {
        QrPath { qr_svg_path: Secret::new(path), qr_size: 29 }
    }

    fn made() -> SetupCodeMade {
        SetupCodeMade {
            setup_id: "s".to_owned(),
            expires_at_ms: 5,
            setup_code: Secret::new("code"),
            join_url: Some(Secret::new("https://claw.example/j/x")),
            qr_data_url: None,
            gateway_url: "wss://claw.example".to_owned(),
            auth: "token".to_owned(),
            url_source: "publicUrl".to_owned(),
            access: SetupAccess::Limited,
            access_downgraded: Some(true),
            qr: Some(qr("app")),
            page: Some(PageLink { url: Secret::new("https://claw.example/#x"), qr: Some(qr("page")) }),
        }
    }

    #[track_caller]
    fn hands_over(whom: Whom, made: &SetupCodeMade, expected: Option<(&str, Option<&str>)>) {
        let read = Made::read(whom, &to_value(made).unwrap()).unwrap();
        let told = read
            .handover
            .as_ref()
            .map(|handover| (handover.text.reveal(), handover.qr.as_ref().map(|qr| (qr.path.reveal(), qr.size))));
        assert_eq!(told, expected.map(|(text, path)| (text, path.map(|path| (path, 29)))));
        assert_eq!((read.setup_id.as_str(), read.expires_at_ms, read.is_downgraded), ("s", 5, true));
    }

    #[test]
    fn everybody_gets_what_their_device_can_use() {
        hands_over(Whom::Phone, &made(), Some(("https://claw.example/#x", Some("page"))));
        hands_over(Whom::App, &made(), Some(("code", Some("app"))));
        hands_over(Whom::Machine, &made(), Some(("openclaw connect https://claw.example/j/x", None)));
        let plain = SetupCodeMade { join_url: None, page: None, ..made() };
        hands_over(Whom::Phone, &plain, None);
        hands_over(Whom::Machine, &plain, Some(("openclaw connect code", None)));
    }

    #[test]
    fn a_code_is_not_printed() {
        let read = Made::read(Whom::App, &to_value(made()).unwrap()).unwrap();
        assert!(!format!("{read:?}").contains("\"code\"") && !format!("{read:?}").contains("app"));
    }

    #[test]
    fn tells_who_came_at_once_or_later() {
        let completed = SetupCompleted {
            setup_id: "s".to_owned(),
            device_id: DeviceId::claimed("d"),
            device_name: Some("Pixel 9".to_owned()),
            access: SetupAccess::Node,
            ts: 1,
        };
        let arrival = Arrival {
            setup_id: "s".to_owned(),
            name: "Pixel 9".to_owned(),
            access: SetupAccess::Node.as_str().to_owned(),
        };
        assert_eq!(Arrival::read(&to_value(&completed).unwrap()), Some(arrival.clone()));
        let status = SetupStatus { completion: Some(completed), delivery_uncertain: None };
        assert_eq!(Arrival::of_status(&to_value(status).unwrap()), Some(arrival));
        assert_eq!(Arrival::of_status(&json!({})), None);
    }
}
