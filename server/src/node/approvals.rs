//! The node's own file of rules, `exec-approvals.json` in the state directory, in the shape that OpenClaw
//! wrote it: `{version: 1, defaults: {security, ask, askFallback}, agents: {main: {allowlist: [{pattern}]}}}`.
//!
//! **Invariant:** whatever is missing, unreadable or unknown in it means that nothing runs.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use glob::Pattern;
use serde::Deserialize;
use serde_json::{Value, json};

use super::policy::{Ask, Policy, Security};
use crate::whole_file;

/// The agents whose rules count, the more particular first.
const AGENTS: [&str; 2] = ["main", "*"];

/// Where the rules are, and whose home `~/` in them means.
#[derive(Debug, Clone)]
pub struct Approvals {
    pub file: PathBuf,
    pub home: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
struct Rules {
    security: Option<Security>,
    ask: Option<Ask>,
    #[serde(rename = "askFallback")]
    ask_fallback: Option<Security>,
    #[serde(default)]
    allowlist: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Bare(String),
    Full {
        pattern: String,
        /// The reference can limit arguments, which we cannot: such an entry allows nothing here.
        #[serde(rename = "argPattern")]
        arg_pattern: Option<String>,
    },
}

impl Entry {
    fn pattern(&self) -> Option<&str> {
        match self {
            Self::Bare(pattern) | Self::Full { pattern, arg_pattern: None } => Some(pattern.trim()),
            Self::Full { arg_pattern: Some(_), .. } => None,
        }
    }
}

impl Approvals {
    /// The rules as they are now. They are read anew for each program, so that a change counts at once.
    pub fn load(&self) -> Policy {
        let file = self.file.display();
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Policy::deny(format!("there is no {file} on this node, so no program may run"));
            }
            Err(error) => {
                return Policy::deny(format!("{file} on this node cannot be read ({error}), so no program may run"));
            }
        };
        match parse(&text) {
            Ok(mut policy) => {
                policy.allowlist = policy.allowlist.iter().filter_map(|pattern| self.settled(pattern)).collect();
                policy
            }
            Err(error) => Policy::deny(format!("{file} on this node is damaged ({error:#}), so no program may run")),
        }
    }

    /// A pattern as the resolved path of a program looks: without `~`, and without links where it names
    /// one file.
    fn settled(&self, pattern: &Pattern) -> Option<Pattern> {
        let text = match (pattern.as_str().strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => format!("{}/{rest}", Pattern::escape(&home.to_string_lossy())),
            (Some(_), None) | (None, _) => pattern.as_str().to_owned(),
        };
        let named = std::fs::canonicalize(&text).ok().and_then(|path| path.into_os_string().into_string().ok());
        Pattern::new(&named.unwrap_or(text)).ok()
    }

    /// Puts a program on the list for good. Everything else in the file stays.
    pub fn remember(&self, program: &Path) -> anyhow::Result<()> {
        let text =
            std::fs::read_to_string(&self.file).with_context(|| format!("{} cannot be read", self.file.display()))?;
        let mut file: Value = serde_json::from_str(&text)?;
        let Some(path) = program.to_str() else { bail!("its path is not UTF-8") };
        let entry = json!({"pattern": Pattern::escape(path), "source": "allow-always"});
        let list = file
            .as_object_mut()
            .map(|file| file.entry("agents").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .map(|agents| agents.entry(AGENTS[0]).or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .map(|agent| agent.entry("allowlist").or_insert_with(|| json!([])))
            .and_then(Value::as_array_mut);
        let Some(list) = list else { bail!("{} is damaged", self.file.display()) };
        list.push(entry);
        whole_file::replace(&self.file, &serde_json::to_vec_pretty(&file)?, None)
            .with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// Reads the file's text. Links and `~` are not looked at yet.
fn parse(text: &str) -> anyhow::Result<Policy> {
    let file: Value = serde_json::from_str(text)?;
    if file.get("version") != Some(&json!(1)) {
        bail!("its version is not 1");
    }
    let rules = |value: Option<&Value>| value.map_or_else(|| Ok(Rules::default()), Rules::deserialize);
    let defaults = rules(file.get("defaults")).context("in defaults")?;
    let mut agents = Vec::new();
    for name in AGENTS {
        let agent = file.get("agents").and_then(|agents| agents.get(name));
        agents.push(rules(agent).with_context(|| format!("in agents.{name}"))?);
    }
    let all = || agents.iter().chain(std::iter::once(&defaults));
    let mut allowlist = Vec::new();
    for pattern in agents.iter().flat_map(|agent| &agent.allowlist).filter_map(Entry::pattern) {
        allowlist.push(Pattern::new(pattern).with_context(|| format!("in the pattern `{pattern}`"))?);
    }
    Ok(Policy {
        security: all().find_map(|rules| rules.security).unwrap_or(Security::Deny),
        ask: all().find_map(|rules| rules.ask).unwrap_or(Ask::Off),
        ask_fallback: all().find_map(|rules| rules.ask_fallback).unwrap_or(Security::Deny),
        allowlist,
        trouble: None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::node::policy::{Verdict, decide};

    fn approvals(text: Option<&str>) -> (tempfile::TempDir, Approvals) {
        let folder = tempfile::tempdir().unwrap();
        let approvals =
            Approvals { file: folder.path().join("exec-approvals.json"), home: Some(folder.path().to_owned()) };
        if let Some(text) = text {
            std::fs::write(&approvals.file, text).unwrap();
        }
        (folder, approvals)
    }

    #[track_caller]
    fn denies(text: Option<&str>, why: &str) {
        let (_folder, approvals) = approvals(text);
        let Verdict::Deny(reason) = decide(&approvals.load(), Path::new("/usr/bin/uname"), &["uname".to_owned()])
        else {
            panic!("allowed by {text:?}");
        };
        assert!(reason.contains(why), "{reason}");
    }

    #[test]
    fn no_file_or_a_damaged_one_means_no_and_says_so() {
        denies(None, "there is no ");
        denies(Some(""), "is damaged");
        denies(Some("[]"), "is damaged");
        denies(Some(r#"{"version": 2, "defaults": {"security": "full"}}"#), "version is not 1");
        denies(Some(r#"{"version": 1, "defaults": {"security": "everything"}}"#), "is damaged");
        denies(Some(r#"{"version": 1, "defaults": {"security": "full", "ask": "maybe"}}"#), "is damaged");
        denies(Some(r#"{"version": 1, "agents": {"main": {"security": "full", "allowlist": 7}}}"#), "is damaged");
        denies(Some(r#"{"version": 1}"#), "lets no program run");
        denies(
            Some(
                r#"{"version":1,"defaults":{"security":"allowlist"},"agents":{"main":{"allowlist":[{"pattern":"/usr/bin/uname","argPattern":"^-r$"}]}}}"#,
            ),
            "not on the allowlist",
        );
    }

    #[test]
    fn an_agents_own_rules_win_and_lists_are_added() {
        let policy = parse(
            r#"{"version":1,"socket":{"path":"x"},"defaults":{"security":"full","ask":"always","askFallback":"allowlist"},
                "agents":{"main":{"security":"allowlist","ask":"off","allowlist":["/a",{"pattern":"/b","id":"1"}]},
                          "*":{"security":"deny","allowlist":[{"pattern":"/c"}]}}}"#,
        )
        .unwrap();
        assert_eq!(
            (policy.security, policy.ask, policy.ask_fallback),
            (Security::Allowlist, Ask::Off, Security::Allowlist)
        );
        assert_eq!(policy.allowlist.iter().map(Pattern::as_str).collect::<Vec<_>>(), ["/a", "/b", "/c"]);
    }

    #[test]
    fn a_pattern_follows_links_and_knows_the_home() {
        let (folder, approvals) = approvals(Some(
            r#"{"version":1,"defaults":{"security":"allowlist"},"agents":{"main":{"allowlist":["~/link","~/bin/*"]}}}"#,
        ));
        let home = folder.path().canonicalize().unwrap();
        std::fs::write(home.join("tool"), "").unwrap();
        std::os::unix::fs::symlink(home.join("tool"), home.join("link")).unwrap();
        let policy = approvals.load();
        for (program, expected) in [("tool", true), ("bin/x", true), ("other", false)] {
            let verdict = decide(&policy, &home.join(program), &[program.to_owned()]);
            assert_eq!(verdict == Verdict::Allow, expected, "{program}");
        }
    }

    #[test]
    fn what_is_remembered_is_allowed_and_the_rest_of_the_file_stays() {
        let (_folder, approvals) = approvals(Some(
            r#"{"version":1,"socket":{"token":"t"},"defaults":{"security":"allowlist","ask":"on-miss"},"agents":{"other":{"x":1}}}"#,
        ));
        approvals.remember(Path::new("/opt/odd [name]")).unwrap();
        let verdict = |program: &str| decide(&approvals.load(), Path::new(program), &["odd".to_owned()]);
        assert_eq!(verdict("/opt/odd [name]"), Verdict::Allow);
        assert_eq!(verdict("/opt/odd n"), Verdict::Ask { may_remember: true });
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&approvals.file).unwrap()).unwrap();
        assert_eq!((&file["socket"]["token"], &file["agents"]["other"]["x"]), (&json!("t"), &json!(1)));
        assert_eq!(std::fs::metadata(&approvals.file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
