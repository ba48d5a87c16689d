//! The service that starts the gateway: a systemd user unit.

use std::path::{Path, PathBuf};

use protocol::Secret;

use crate::config::Environment;
use crate::doctor::facts::Unit;

/// What OpenClaw's own installer and ours call it.
const NAME: &str = "openclaw-gateway.service";

pub fn find(env: &Environment) -> Option<Unit> {
    let config = match env.get("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env.get("HOME")?).join(".config"),
    };
    let name = match env.get("OPENCLAW_PROFILE").filter(|profile| *profile != "default") {
        Some(profile) => format!("openclaw-gateway-{profile}.service"),
        None => NAME.to_owned(),
    };
    let file = config.join("systemd/user").join(name);
    let text = std::fs::read_to_string(&file).ok()?;
    Some(read(&file, &text))
}

/// What a unit file says of the program and its environment.
fn read(file: &Path, text: &str) -> Unit {
    let mut unit = Unit { file: file.to_owned(), ..Unit::default() };
    for line in text.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix("ExecStart=") {
            let words = words(command.trim_start_matches(['-', '@', ':', '+', '!']));
            unit.port = value_of(&words, "--port").and_then(|port| port.parse().ok());
            unit.program = words.first().map(PathBuf::from);
        }
        for assignment in line.strip_prefix("Environment=").map(words).unwrap_or_default() {
            match assignment.split_once('=') {
                Some(("OPENCLAW_GATEWAY_TOKEN", value)) => unit.token = Some(Secret::new(value)),
                Some(("OPENCLAW_GATEWAY_PASSWORD", value)) => unit.password = Some(Secret::new(value)),
                Some(("OPENCLAW_GATEWAY_PORT", value)) => unit.port = unit.port.or(value.parse().ok()),
                Some(_) | None => {}
            }
        }
    }
    let this = std::env::current_exe().and_then(|this| this.canonicalize()).ok();
    unit.is_this_program = unit.program.as_deref().and_then(|program| program.canonicalize().ok()) == this;
    unit.program_exists = unit.program.as_deref().is_some_and(Path::exists);
    unit
}

fn value_of<'a>(words: &'a [String], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).map(String::as_str)
}

/// Words as systemd splits them: at blanks, except in quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            Some(_) | None => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_says_which_program_it_starts_and_with_which_secret() {
        let text = "[Service]\nExecStart=\"/opt/my tools/openclaw\" gateway run --port 18999\n\
                    Environment=\"OPENCLAW_GATEWAY_TOKEN=a b\" OPENCLAW_GATEWAY_PORT=1\n";
        let unit = read(Path::new("/u"), text);
        assert_eq!(unit.program, Some(PathBuf::from("/opt/my tools/openclaw")));
        assert_eq!((unit.program_exists, unit.port), (false, Some(18999)));
        assert_eq!(unit.token, Some(Secret::new("a b")));
        assert!(!format!("{unit:?}").contains("a b"));
    }
}
