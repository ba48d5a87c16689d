//! Secrets that the settings only name, as OpenClaw's do: `"${NAME}"`, or `{source: "env", id: "NAME"}`.

use serde_json::Value;

use super::Environment;

/// What stands in place of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// An environment variable holds it.
    Variable(&'a str),
    /// Something else does, which is not asked here: OpenClaw also has files and programs.
    Other(&'a str),
}

impl<'a> Reference<'a> {
    /// `None` where the value is the secret itself, or makes no sense at all.
    pub fn read(value: &'a Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
            return is_name(name).then_some(Self::Variable(name));
        }
        let source = value.get("source")?.as_str()?;
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        Some(if source == "env" && is_name(id) { Self::Variable(id) } else { Self::Other(source) })
    }

    /// The secret, or why there is none, as the end of a sentence that begins with the key.
    pub fn resolve(self, env: &'a Environment) -> Result<&'a str, String> {
        match self {
            Self::Variable(name) => env.get(name).ok_or_else(|| {
                format!(
                    "names the environment variable {name}, which is not set; set it where the gateway is started, for its \
                     service in gateway.env in the state directory"
                )
            }),
            Self::Other(source) => Err(format!(
                "refers to `{source}`, which is not asked here; name an environment variable, as in \"${{NAME}}\", or write \
                 the secret itself"
            )),
        }
    }
}

/// The variables that secrets of the gateway are named by.
pub fn variables(file: &Value) -> Vec<&str> {
    let named = ["token", "password"].iter().filter_map(|key| {
        match Reference::read(file.get("gateway")?.get("auth")?.get(*key)?)? {
            Reference::Variable(name) => Some(name),
            Reference::Other(_) => None,
        }
    });
    named.collect()
}

/// A name as OpenClaw accepts it: capital letters, digits and `_`.
fn is_name(name: &str) -> bool {
    let is_capital = |c: char| c.is_ascii_uppercase() || c == '_';
    name.starts_with(is_capital) && name.len() <= 128 && name.chars().all(|c| is_capital(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};
    use serde_json::json;

    #[test]
    fn both_spellings_of_openclaw_are_understood_and_everything_else_is_the_secret() {
        assert_eq!(Reference::read(&json!("${A_1}")), Some(Reference::Variable("A_1")));
        assert_eq!(Reference::read(&json!({"source": "env", "id": "A"})), Some(Reference::Variable("A")));
        assert_eq!(Reference::read(&json!({"source": "exec", "id": "x"})), Some(Reference::Other("exec")));
        for value in
            [json!("a"), json!("${a}"), json!("${}"), json!("x${A}"), json!("$A"), json!(1), json!({"id": "A"})]
        {
            assert_eq!(Reference::read(&value), None, "{value}");
        }
    }

    #[track_caller]
    fn check(auth: &Value, env: &[(&str, &str)], expected: Result<Option<&str>, &str>) {
        let file = json!({"gateway": {"auth": auth}});
        let resolved = Config::resolve(&file, &Environment::from_pairs(env), &Overrides::default());
        match (resolved, expected) {
            (Ok(resolved), Ok(expected)) => {
                assert_eq!(resolved.config.shared_secret().map(protocol::Secret::reveal), expected);
            }
            (Err(problems), Err(expected)) => {
                assert!(problems.len() == 1 && problems[0].to_string().contains(expected), "{problems:?}");
            }
            (resolved, expected) => panic!("{resolved:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_secret_that_is_named_and_not_there_is_a_problem_where_it_is_needed() {
        let token = json!({"token": "${MINE}"});
        check(&token, &[("MINE", "s3cret")], Ok(Some("s3cret")));
        check(&token, &[], Err("gateway.auth.token: names the environment variable MINE, which is not set"));
        check(&token, &[("MINE", " ")], Err("MINE, which is not set"));
        // What wins over the file makes it needless.
        check(&token, &[("OPENCLAW_GATEWAY_TOKEN", "other")], Ok(Some("other")));
        check(&json!({"mode": "password", "token": "${MINE}", "password": "p"}), &[], Ok(Some("p")));
        check(&json!({"mode": "password", "password": {"source": "env", "id": "P"}}), &[("P", "p")], Ok(Some("p")));
        check(&json!({"token": {"source": "file", "id": "/x"}}), &[], Err("refers to `file`, which is not asked here"));
    }
}
