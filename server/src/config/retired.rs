//! Keys that have no effect here: misspelt ones, those of other versions, and those that guides recommend. They are
//! named once, with what to do instead, and never stop the gateway.

use serde_json::{Map, Value};

use super::Problem;
use super::edit::join;
use super::settings::SETTINGS;

/// Where every key is the gateway's.
const OURS: [&str; 2] = ["gateway", "plugins.entries.device-pair.config"];

/// Keys and groups that the commands of this machine read ([`super::remote`]), or OpenClaw's own programs. That the
/// gateway does not is nothing to warn of.
const READ_BY_OTHERS: [&str; 4] = ["gateway.mode", "gateway.remote", "gateway.reload", "gateway.service"];

/// Keys that once meant something, or that guides name, with what holds here.
const RETIRED: [(&str, &str); 9] = [
    (
        "gateway.controlUi.allowInsecureAuth",
        "is not obeyed: every browser has a key of its own, over plain HTTP too. Open the Control UI, then approve it \
         with `openclaw devices approve`",
    ),
    (
        "gateway.controlUi.dangerouslyDisableDeviceAuth",
        "is not obeyed: nobody comes in without a device of their own. Approve it with `openclaw devices approve`",
    ),
    ("gateway.pairingRequired", NOT_WITHOUT_PAIRING),
    ("gateway.pairing.required", NOT_WITHOUT_PAIRING),
    ("pairingRequired", NOT_WITHOUT_PAIRING),
    ("gateway.silent", NEVER_SILENT),
    ("silent", NEVER_SILENT),
    (
        "gateway.tls",
        "is not obeyed: encryption is for a proxy in front, such as `tailscale serve` or nginx; see gateway.trustedProxies",
    ),
    (
        "gateway.auth.allowTailscale",
        "is not obeyed: a tailnet address is a private network, and its devices are approved like all others",
    ),
];

const NOT_WITHOUT_PAIRING: &str = "is not obeyed: whoever could reach the gateway would own it. Devices on this machine are \
                                   approved by themselves; approve others with `openclaw devices approve`";

const NEVER_SILENT: &str = "is not obeyed: requests are always shown. See them with `openclaw devices list`";

/// Every key that has no effect, and why.
pub fn find_unknown(file: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(top) = file.as_object() else { return found };
    for (key, value) in top {
        if let Some(explanation) = explanation(key) {
            found.extend(contradicts(key, value).then(|| problem(key, explanation)));
        } else if let Some(message) = misplaced(key) {
            found.push(Problem { path: key.clone(), message });
        }
    }
    for root in OURS {
        let group = root.split('.').try_fold(file, |value, key| value.get(key));
        if let Some(fields) = group.and_then(Value::as_object) {
            search(fields, root, &mut found);
        }
    }
    found
}

fn search(fields: &Map<String, Value>, path: &str, found: &mut Vec<Problem>) {
    for (key, value) in fields {
        let path = join(path, key);
        if READ_BY_OTHERS.contains(&path.as_str()) {
            continue;
        }
        if let Some(explanation) = explanation(&path) {
            found.extend(contradicts(&path, value).then(|| problem(&path, explanation)));
        } else if SETTINGS.iter().any(|setting| is_below(setting.path, &path)) {
            // A group that holds something else than keys is told when a setting in it is read.
            if let Some(fields) = value.as_object() {
                search(fields, &path, found);
            }
        } else if !is_setting(&path) {
            let instead = meant(&path).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            found.push(Problem { path, message: format!("has no effect, because there is no such setting{instead}") });
        }
    }
}

/// What holds instead of a key that is not obeyed, as the end of a sentence that begins with the key.
pub fn explanation(path: &str) -> Option<&'static str> {
    RETIRED.iter().find(|(retired, _)| *retired == path).map(|(_, message)| *message)
}

/// The keys of a file that are not obeyed although they ask for something else than what happens, with their values.
pub fn find_retired(file: &Value) -> Vec<(&'static str, &Value)> {
    let at = |path: &str| path.split('.').try_fold(file, |value, key| value.get(key));
    let said = RETIRED.iter().filter_map(|(path, _)| Some((*path, at(path)?)));
    said.filter(|(path, value)| contradicts(path, value)).collect()
}

/// Whether a value asks for something else than what happens anyway.
fn contradicts(path: &str, value: &Value) -> bool {
    let is_required = ["gateway.pairingRequired", "gateway.pairing.required", "pairingRequired"].contains(&path);
    *value != Value::Bool(is_required)
}

fn problem(path: &str, explanation: &str) -> Problem {
    Problem { path: path.to_owned(), message: explanation.to_owned() }
}

/// A setting of the gateway, or the gateway itself, that stands at the top under a wrong name. All others there
/// belong to other programs.
fn misplaced(key: &str) -> Option<String> {
    let ours = join("gateway", key);
    let meant = if is_setting(&ours) {
        ours
    } else if key != "gateway" && is_similar(key, "gateway") {
        "gateway".to_owned()
    } else {
        return None;
    };
    Some(format!("has no effect here; did you mean {meant}?"))
}

/// The setting or group that somebody had in mind: one of the same name elsewhere, or one beside it that sounds like it.
pub fn meant(path: &str) -> Option<String> {
    let (parent, name) = path.rsplit_once('.')?;
    let elsewhere = SETTINGS.iter().find(|setting| {
        setting.path.rsplit('.').next().is_some_and(|key| key.eq_ignore_ascii_case(name)) && setting.path != path
    });
    if let Some(setting) = elsewhere {
        return Some(setting.path.to_owned());
    }
    let beside = SETTINGS.iter().filter_map(|setting| {
        let rest = setting.path.strip_prefix(parent)?.strip_prefix('.')?;
        rest.split('.').next()
    });
    let closest =
        beside.filter(|key| is_similar(key, name)).max_by(|a, b| likeness(a, name).total_cmp(&likeness(b, name)));
    closest.map(|key| join(parent, key))
}

fn is_similar(key: &str, name: &str) -> bool {
    likeness(key, name) > 0.6
}

fn likeness(key: &str, name: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&key.to_lowercase(), &name.to_lowercase())
}

fn is_setting(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.path == path)
}

fn is_below(setting: &str, path: &str) -> bool {
    setting.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn warned(file: &Value, expected: &[(&str, &str)]) {
        let found = find_unknown(file);
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        let expected_paths: Vec<&str> = expected.iter().map(|(path, _)| *path).collect();
        assert_eq!(paths, expected_paths);
        for (problem, (_, part)) in found.iter().zip(expected) {
            assert!(problem.message.contains(part), "{problem}");
        }
    }

    #[test]
    fn unknown_keys_are_named_at_every_level() {
        warned(&json!({"gateway": {"prot": 1}}), &[("gateway.prot", "did you mean gateway.port?")]);
        warned(&json!({"gateway": {"autth": {"token": "x"}}}), &[("gateway.autth", "did you mean gateway.auth?")]);
        warned(
            &json!({"gateway": {"auth": {"tokens": 1}}}),
            &[("gateway.auth.tokens", "did you mean gateway.auth.token?")],
        );
        warned(&json!({"gateway": {"token": "x"}}), &[("gateway.token", "did you mean gateway.auth.token?")]);
        warned(&json!({"gateway": {"zzz": {"a": {"b": 1}}}}), &[("gateway.zzz", "no such setting")]);
        warned(
            &json!({"port": 1, "gatway": {}}),
            &[("gatway", "did you mean gateway?"), ("port", "did you mean gateway.port?")],
        );
        let plugin =
            json!({"plugins": {"entries": {"device-pair": {"config": {"publicURL": "x"}}, "other": {"x": 1}}}});
        let key = "plugins.entries.device-pair.config.publicURL";
        warned(&plugin, &[(key, "did you mean plugins.entries.device-pair.config.publicUrl?")]);
    }

    #[test]
    fn keys_that_guides_recommend_are_explained() {
        for (path, _) in RETIRED {
            let file = |value: bool| path.rsplit('.').fold(json!(value), |value, key| json!({key: value}));
            let against = !path.ends_with("equired");
            warned(&file(against), &[(path, "is not obeyed: ")]);
            assert_eq!(find_retired(&file(against)), [(path, &json!(against))]);
            // What happens anyway needs no word.
            warned(&file(!against), &[]);
            assert_eq!(find_retired(&file(!against)), []);
        }
    }

    #[test]
    fn settings_and_keys_of_other_programs_are_left_alone() {
        for setting in SETTINGS {
            warned(&setting.path.rsplit('.').fold(json!(1), |value, key| json!({key: value})), &[]);
        }
        warned(
            &json!({"agents": {"port": 1}, "auth": {"profiles": {}}, "channels": {}, "gateway": {"mode": "local"}}),
            &[],
        );
        warned(&json!({"gateway": {"remote": {"token": "t"}}}), &[]);
        warned(&json!({"gateway": 1}), &[]);
    }
}
