//! Lists whose entries are judged one by one when they are written ([`access::entries`]).

use access::entries::{self, Judged};
use serde_json::Value;

use super::Problem;
use super::edit::join;

/// An entry that deserves a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remarkable {
    pub path: &'static str,
    pub entry: String,
    pub judged: Judged,
}

type Judge = fn(&str) -> Judged;

const JUDGED: [(&str, Judge); 3] = [
    ("gateway.trustedProxies", entries::proxy),
    ("gateway.controlUi.allowedOrigins", entries::origin),
    ("gateway.nodes.pairing.autoApproveCidrs", entries::approved_range),
];

/// The entries of a file that are useless or dangerous.
pub fn find(file: &Value) -> Vec<Remarkable> {
    let mut found = Vec::new();
    for (path, judge) in JUDGED {
        let list = path.split('.').try_fold(file, |value, key| value.get(key)).and_then(Value::as_array);
        for entry in list.into_iter().flatten().filter_map(Value::as_str) {
            match judge(entry) {
                Judged::Fine => {}
                judged @ (Judged::Wide(_) | Judged::Useless { .. }) => {
                    found.push(Remarkable { path, entry: entry.to_owned(), judged });
                }
            }
        }
    }
    found
}

/// Useless entries that a change would add. What stood there before is no reason to refuse another change.
pub fn find_new_useless(before: &Value, after: &Value) -> Vec<Remarkable> {
    let known = find(before);
    let is_useless = |one: &Remarkable| matches!(one.judged, Judged::Useless { .. });
    find(after).into_iter().filter(|one| is_useless(one) && !known.contains(one)).collect()
}

/// The same as problems of the settings.
pub fn find_new_problems(before: &Value, after: &Value) -> Vec<Problem> {
    find_new_useless(before, after).iter().filter_map(Remarkable::problem).collect()
}

impl Remarkable {
    /// What is wrong with an entry that is useless.
    pub fn problem(&self) -> Option<Problem> {
        match &self.judged {
            Judged::Fine | Judged::Wide(_) => None,
            Judged::Useless { why, suggestion } => {
                let instead = suggestion.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                let message = format!("`{}` can never match: {why}{instead}", self.entry);
                Some(Problem { path: self.path.to_owned(), message })
            }
        }
    }
}

/// Whether one key path is the other, or above it.
pub fn is_within(one: &str, other: &str) -> bool {
    let above = |upper: &str, lower: &str| upper.is_empty() || lower == upper || lower.starts_with(&join(upper, ""));
    above(one, other) || above(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_answers_only_for_the_entries_that_it_adds() {
        let file = |list: Value| json!({"gateway": {"trustedProxies": list}});
        let before = file(json!(["*", "10.0.0.1"]));
        assert_eq!(find_new_useless(&before, &file(json!(["*", "10.0.0.0/8"]))), []);
        let found = find_new_useless(&before, &file(json!(["*", "172.18.*"])));
        assert_eq!((found[0].path, found[0].entry.as_str()), ("gateway.trustedProxies", "172.18.*"));
        let problem = found[0].problem().unwrap();
        assert!(problem.message.ends_with("did you mean `172.18.0.0/16`?"), "{}", problem.message);
        let page = json!({"gateway": {"controlUi": {"allowedOrigins": ["bam.example", 7]}}});
        assert_eq!(find_new_useless(&before, &page)[0].path, "gateway.controlUi.allowedOrigins");
    }

    #[test]
    fn knows_key_paths_within_each_other() {
        assert!(is_within("gateway", "gateway.port") && is_within("gateway.port", "gateway") && is_within("a", "a"));
        assert!(is_within("", "gateway") && !is_within("gateway.po", "gateway.port"));
    }
}
