//! The file as written: JSON5 with comments, shared with other programs. We read what is ours and
//! change single values in place; every other byte stays.

use std::path::Path;

use anyhow::{Context, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use protocol::Secret;
use serde_json::Value;

use super::Paths;
use crate::advised::Advised;
use crate::whole_file;

/// Reads the file; a missing one is an empty object.
pub fn read(path: &Path) -> anyhow::Result<Value> {
    parse(&read_text(path)?).with_context(|| unreadable(path))
}

/// What to do about a file that is no JSON5.
pub fn unreadable(path: &Path) -> Advised {
    Advised::new(
        format!("{} cannot be read as JSON5", path.display()),
        "correct it in an editor, then check it with `openclaw config validate`",
    )
}

/// Parses JSON5-like text: comments, trailing commas, unquoted keys, single quotes.
pub fn parse(text: &str) -> anyhow::Result<Value> {
    let parsed: Option<Value> = jsonc_parser::parse_to_serde_value(text, &ParseOptions::default())?;
    let value = parsed.unwrap_or_else(empty);
    if !value.is_object() {
        bail!("the file must contain one object");
    }
    Ok(value)
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Makes sure that the file exists and holds a token. An existing file keeps every byte that is not the
/// token; a new one names the port. Blocks while another program changes it.
pub fn ensure_token(paths: &Paths, new_token: &Secret, port: u16) -> anyhow::Result<()> {
    let _others = lock(&paths.config_lock)?;
    let path = &paths.config_file;
    let Ok(text) = std::fs::read_to_string(path) else {
        return write_atomically(path, &first_file(new_token, port));
    };
    let edited = with_token(&text, new_token).with_context(|| format!("{} cannot be changed", path.display()))?;
    write_atomically(path, &edited)
}

fn first_file(token: &Secret, port: u16) -> String {
    format!(
        "// Settings of the OpenClaw gateway. Comments and keys of other programs are kept.\n\
         {{\n  gateway: {{\n    port: {port},\n    bind: \"loopback\",\n    auth: {{\n      mode: \"token\",\n      \
         // A device that shows this token may ask to be let in; the owner still decides.\n      \
         token: \"{}\",\n    }},\n  }},\n}}\n",
        token.reveal()
    )
}

fn with_token(text: &str, token: &Secret) -> anyhow::Result<String> {
    let root = CstRootNode::parse(text, &ParseOptions::default())?;
    let auth = root.object_value_or_set().object_value_or_set("gateway").object_value_or_set("auth");
    let value = jsonc_parser::cst::CstInputValue::String(token.reveal().to_owned());
    match auth.get("token") {
        Some(property) => property.set_value(value),
        None => {
            auth.append("token", value);
        }
    }
    Ok(root.to_string())
}

/// The text of the file; a missing one is empty.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Holds the lock that every program of ours takes before it changes the settings. It ends with the file.
pub fn lock(path: &Path) -> anyhow::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let take = || -> std::io::Result<std::fs::File> {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        file.lock()?;
        Ok(file)
    };
    take().with_context(|| format!("{} cannot be locked", path.display()))
}

/// Replaces a file in one step; after a crash there is the old content or the new, never half. A file that
/// is there keeps its mode, and a link stays a link; a new file is for its owner alone.
pub fn write_atomically(path: &Path, text: &str) -> anyhow::Result<()> {
    // Where there is nothing yet, there is no link to follow either.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let permissions = std::fs::metadata(path).ok().map(|known| known.permissions());
    whole_file::replace(path, text.as_bytes(), permissions)
        .with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    #[test]
    fn the_first_file_reads_back() {
        let value = parse(&first_file(&Secret::new("abc"), 18789)).unwrap();
        assert_eq!(value["gateway"]["auth"]["token"], "abc");
        assert_eq!(value["gateway"]["port"], 18789);
    }

    #[test]
    fn a_token_is_added_without_touching_anything_else() {
        let text =
            "{\n  // mine\n  agents: { main: 'x' },\n  gateway: { port: 1, /* keep */ auth: { mode: 'token' } },\n}\n";
        let edited = with_token(text, &Secret::new("abc")).unwrap();
        assert!(
            edited.contains("// mine") && edited.contains("/* keep */") && edited.contains("agents: { main: 'x' }")
        );
        assert_eq!(parse(&edited).unwrap()["gateway"]["auth"]["token"], "abc");
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.json"), folder.path().join("openclaw.json"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        write_atomically(&path, "{}").unwrap();
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_atomically(&link, "{ a: 1 }").unwrap();
        assert!(link.is_symlink());
        assert_eq!((mode(&path), std::fs::read_to_string(&path).unwrap().as_str()), (0o640, "{ a: 1 }"));
    }

    #[test]
    fn a_broken_file_is_reported_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let env = Environment::from_pairs(&[("OPENCLAW_STATE_DIR", folder.path().to_str().unwrap())]);
        let paths = Paths::resolve(&env).unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        std::fs::write(&paths.config_file, "{ gateway: ").unwrap();
        assert!(ensure_token(&paths, &Secret::new("abc"), 1).is_err());
        assert_eq!(std::fs::read_to_string(&paths.config_file).unwrap(), "{ gateway: ");
    }
}
