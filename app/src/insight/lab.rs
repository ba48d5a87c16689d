//! The proxy lab: a request as somebody pastes it, and what the gateway would make of it.

use protocol::doctor::{Attempt, Header};
use protocol::pairing::Network;
use serde_json::Value;

use super::attempts;
use crate::language::{fill, t};
use crate::reading::{flag, network, text, texts};
use crate::writing::object;

/// Headers from what was pasted: lines of `Name: value`, as curl, nginx or a browser's tools print them.
pub fn headers(pasted: &str) -> Vec<Header> {
    pasted.lines().filter_map(header).collect()
}

fn header(line: &str) -> Option<Header> {
    let line = line.trim().trim_end_matches('\\').trim();
    let line = line.strip_prefix("> ").or_else(|| line.strip_prefix("-H ")).unwrap_or(line);
    let line = line.trim_matches(|c| c == '\'' || c == '"');
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    // A request line, an address or a sentence is no header.
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let header = Header { name: name.to_ascii_lowercase(), value: value.trim().to_owned() };
    (is_name && !value.starts_with("//")).then_some(header)
}

/// What an attempt came with, as it would be pasted.
pub fn pasted(attempt: &Attempt) -> String {
    let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}: {value}\n"));
    let forwarded = attempt.forwarded.iter().map(|header| format!("{}: {}\n", header.name, header.value));
    let own = [named("host", &attempt.host), named("origin", &attempt.origin.page)];
    own.into_iter().flatten().chain(forwarded).collect()
}

/// Entries of a list that is typed one on each line, or with commas.
pub fn entries(typed: &str) -> Vec<String> {
    typed.split(['\n', ',']).map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// The parameters of `doctor.explainRequest`; lists that are `None` stay as they are in the settings.
pub fn params(peer: &str, headers: &[Header], proxies: Option<&[String]>, origins: Option<&[String]>) -> Value {
    let list = |list: Option<&[String]>| {
        list.map(|list| Value::Array(list.iter().map(|entry| entry.as_str().into()).collect())).into()
    };
    let headers = headers
        .iter()
        .map(|header| object([("name", header.name.as_str().into()), ("value", header.value.as_str().into())]));
    object([
        ("peer", peer.trim().into()),
        ("headers", Value::Array(headers.collect())),
        ("trustedProxies", list(proxies)),
        ("allowedOrigins", list(origins)),
    ])
}

/// What a request comes to, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In few words, with a tone.
    pub verdict: (&'static str, String),
    /// Sentences with their tones.
    pub steps: Vec<(&'static str, String)>,
    pub fix: Option<String>,
    pub unusable: Vec<String>,
    /// Whether this page's own connection would go on, and a sentence about that.
    pub own: (bool, String),
}

pub fn outcome(value: &Value) -> Outcome {
    let steps = value.get("steps").and_then(Value::as_array);
    let step = |step: &Value| {
        let tone = match step.get("tone").and_then(Value::as_str) {
            Some("good") => "step good",
            Some("bad") => "step bad",
            Some(_) | None => "step",
        };
        Some((tone, text(step, "words")?))
    };
    let refused = value.get("refused");
    let client = value.get("client");
    let verdict = match (client, refused) {
        (_, Some(refused)) => ("pill risk", text(refused, "code").unwrap_or_default()),
        (Some(client), None) => {
            let network = network(client).unwrap_or(Network::Public);
            let tone = match network {
                Network::ThisMachine | Network::Tailnet => "pill ok",
                Network::Lan => "pill warn",
                Network::Public => "pill risk",
            };
            let address = text(client, "address").unwrap_or_default();
            let sentence = t("client {address}, {network}");
            (tone, fill(sentence, &[("address", &address), ("network", network.label())]))
        }
        (None, None) => ("pill", String::new()),
    };
    let own = value.get("own");
    Outcome {
        verdict,
        steps: steps.into_iter().flatten().filter_map(step).collect(),
        fix: refused.and_then(|refused| refused.get("fix")).and_then(attempts::fix).map(|fix| fix.words),
        unusable: texts(value, "unusable"),
        own: (own.is_none_or(|own| flag(own, "survives")), own.and_then(|own| text(own, "words")).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use protocol::doctor::{
        ExplainParams, Explained, ExplainedClient, ExplainedRefusal, ExplainedStep, Fix, OwnConnection, Tone,
    };

    use super::*;

    fn pairs(pasted: &str) -> Vec<(String, String)> {
        headers(pasted).into_iter().map(|header| (header.name, header.value)).collect()
    }

    #[test]
    fn headers_are_found_in_whatever_was_pasted() {
        let pasted = "GET / HTTP/1.1\nHost: gw.example:8443\r\n> X-Forwarded-For: 203.0.113.9, 10.0.0.2\n\
                      -H 'X-Forwarded-Proto: https' \\\nhttps://gw.example/\nJust words: here\n\n";
        let expected =
            [("host", "gw.example:8443"), ("x-forwarded-for", "203.0.113.9, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(pairs(pasted), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_gateway_understands_the_question() {
        let headers = headers("x-real-ip: 1.2.3.4");
        let asked: ExplainParams =
            serde_json::from_value(params(" 10.0.0.1 ", &headers, Some(&entries("10.0.0.0/8, \n::1")), None)).unwrap();
        assert_eq!((asked.peer.as_str(), asked.headers), ("10.0.0.1", headers));
        assert_eq!(asked.trusted_proxies, Some(vec!["10.0.0.0/8".to_owned(), "::1".to_owned()]));
        assert_eq!(asked.allowed_origins, None);
    }

    #[test]
    fn the_answer_is_read_as_the_gateway_writes_it() {
        let mut explained = Explained {
            steps: vec![ExplainedStep { words: "One.".to_owned(), tone: Tone::Good }],
            client: Some(ExplainedClient {
                address: "192.168.1.9".to_owned(),
                network: Network::Lan,
                resolved: "directly".to_owned(),
                encrypted: false,
            }),
            refused: None,
            unusable: vec!["*".to_owned()],
            own: Box::new(OwnConnection { survives: false, words: "Cut.".to_owned() }),
        };
        let found = outcome(&serde_json::to_value(&explained).unwrap());
        assert_eq!(found.verdict, ("pill warn", "client 192.168.1.9, LAN".to_owned()));
        assert_eq!((found.steps, found.own), (vec![("step good", "One.".to_owned())], (false, "Cut.".to_owned())));
        explained.client = None;
        let fix = Some(Fix { words: "Do.".to_owned(), ..Fix::default() });
        explained.refused = Some(ExplainedRefusal { code: "X".to_owned(), cause: "Y.".to_owned(), fix });
        let found = outcome(&serde_json::to_value(&explained).unwrap());
        assert_eq!((found.verdict, found.fix), (("pill risk", "X".to_owned()), Some("Do.".to_owned())));
    }
}
