//! What there is to say about a change: what it does, to whom, and what the file says.

use protocol::settings::{Afterwards, Checked, CutOff, Disconnected, PassedOn, Trial, TrialState};
use serde_json::Value;

use crate::language::{fill, t};
use crate::time_words;

/// How many names fit into a sentence.
const NAMES: usize = 4;

/// What a save would do, sentence by sentence. The first says when it works.
pub fn effects(checked: &Checked) -> Vec<String> {
    let mut words = vec![if checked.requires_restart {
        t("Works after a restart of the gateway.").to_owned()
    } else {
        t("Works at once.").to_owned()
    }];
    words.extend(ended(checked));
    words
}

/// Who is disconnected, and what becomes of them.
pub fn ended(checked: &Checked) -> Vec<String> {
    let disconnects = &checked.disconnects;
    if disconnects.count == 0 {
        return vec![t("Nobody is disconnected.").to_owned()];
    }
    let of = |then: Afterwards| disconnects.named.iter().filter(move |one| one.then == then).collect::<Vec<_>>();
    let mut words = Vec::new();
    let mut say = |sentence: &str, who: &[&Disconnected]| {
        if !who.is_empty() {
            words.push(fill(sentence, &[("names", &names(who))]));
        }
    };
    say(t("Cannot come back: {names}."), &of(Afterwards::StaysOut));
    say(t("Disconnected until they are given the new secret: {names}."), &of(Afterwards::NeedsSecret));
    say(t("Disconnected for a moment, and back by themselves: {names}."), &of(Afterwards::ComesBack));
    let more = disconnects.count - disconnects.named.len();
    if more > 0 {
        words.push(fill(t("And {count} more connections end."), &[("count", &more.to_string())]));
    }
    words
}

fn names(who: &[&Disconnected]) -> String {
    let name = |one: &&Disconnected| {
        let you = if one.is_you { t("this browser").to_owned() } else { one.address.clone() };
        format!("{} ({you})", one.name)
    };
    let mut list: Vec<String> = who.iter().take(NAMES).map(name).collect();
    if who.len() > NAMES {
        list.push(fill(t("{count} more"), &[("count", &(who.len() - NAMES).to_string())]));
    }
    list.join(", ")
}

/// Why this browser could not come back.
pub fn cut_off(why: &CutOff) -> String {
    match why {
        CutOff::ProxyUntrusted { proxy } => {
            fill(t("You come in through {proxy}, which would not be trusted any more."), &[("proxy", proxy)])
        }
        CutOff::ClientUnnamed { address } => fill(
            t("{address} would be taken for a proxy that names no client, and that is how you come in."),
            &[("address", address)],
        ),
        CutOff::PageNotAllowed { page } => {
            fill(t("This page, {page}, would not be allowed to connect any more."), &[("page", page)])
        }
        CutOff::NotListening { address } => fill(
            t("After the restart the gateway does not listen where you come from, {address}."),
            &[("address", address)],
        ),
        CutOff::PortMoves { port } => fill(
            t(
                "After the restart the page is at port {port}; open it there, where this browser asks once as a new device.",
            ),
            &[("port", &port.to_string())],
        ),
    }
}

/// What a setting says.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => t("nothing").to_owned(),
        Value::Bool(true) => t("yes").to_owned(),
        Value::Bool(false) => t("no").to_owned(),
        Value::String(text) if text.is_empty() => t("nothing").to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => t("nothing").to_owned(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// A remark as a sentence of its own.
pub fn capital(remark: &str) -> String {
    let mut letters = remark.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Where a setting comes from that this page cannot change.
pub fn overruled(by: &str) -> String {
    let sentence = if by.starts_with("--") {
        t("Set by the flag `{by}` with which the gateway was started; change it there.")
    } else {
        t("Set by the environment variable `{by}` of the gateway; change it there.")
    };
    fill(sentence, &[("by", by)])
}

/// What came through a proxy lately.
pub fn passed_on(one: &PassedOn, now_ms: u64) -> String {
    let ago = time_words::ago(one.last_at_ms, now_ms);
    let count = one.requests.to_string();
    let values = [("address", one.address.as_str()), ("count", &count), ("ago", &ago)];
    let mut words = match one.requests {
        1 => fill(t("1 request from {address}, {ago}."), &values),
        _ => fill(t("{count} requests from {address}, the last {ago}."), &values),
    };
    if !one.clients.is_empty() {
        words.push(' ');
        words.push_str(&fill(t("Clients lately: {clients}."), &[("clients", &one.clients.join(", "))]));
    }
    if one.unnamed > 0 {
        words.push(' ');
        let unnamed = one.unnamed.to_string();
        words.push_str(&fill(t("{count} of them named no client and were refused."), &[("count", &unnamed)]));
    }
    words
}

/// An address that behaves like a proxy and is not trusted.
pub fn stranger(one: &PassedOn, now_ms: u64) -> String {
    let ago = time_words::ago(one.last_at_ms, now_ms);
    let count = one.requests.to_string();
    let values = [("address", one.address.as_str()), ("count", &count), ("ago", &ago)];
    match one.requests {
        1 => fill(t("{address} sent forwarding headers once, {ago}, and was refused."), &values),
        _ => fill(t("{address} sent forwarding headers {count} times, the last {ago}, and was refused."), &values),
    }
}

/// Where whoever looks at a change on trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under the settings that are tried.
    Here,
    /// The line is lost at the moment.
    Away,
    /// What was changed only works after a restart, which has not been.
    BeforeRestart,
}

/// What is to be said of a change on trial. `left_ms` is what is left of its time.
pub fn trial(trial: &Trial, left_ms: u64, standing: Standing) -> String {
    let what = trial.changed_paths.join(", ");
    let left = time_words::clock(left_ms);
    let values = [("what", what.as_str()), ("left", &left)];
    let sentence = match (trial.state, standing) {
        (TrialState::Waits, Standing::Here) => {
            t("{what}: changed, and you are still here. It is taken back in {left} unless you keep it.")
        }
        (TrialState::Waits, Standing::Away) => {
            t("{what}: changed. This page tries to come back; if it cannot, the change is taken back in {left}.")
        }
        (TrialState::Waits, Standing::BeforeRestart) => t(
            "{what}: changed in the file. Restart the gateway, come back here and keep it, or it is taken back in {left}.",
        ),
        (TrialState::Confirmed, _) => t("{what}: the change stays."),
        (TrialState::RolledBack, _) => t("{what}: the change was taken back. The file says again what it said before."),
        (TrialState::Overtaken, _) => {
            t("{what}: something else was changed meanwhile, so the change stays and cannot be taken back any more.")
        }
    };
    fill(sentence, &values)
}

#[cfg(test)]
mod tests {
    use protocol::settings::Disconnects;
    use serde_json::json;

    use super::*;

    fn one(name: &str, is_you: bool, then: Afterwards) -> Disconnected {
        Disconnected { name: name.to_owned(), address: "192.0.2.1".to_owned(), is_you, then }
    }

    #[test]
    fn says_when_it_works_and_what_becomes_of_whom() {
        let nobody = Checked::default();
        assert_eq!(effects(&nobody), ["Works at once.", "Nobody is disconnected."]);
        let named = vec![
            one("Phone", true, Afterwards::StaysOut),
            one("a", false, Afterwards::ComesBack),
            one("b", false, Afterwards::NeedsSecret),
        ];
        let disconnects = Disconnects { count: 5, named };
        let checked = Checked { requires_restart: true, disconnects, ..Checked::default() };
        let expected = [
            "Works after a restart of the gateway.",
            "Cannot come back: Phone (this browser).",
            "Disconnected until they are given the new secret: b (192.0.2.1).",
            "Disconnected for a moment, and back by themselves: a (192.0.2.1).",
            "And 2 more connections end.",
        ];
        assert_eq!(effects(&checked), expected);
        let many: Vec<Disconnected> = (0..6).map(|_| one("x", false, Afterwards::ComesBack)).collect();
        let checked = Checked { disconnects: Disconnects { count: 6, named: many }, ..Checked::default() };
        assert!(ended(&checked)[0].ends_with("x (192.0.2.1), 2 more."), "{:?}", ended(&checked));
    }

    #[test]
    fn a_value_is_shown_as_a_person_would_say_it() {
        let shown = [json!(null), json!(true), json!(["a", "b"]), json!([]), json!("off"), json!(7), json!("")]
            .map(|of| value(&of));
        assert_eq!(shown, ["nothing", "yes", "a, b", "nothing", "off", "7", "nothing"]);
    }

    #[test]
    fn a_remark_begins_with_a_capital() {
        assert_eq!(["it", "", "É"].map(capital), ["It", "", "É"]);
    }

    #[test]
    fn what_comes_from_a_flag_or_the_environment_says_so() {
        assert!(overruled("--port").starts_with("Set by the flag `--port`"));
        assert!(overruled("OPENCLAW_GATEWAY_TOKEN").contains("variable `OPENCLAW_GATEWAY_TOKEN`"));
    }

    #[test]
    fn a_proxy_says_who_came_through_it_and_a_stranger_that_it_was_refused() {
        let passed = PassedOn {
            address: "10.0.0.2".to_owned(),
            entry: None,
            requests: 12,
            unnamed: 2,
            last_at_ms: 0,
            clients: vec!["192.0.2.1".to_owned()],
            range: None,
        };
        let expected = "12 requests from 10.0.0.2, the last 2 minutes ago. Clients lately: 192.0.2.1. 2 of them named no client and were refused.";
        assert_eq!(passed_on(&passed, 120_000), expected);
        assert_eq!(
            stranger(&passed, 0),
            "10.0.0.2 sent forwarding headers 12 times, the last just now, and was refused."
        );
    }
}
