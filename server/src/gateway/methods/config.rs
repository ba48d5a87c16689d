//! `config.get`: the settings, with every secret taken out (wire.md §7.5).

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstRootNode};
use serde_json::{Value, json};

use crate::config::file;
use crate::state::AppState;

/// What stands where a secret was.
const REDACTED: &str = "__OPENCLAW_REDACTED__";

pub fn get(state: &AppState) -> Value {
    let path = &state.paths.config_file;
    let text = std::fs::read_to_string(path);
    let exists = text.is_ok();
    let text = text.unwrap_or_default();
    let raw = redact(&text);
    let parsed = file::parse(&raw);
    let issues: Vec<Value> =
        parsed.as_ref().err().map(|error| json!({"path": "", "message": error.to_string()})).into_iter().collect();
    let parsed = parsed.unwrap_or_default();
    json!({
        "path": path,
        "exists": exists,
        "raw": raw,
        "parsed": parsed,
        "sourceConfig": parsed,
        "resolved": parsed,
        "runtimeConfig": parsed,
        "config": parsed,
        "valid": issues.is_empty(),
        "issues": issues,
        "warnings": [],
        "legacyIssues": [],
        "hash": state.server_key.opaque_hash(&text),
    })
}

/// Replaces secrets in place and keeps everything else. Text that cannot be parsed is not shown at all.
fn redact(text: &str) -> String {
    let Ok(root) = CstRootNode::parse(text, &ParseOptions::default()) else {
        return String::new();
    };
    if let Some(value) = root.value() {
        redact_node(&value);
    }
    root.to_string()
}

fn redact_node(node: &CstNode) {
    if let Some(object) = node.as_object() {
        for property in object.properties() {
            let name = property.name().and_then(|name| name.decoded_value().ok()).unwrap_or_default();
            let Some(value) = property.value() else { continue };
            let holds_text = value.as_string_lit().is_some() || value.as_number_lit().is_some();
            if is_secret(&name) && holds_text {
                property.set_value(CstInputValue::String(REDACTED.to_owned()));
            } else {
                redact_node(&value);
            }
        }
    } else if let Some(array) = node.as_array() {
        for element in array.elements() {
            redact_node(&element);
        }
    }
}

/// Whether a key's value must not be shown, whoever's key it is.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let counts_tokens = name.ends_with("tokens");
    let words = ["token", "password", "secret", "apikey", "api_key", "privatekey", "credential"];
    !counts_tokens && words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_in_place_and_the_rest_is_kept() {
        let text = "{ // mine\n gateway: { auth: { token: 'abc', password: \"p\" }, port: 1 }, bots: [{ botToken: 'xyz', maxTokens: 5 }] }";
        let redacted = redact(text);
        for secret in ["abc", "\"p\"", "xyz"] {
            assert!(!redacted.contains(secret), "{redacted}");
        }
        assert!(redacted.contains("// mine") && redacted.contains("port: 1") && redacted.contains("maxTokens: 5"));
        assert_eq!(redacted.matches(REDACTED).count(), 3);
    }

    #[test]
    fn a_broken_file_is_not_shown() {
        assert_eq!(redact("{ token: 'abc'"), "");
    }
}
