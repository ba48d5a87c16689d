//! Roles and scopes: what a device may be, and what it may do (wire.md §2.2, §6.2, §7.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person or a tool that sees and steers.
    Operator,
    /// A machine that offers commands.
    Node,
}

impl Role {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "operator" => Some(Self::Operator),
            "node" => Some(Self::Node),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Node => "node",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

pub const ADMIN: &str = "operator.admin";
pub const READ: &str = "operator.read";
pub const WRITE: &str = "operator.write";
pub const PAIRING: &str = "operator.pairing";
pub const APPROVALS: &str = "operator.approvals";
pub const QUESTIONS: &str = "operator.questions";
pub const TALK: &str = "operator.talk";
pub const TALK_SECRETS: &str = "operator.talk.secrets";
const SESSIONS_READ: &str = "operator.sessions.read";
const SESSIONS_WRITE: &str = "operator.sessions.write";

/// What an owner link grants: exactly this set must be asked for (wire.md §10.3, `control-ui-owner`).
pub const OWNER_SCOPES: [&str; 7] = [ADMIN, APPROVALS, PAIRING, QUESTIONS, READ, TALK_SECRETS, WRITE];

/// A list of scopes in the order it was asked for, without repetitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<String>);

impl Scopes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope)
    }

    /// Whether holding these scopes in `role` is enough for `scope`.
    /// Admin is enough for every `operator.*`, write for reading; nothing but admin implies pairing.
    pub fn allow(&self, role: Role, scope: &str) -> bool {
        match role {
            Role::Operator => {
                self.contains(scope)
                    || (scope.starts_with("operator.") && self.contains(ADMIN))
                    || implied_by(scope).iter().any(|wider| self.contains(wider))
            }
            Role::Node => !scope.starts_with("operator.") && self.contains(scope),
        }
    }

    pub fn allow_all(&self, role: Role, asked: &Self) -> bool {
        asked.iter().all(|scope| self.allow(role, scope))
    }

    /// The first of `asked` that these scopes do not allow.
    pub fn first_missing<'a>(&self, role: Role, asked: &'a Self) -> Option<&'a str> {
        asked.iter().find(|scope| !self.allow(role, scope))
    }

    /// The part of `asked` that these scopes allow, in the order asked.
    #[must_use]
    pub fn allowed_part(&self, role: Role, asked: &Self) -> Self {
        asked.iter().filter(|scope| self.allow(role, scope)).collect()
    }

    /// Ours first, then what `other` adds, each once.
    #[must_use]
    pub fn merged_with(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// Trimmed, unique, sorted, with what admin and write imply spelled out (wire.md §6.2).
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut set: BTreeSet<&str> = self.iter().map(str::trim).filter(|scope| !scope.is_empty()).collect();
        if set.contains(ADMIN) {
            set.extend([READ, WRITE]);
        }
        if set.contains(WRITE) {
            set.insert(READ);
        }
        set.into_iter().collect()
    }

    /// Whether both hold the same scopes, in any order.
    pub fn same_set(&self, other: &Self) -> bool {
        self.0.iter().collect::<BTreeSet<_>>() == other.0.iter().collect::<BTreeSet<_>>()
    }
}

/// The narrower scopes' wider ones, admin aside.
fn implied_by(scope: &str) -> &'static [&'static str] {
    match scope {
        READ | TALK | SESSIONS_WRITE => &[WRITE],
        SESSIONS_READ => &[WRITE, READ, SESSIONS_WRITE],
        _ => &[],
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(scopes: T) -> Self {
        let mut list: Vec<String> = Vec::new();
        for scope in scopes {
            if !list.iter().any(|known| known == scope) {
                list.push(scope.to_owned());
            }
        }
        Self(list)
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<T: IntoIterator<Item = String>>(scopes: T) -> Self {
        let list: Vec<String> = scopes.into_iter().collect();
        list.iter().map(String::as_str).collect()
    }
}

impl<const N: usize> From<[&str; N]> for Scopes {
    fn from(scopes: [&str; N]) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Vec<String>> for Scopes {
    fn from(scopes: Vec<String>) -> Self {
        scopes.into_iter().collect()
    }
}

/// How much harm a scope can do, for the colour it is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    Low,
    Medium,
    High,
}

/// What a scope lets its holder do, as a sentence for the person who decides.
pub fn describe_scope(scope: &str) -> (&'static str, Risk) {
    match scope {
        ADMIN => ("Change settings and do everything an owner can", Risk::High),
        READ => ("See devices, status and logs", Risk::Low),
        WRITE => ("Send messages and run node commands", Risk::Medium),
        PAIRING => ("Let other devices in and throw them out", Risk::High),
        APPROVALS => ("Approve what agents want to run", Risk::High),
        QUESTIONS => ("Answer questions that agents ask", Risk::Medium),
        TALK => ("Speak and listen through the gateway", Risk::Medium),
        TALK_SECRETS => ("Read the keys of the voice services", Risk::High),
        SESSIONS_READ => ("Read conversations", Risk::Low),
        SESSIONS_WRITE => ("Change conversations", Risk::Medium),
        _ => ("Something this gateway does not know", Risk::Medium),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_the_order_and_drops_repetitions() {
        let merged = Scopes::from([READ, WRITE]).merged_with(&Scopes::from([PAIRING, READ]));
        assert_eq!(merged, Scopes::from([READ, WRITE, PAIRING]));
    }

    #[test]
    fn the_allowed_part_keeps_only_what_is_held() {
        let held = Scopes::from([WRITE]);
        let asked = Scopes::from([ADMIN, READ, PAIRING]);
        assert_eq!(held.allowed_part(Role::Operator, &asked), Scopes::from([READ]));
        assert_eq!(held.first_missing(Role::Operator, &asked), Some(ADMIN));
    }
}
