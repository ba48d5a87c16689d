//! May this program run here? Facts in, verdict out: the file behind it is read in [`super::approvals`].

use std::path::Path;

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};

use super::launcher::is_launcher;

/// How far the gateway is trusted with programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Nothing runs.
    Deny,
    /// What is on the list runs.
    Allowlist,
    /// Everything runs.
    Full,
}

/// When the person at this machine is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    Off,
    /// When the list does not say yes.
    OnMiss,
    Always,
}

/// The rules of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub security: Security,
    pub ask: Ask,
    /// What counts where nobody can be asked.
    pub ask_fallback: Security,
    pub allowlist: Vec<Pattern>,
    /// Why nothing runs, if that is not simply what somebody chose.
    pub trouble: Option<String>,
}

/// What the rules say to one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Ask the person here. `may_remember` says whether a yes may go on the list.
    Ask {
        may_remember: bool,
    },
    Deny(String),
}

impl Policy {
    /// Nothing runs, because of this.
    pub fn deny(trouble: impl Into<String>) -> Self {
        Self {
            security: Security::Deny,
            ask: Ask::Off,
            ask_fallback: Security::Deny,
            allowlist: Vec::new(),
            trouble: Some(trouble.into()),
        }
    }

    /// Whether any program could run.
    pub fn runs_programs(&self) -> bool {
        self.security != Security::Deny
    }

    /// What happens where nobody can be asked.
    pub fn without_anybody(&self, program: &Path, argv: &[String]) -> Verdict {
        let alone = Self { security: self.ask_fallback.min(self.security), ask: Ask::Off, ..self.clone() };
        match decide(&alone, program, argv) {
            Verdict::Allow => Verdict::Allow,
            Verdict::Ask { .. } | Verdict::Deny(_) => Verdict::Deny(
                "this needs a yes from the person at the node, and there is no terminal to ask at; run \
                 `openclaw node run` in a terminal, or add the program to the node's exec-approvals.json"
                    .to_owned(),
            ),
        }
    }
}

impl Security {
    /// The stricter of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Allowlist, _) | (_, Self::Allowlist) => Self::Allowlist,
            (Self::Full, Self::Full) => Self::Full,
        }
    }
}

/// Decides about `program`, the resolved absolute path, called with `argv`.
pub fn decide(policy: &Policy, program: &Path, argv: &[String]) -> Verdict {
    let launches = is_launcher(&program.to_string_lossy()) || argv.first().is_some_and(|name| is_launcher(name));
    let is_listed = policy.allowlist.iter().any(|pattern| fits(pattern, program, launches));
    let ask = Verdict::Ask { may_remember: !launches };
    match (policy.security, policy.ask) {
        (Security::Deny, _) => Verdict::Deny(
            policy.trouble.clone().unwrap_or_else(|| "this node's exec-approvals.json lets no program run".to_owned()),
        ),
        (Security::Full, Ask::Off | Ask::OnMiss) => Verdict::Allow,
        (Security::Allowlist, Ask::Off | Ask::OnMiss) if is_listed => Verdict::Allow,
        (Security::Allowlist | Security::Full, Ask::Always) | (Security::Allowlist, Ask::OnMiss) => ask,
        (Security::Allowlist, Ask::Off) if launches => Verdict::Deny(format!(
            "{} runs whatever it is given, so only a pattern that is exactly its path allows it",
            program.display()
        )),
        (Security::Allowlist, Ask::Off) => {
            Verdict::Deny(format!("{} is not on the allowlist of this node", program.display()))
        }
    }
}

/// A program that runs others has to be named outright; a pattern with wildcards was meant for something
/// else.
fn fits(pattern: &Pattern, program: &Path, launches: bool) -> bool {
    let exact =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    if launches { Path::new(pattern.as_str()) == program } else { pattern.matches_path_with(program, exact) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(security: Security, ask: Ask, patterns: &[&str]) -> Policy {
        let allowlist = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        Policy { security, ask, ask_fallback: Security::Deny, allowlist, trouble: None }
    }

    fn argv(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(security: Security, ask: Ask, patterns: &[&str], program: &str, line: &str, expected: &str) {
        let said = match decide(&policy(security, ask, patterns), Path::new(program), &argv(line)) {
            Verdict::Allow => "allow",
            Verdict::Ask { may_remember: true } => "ask",
            Verdict::Ask { may_remember: false } => "ask once",
            Verdict::Deny(_) => "deny",
        };
        assert_eq!(said, expected, "{security:?} {ask:?} {patterns:?} {line}");
    }

    #[test]
    fn the_mode_decides_first() {
        use Ask::{Always, Off, OnMiss};
        use Security::{Allowlist, Deny, Full};
        let listed = &["/usr/bin/uname"][..];
        for ask in [Off, OnMiss, Always] {
            check(Deny, ask, listed, "/usr/bin/uname", "uname", "deny");
        }
        check(Allowlist, Off, listed, "/usr/bin/uname", "uname -a", "allow");
        check(Allowlist, OnMiss, listed, "/usr/bin/uname", "uname -a", "allow");
        check(Allowlist, Always, listed, "/usr/bin/uname", "uname -a", "ask");
        check(Allowlist, Off, listed, "/usr/bin/id", "id", "deny");
        check(Allowlist, OnMiss, listed, "/usr/bin/id", "id", "ask");
        check(Full, Off, &[], "/usr/bin/id", "id", "allow");
        check(Full, OnMiss, &[], "/bin/bash", "bash -c x", "allow");
        check(Full, Always, &[], "/usr/bin/id", "id", "ask");
    }

    #[test]
    fn patterns_match_the_whole_resolved_path_and_stop_at_folders() {
        let listed = |pattern: &str, program: &str, expected: &str| {
            check(Security::Allowlist, Ask::Off, &[pattern], program, program, expected);
        };
        listed("/opt/tools/*", "/opt/tools/deploy", "allow");
        listed("/opt/tools/*", "/opt/tools/deep/deploy", "deny");
        listed("/opt/tools/**", "/opt/tools/deep/deploy", "allow");
        listed("/opt/**/deploy", "/opt/tools/deep/deploy", "allow");
        listed("/opt/tools/*", "/opt/tools/.hidden", "deny");
        listed("uname", "/usr/bin/uname", "deny");
        listed("/usr/bin/uname -a", "/usr/bin/uname", "deny");
        listed("/usr/bin/un", "/usr/bin/uname", "deny");
        listed("/usr/bin/UNAME", "/usr/bin/uname", "deny");
    }

    #[test]
    fn what_runs_other_programs_is_allowed_by_its_own_path_only() {
        let all = &["/usr/bin/*"][..];
        for (program, line) in [
            ("/usr/bin/dash", "sh -c uname"),
            ("/usr/bin/bash", "bash -lc uname"),
            ("/usr/bin/env", "env uname"),
            ("/usr/bin/xargs", "xargs uname"),
            ("/usr/bin/python3.12", "python3 -c x"),
            ("/usr/bin/perl", "perl -e x"),
            // A link with a harmless name leads to a shell, and a shell's name to something else.
            ("/usr/bin/bash", "uname"),
            ("/usr/bin/uname", "bash -c x"),
        ] {
            check(Security::Allowlist, Ask::Off, all, program, line, "deny");
            check(Security::Allowlist, Ask::OnMiss, all, program, line, "ask once");
            check(Security::Allowlist, Ask::Off, &["/usr/bin/uname-not", program], program, line, "allow");
        }
        let Verdict::Deny(why) =
            decide(&policy(Security::Allowlist, Ask::Off, all), Path::new("/usr/bin/env"), &argv("env uname"))
        else {
            panic!("env was let through");
        };
        assert!(why.contains("runs whatever it is given"), "{why}");
    }

    #[test]
    fn where_nobody_can_be_asked_the_fallback_counts_and_is_never_wider() {
        let alone = |security, fallback, program: &str| {
            let policy = Policy { ask_fallback: fallback, ..policy(security, Ask::Always, &["/usr/bin/uname"]) };
            policy.without_anybody(Path::new(program), &argv(program)) == Verdict::Allow
        };
        assert!(!alone(Security::Allowlist, Security::Deny, "/usr/bin/uname"));
        assert!(alone(Security::Allowlist, Security::Allowlist, "/usr/bin/uname"));
        assert!(!alone(Security::Allowlist, Security::Full, "/usr/bin/id"));
        assert!(alone(Security::Full, Security::Full, "/usr/bin/id"));
    }
}
