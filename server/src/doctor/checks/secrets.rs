//! Whether everybody on this machine means the same secret.

use client::GatewayUrl;
use protocol::Secret;
use serde_json::Value;

use crate::config::REMOTE_URL;
use crate::config::reference::Reference;
use crate::doctor::facts::{Facts, GivenByUnit};
use crate::doctor::repair::Assignments;
use crate::doctor::{Change, Finding};

/// A secret by its names: in the settings, in the environment, and as the service and the shell have it.
struct Named<'a> {
    word: &'static str,
    key: &'static str,
    remote_key: &'static str,
    variable: &'static str,
    in_shell: Option<&'a Secret>,
    in_unit: Option<&'a GivenByUnit>,
}

pub fn drift(facts: &Facts) -> Vec<Finding> {
    let unit = facts.unit.as_ref();
    let token = Named {
        word: "token",
        key: "gateway.auth.token",
        remote_key: "gateway.remote.token",
        variable: "OPENCLAW_GATEWAY_TOKEN",
        in_shell: facts.shell.token.as_ref(),
        in_unit: unit.and_then(|unit| unit.token.as_ref()),
    };
    let password = Named {
        word: "password",
        key: "gateway.auth.password",
        remote_key: "gateway.remote.password",
        variable: "OPENCLAW_GATEWAY_PASSWORD",
        in_shell: facts.shell.password.as_ref(),
        in_unit: unit.and_then(|unit| unit.password.as_ref()),
    };
    [token, password].iter().flat_map(|named| of(facts, named)).collect()
}

fn of(facts: &Facts, named: &Named<'_>) -> Vec<Finding> {
    let Named { word, key, remote_key, variable, in_shell, in_unit } = *named;
    let in_file = text(&facts.settings.value, key).map(Secret::new);
    let differs = |other: Option<&Secret>| {
        other.zip(in_file.as_ref()).is_some_and(|(other, file)| other.reveal().trim() != file.reveal())
    };
    let why = "A device that shows the other one is refused: `unauthorized: gateway token mismatch`.";
    let mut found = Vec::new();
    if let Some(given) = in_unit.filter(|given| differs(Some(&given.secret))) {
        let file = given.file.display();
        let is_in_unit = facts.unit.as_ref().is_some_and(|unit| unit.file == given.file);
        found.push(
            Finding::error(format!("The service starts the gateway with another {word} than the settings say."))
                .because(why)
                .seen([format!("{variable} in {file} differs from {key}")])
                .fix(if is_in_unit {
                    "openclaw gateway install --force".to_owned()
                } else {
                    format!("sed -i '/^ *{variable} *=/d' {file} && openclaw gateway restart")
                }),
        );
    }
    if differs(in_shell) {
        found.push(
            Finding::warning(format!("{variable} in this shell differs from {key}."))
                .because(
                    "A gateway or node that is started from this shell uses the variable, others use the settings.",
                )
                .seen([format!("{variable} is set here")])
                .fix(format!("unset {variable}")),
        );
    }
    let accepted = in_unit.map(|given| &given.secret).or(in_file.as_ref());
    let remote = text(&facts.settings.value, remote_key).filter(|_| is_remote_here(facts));
    if let (Some(accepted), Some(remote)) = (accepted, remote)
        && remote != accepted.reveal()
    {
        let value = Value::from(accepted.reveal());
        found.push(
            Finding::error(format!("{remote_key} does not match {key}."))
                .because(why)
                .seen([
                    "gateway.remote is for the gateway on this machine".to_owned(),
                    "the two texts differ".to_owned(),
                ])
                .fix(format!("sets {remote_key} to what the gateway accepts"))
                .repaired_by(Change::Set(Assignments(vec![(remote_key.to_owned(), value)]))),
        );
    }
    found
}

/// Whether `gateway.remote` means the gateway of this machine.
fn is_remote_here(facts: &Facts) -> bool {
    text(&facts.settings.value, REMOTE_URL).is_none_or(|url| {
        GatewayUrl::parse(url).is_ok_and(|url| !url.leaves_this_machine() && url.port() == facts.port.number)
    })
}

/// A text of the settings. What only names a secret is not compared with one.
fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    path.split('.')
        .try_fold(value, |value, key| value.get(key))
        .filter(|value| Reference::read(value).is_none())?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::Unit;
    use serde_json::json;

    fn giving(token: &str, file: &str) -> Unit {
        let token = GivenByUnit { secret: Secret::new(token), file: file.into() };
        Unit { file: "/unit".into(), token: Some(token), ..Unit::default() }
    }

    fn fixes(facts: &Facts) -> Vec<String> {
        drift(facts).into_iter().map(|finding| finding.fix).collect()
    }

    #[test]
    fn a_secret_that_is_the_same_everywhere_is_fine() {
        let mut facts = healthy::facts();
        facts.shell.token = Some(Secret::new("right"));
        facts.unit = Some(giving("right", "/unit"));
        facts.settings.value["gateway"]["remote"] = json!({"token": " right "});
        assert_eq!(drift(&facts), []);
    }

    #[test]
    fn each_place_that_differs_is_named_and_no_secret_is() {
        let mut facts = healthy::facts();
        facts.shell.token = Some(Secret::new("wrong-in-shell"));
        facts.unit = Some(giving("wrong-in-unit", "/unit"));
        facts.settings.value["gateway"]["auth"]["password"] = "right".into();
        facts.settings.value["gateway"]["remote"] = json!({"password": "wrong-in-remote"});
        let expected = [
            "openclaw gateway install --force",
            "unset OPENCLAW_GATEWAY_TOKEN",
            "sets gateway.remote.password to what the gateway accepts",
        ];
        assert_eq!(fixes(&facts), expected);
        facts.unit = Some(giving("wrong-in-file", "/gateway.env"));
        assert_eq!(
            fixes(&facts)[0],
            "sed -i '/^ *OPENCLAW_GATEWAY_TOKEN *=/d' /gateway.env && openclaw gateway restart"
        );
        let told = format!("{:?}", drift(&facts));
        assert!(!told.contains("wrong-in") && !told.contains("\"right\""), "{told}");
    }

    #[test]
    fn a_gateway_elsewhere_has_a_secret_of_its_own() {
        let mut facts = healthy::facts();
        let remote = |url: &str| json!({"url": url, "token": "theirs"});
        facts.settings.value["gateway"]["remote"] = remote("wss://gateway.example.com");
        assert_eq!(drift(&facts), []);
        facts.settings.value["gateway"]["remote"] = remote("ws://localhost:18789");
        assert_eq!(fixes(&facts), ["sets gateway.remote.token to what the gateway accepts"]);
    }
}
