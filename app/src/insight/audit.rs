//! The audit: each decision as a sentence, with what it was based on.

use protocol::PublicKey;
use protocol::audit::AuditAction;
use protocol::pairing::PendingRequest;
use protocol::role::Scopes;
use serde_json::Value;

use super::place;
use crate::language::{fill, t};
use crate::permissions::{Ask, asks};
use crate::reading::{self, number, text};
use crate::writing::object;

/// A decision as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub seq: u64,
    pub at_ms: u64,
    pub action: AuditAction,
    pub headline: String,
    pub by: String,
    /// What else is known, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// The key whose fingerprint was compared.
    pub key: Option<PublicKey>,
    /// What was asked for.
    pub asked: Vec<Ask>,
}

/// Kinds of decisions that people look for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Any,
    LetIn,
    Barred,
    Names,
    Codes,
    Settings,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Any, Self::LetIn, Self::Barred, Self::Names, Self::Codes, Self::Settings];

    pub fn label(self) -> &'static str {
        match self {
            Self::Any => t("Every decision"),
            Self::LetIn => t("Let in"),
            Self::Barred => t("Turned away or thrown out"),
            Self::Names => t("Names and tokens"),
            Self::Codes => t("One-time codes and links"),
            Self::Settings => t("Settings and rescue"),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::LetIn => "let-in",
            Self::Barred => "barred",
            Self::Names => "names",
            Self::Codes => "codes",
            Self::Settings => "settings",
        }
    }

    pub fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Any)
    }

    pub fn actions(self) -> &'static [AuditAction] {
        use AuditAction as A;
        match self {
            Self::Any => &[],
            Self::LetIn => &[A::Approved, A::NodeApproved, A::Unblocked, A::Migrated, A::CodeUsed, A::OwnerLinkUsed],
            Self::Barred => {
                &[A::Rejected, A::Removed, A::TokenRevoked, A::Blocked, A::NodeRejected, A::NodeRemoved, A::Panic]
            }
            Self::Names => &[A::Renamed, A::TokenRotated],
            Self::Codes => &[A::CodeMade, A::CodeUsed, A::OwnerLinkMade, A::OwnerLinkUsed],
            Self::Settings => &[
                A::SettingsChanged,
                A::Repaired,
                A::Panic,
                A::BackupRestored,
                A::Migrated,
                A::PasskeyAdded,
                A::PasskeyRemoved,
                A::PasskeyUsed,
                A::PasskeyRefused,
            ],
        }
    }
}

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub kind: Kind,
    /// As `audit.list` knows it; empty for anybody.
    pub by: String,
    /// How far back, in milliseconds; 0 for all there is.
    pub back_ms: u64,
    pub search: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self { kind: Kind::Any, by: String::new(), back_ms: 0, search: String::new() }
    }
}

impl Filter {
    /// The parameters of `audit.list`.
    pub fn params(&self, cursor: Option<u64>, limit: u64, now_ms: u64) -> Value {
        let actions = self.kind.actions();
        let named = || Value::Array(actions.iter().map(|action| action.as_str().into()).collect());
        let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        object([
            ("limit", limit.into()),
            ("cursor", cursor.into()),
            ("actions", if actions.is_empty() { Value::Null } else { named() }),
            ("by", given(&self.by)),
            ("since", if self.back_ms == 0 { Value::Null } else { now_ms.saturating_sub(self.back_ms).into() }),
            ("search", given(self.search.trim())),
        ])
    }
}

/// Where an export begins to be written, and a list that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Row>,
    pub next: Option<u64>,
    pub kept: u64,
}

pub fn page(value: &Value) -> Page {
    let rows = value.get("entries").and_then(Value::as_array);
    Page {
        rows: rows.into_iter().flatten().filter_map(row).collect(),
        next: number(value, "nextCursor"),
        kept: number(value, "kept").unwrap_or_default(),
    }
}

/// The entries of a page of `audit.list` as they are, one on each line, the newest first.
pub fn lines(value: &Value) -> String {
    let entries = value.get("entries").and_then(Value::as_array);
    entries.into_iter().flatten().fold(String::new(), |lines, entry| lines + &entry.to_string() + "\n")
}

fn row(value: &Value) -> Option<Row> {
    let action = AuditAction::parse(value.get("action")?.as_str()?).unwrap_or(AuditAction::Unreadable);
    let shown = value.get("shown").and_then(reading::pending_request);
    let note = text(value, "note");
    Some(Row {
        seq: number(value, "seq")?,
        at_ms: number(value, "atMs")?,
        action,
        headline: headline(action, &name(value.get("about")), note.as_deref().unwrap_or_default()),
        by: by(value.get("by")?),
        facts: facts(value, action, note, shown.as_ref()),
        key: shown.as_ref().and_then(|shown| PublicKey::parse(&shown.public_key)),
        asked: shown.as_ref().map(asked).unwrap_or_default(),
    })
}

fn asked(shown: &PendingRequest) -> Vec<Ask> {
    let none = Scopes::default();
    let held = shown.evidence.as_ref().map_or(&none, |evidence| &evidence.approved_scopes);
    asks(shown.role, &shown.scopes, held)
}

fn name(about: Option<&Value>) -> String {
    let Some(about) = about else { return String::new() };
    let id = || text(about, "deviceId").map(|id| id.chars().take(12).collect());
    text(about, "name").or_else(id).unwrap_or_default()
}

fn headline(action: AuditAction, name: &str, note: &str) -> String {
    let sentence = match action {
        AuditAction::Approved => t("{name} was let in"),
        AuditAction::Rejected => t("{name} was turned away"),
        AuditAction::Undone => t("The approval of {name} was taken back"),
        AuditAction::Removed => t("{name} was removed"),
        AuditAction::Renamed => t("{name} is now called {note}"),
        AuditAction::TokenRotated => t("{name} got a new token"),
        AuditAction::TokenRevoked => t("The access of {name} was revoked"),
        AuditAction::Blocked => t("{name} was blocked"),
        AuditAction::Unblocked => t("{name} may ask again"),
        AuditAction::NodeApproved => t("What {name} offers was approved"),
        AuditAction::NodeRejected => t("What {name} offers was turned down"),
        AuditAction::NodeRemoved => t("{name} is a node no more"),
        AuditAction::CodeMade => t("A one-time code was made"),
        AuditAction::CodeUsed => t("{name} used a one-time code"),
        AuditAction::OwnerLinkMade => t("An owner link was made"),
        AuditAction::OwnerLinkUsed => t("{name} opened an owner link"),
        AuditAction::SettingsChanged => t("The settings were changed"),
        AuditAction::PasskeyAdded => t("A passkey was added"),
        AuditAction::PasskeyRemoved => t("A passkey was removed"),
        AuditAction::PasskeyUsed => t("A passkey was shown"),
        AuditAction::PasskeyRefused => t("A passkey was refused: its counter went back"),
        AuditAction::Repaired => t("The doctor repaired something"),
        AuditAction::Panic => t("Everyone was thrown out, and every secret replaced"),
        AuditAction::BackupRestored => t("A backup was put back"),
        AuditAction::Migrated => t("{name} was taken over from OpenClaw"),
        AuditAction::Unreadable => t("An entry that cannot be read"),
    };
    fill(sentence, &[("name", name), ("note", note)])
}

fn by(author: &Value) -> String {
    let via = author.get("via").and_then(Value::as_str);
    match author.get("kind").and_then(Value::as_str) {
        Some("owner") => t("the owner, at the command line").to_owned(),
        Some("device") => name(Some(author)),
        Some("program") => t("a program with the gateway's secret").to_owned(),
        Some("file") => t("whoever wrote into the settings file").to_owned(),
        Some("policy") if via == Some("bootstrap") => t("a one-time code").to_owned(),
        Some("policy") if via == Some("trusted-cidr") => t("the rule for its network").to_owned(),
        Some("policy") => t("the rule for this machine").to_owned(),
        Some(_) | None => t("somebody").to_owned(),
    }
}

fn facts(
    value: &Value,
    action: AuditAction,
    note: Option<String>,
    shown: Option<&PendingRequest>,
) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |label: &'static str, fact: Option<String>| {
        if let Some(fact) = fact.filter(|fact| !fact.is_empty()) {
            facts.push((label, fact));
        }
    };
    add(t("Decided from"), value.get("from").and_then(reading::origin).map(|origin| place(&origin)));
    let detail = match action {
        AuditAction::Renamed => None,
        AuditAction::TokenRotated | AuditAction::TokenRevoked => Some(t("As")),
        AuditAction::Blocked => Some(t("Its address too")),
        AuditAction::SettingsChanged => Some(t("Settings")),
        AuditAction::CodeMade | AuditAction::CodeUsed | AuditAction::OwnerLinkMade | AuditAction::OwnerLinkUsed => {
            Some(t("Good for"))
        }
        AuditAction::PasskeyAdded
        | AuditAction::PasskeyRemoved
        | AuditAction::PasskeyUsed
        | AuditAction::PasskeyRefused => Some(t("Passkey")),
        AuditAction::Approved
        | AuditAction::Rejected
        | AuditAction::Undone
        | AuditAction::Removed
        | AuditAction::Unblocked
        | AuditAction::NodeApproved
        | AuditAction::NodeRejected
        | AuditAction::NodeRemoved
        | AuditAction::Repaired
        | AuditAction::Panic
        | AuditAction::BackupRestored
        | AuditAction::Migrated
        | AuditAction::Unreadable => Some(t("Detail")),
    };
    if let Some(label) = detail {
        add(label, note);
    }
    let evidence = shown.and_then(|shown| shown.evidence.as_ref());
    add(t("It asked from"), evidence.map(|evidence| place(&evidence.origin)));
    add(t("Why it asked"), evidence.map(|evidence| evidence.reason.message().to_owned()));
    add(t("With the gateway's secret"), evidence.map(|evidence| yes_or_no(evidence.has_secret).to_owned()));
    add(t("Attempts"), evidence.map(|evidence| evidence.attempts.to_string()));
    add(t("Browser"), evidence.and_then(|evidence| evidence.user_agent.clone()));
    add(t("Program"), shown.map(|shown| format!("{} · {}", shown.client_id, shown.platform)));
    let commands = value.get("offered").map(|offered| reading::texts(offered, "commands").join(", "));
    add(t("Commands it offered"), commands);
    let granted = value.get("granted").map(|granted| reading::texts(granted, "scopes").join(", "));
    add(t("Allowed since then"), granted);
    let device = value.get("about").and_then(|about| text(about, "deviceId"));
    add(t("Device"), device);
    add(t("Request"), shown.map(|shown| shown.request_id.clone()));
    add(t("Code"), text(value, "setupId"));
    let digest = |digest: String| fill(t("{digest}, repeated by the click"), &[("digest", &digest)]);
    let repeated = text(value, "digest").map(digest);
    let displayed = evidence.map(|evidence| evidence.digest.clone());
    add(t("What was displayed"), repeated.or(displayed));
    add(t("Hash"), text(value, "hash"));
    facts
}

fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { t("yes") } else { t("no") }
}

/// What `audit.verify` came to, in words; and whether the chain holds.
pub fn verdict(value: &Value) -> (bool, String) {
    let checked = number(value, "checked").unwrap_or_default().to_string();
    match number(value, "firstBad") {
        None => (true, fill(t("Chain verified: {count} decisions"), &[("count", &checked)])),
        Some(bad) => {
            let problem = text(value, "problem").unwrap_or_default();
            let sentence = t("The record does not fit together at number {number}: {problem}");
            (false, fill(sentence, &[("number", &bad.to_string()), ("problem", &problem)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::DeviceId;
    use protocol::audit::{AuditAuthor, AuditEntry, AuditQuery, AuditRow, Audited};
    use serde_json::json;

    use super::*;

    fn listed(what: Audited) -> Value {
        let row = AuditRow { entry: AuditEntry { seq: 4, at_ms: 9, what }, hash: "h".to_owned() };
        json!({"entries": [row], "kept": 7, "nextCursor": 4})
    }

    #[test]
    fn reads_what_the_gateway_writes() {
        let author = AuditAuthor::Device { device_id: DeviceId::claimed("laptop"), name: Some("Laptop".to_owned()) };
        let what = Audited::new(AuditAction::Renamed, author)
            .about(DeviceId::claimed("be9db4f8b04636fa"), None)
            .noting("Kitchen");
        let page = page(&listed(what));
        assert_eq!((page.next, page.kept), (Some(4), 7));
        let row = &page.rows[0];
        assert_eq!(row.headline, "be9db4f8b046 is now called Kitchen");
        assert_eq!((row.by.as_str(), row.seq, row.at_ms), ("Laptop", 4, 9));
        let device = ("Device", "be9db4f8b04636fa".to_owned());
        assert_eq!(row.facts, [device, ("Hash", "h".to_owned())]);
    }

    #[test]
    fn every_action_has_a_headline() {
        for action in AuditAction::ALL {
            let page = page(&listed(Audited::new(*action, AuditAuthor::Owner).about(DeviceId::claimed("d"), None)));
            let headline = &page.rows[0].headline;
            assert!(!headline.is_empty() && !headline.contains('{'), "{action:?}: {headline}");
        }
    }

    #[test]
    fn asks_the_gateway_for_what_was_chosen() {
        let filter = Filter { kind: Kind::Names, by: "owner".to_owned(), back_ms: 10, search: " x ".to_owned() };
        let query: AuditQuery = serde_json::from_value(filter.params(Some(3), 50, 100)).unwrap();
        assert_eq!(query.actions, ["renamed", "token-rotated"]);
        assert_eq!((query.cursor, query.limit, query.since), (Some(3), Some(50), Some(90)));
        assert_eq!((query.by.as_deref(), query.search.as_deref()), (Some("owner"), Some("x")));
        assert_eq!(Filter::default().params(None, 50, 100), json!({"limit": 50}));
        assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.name()) == *kind));
    }

    #[test]
    fn an_export_is_what_the_gateway_hashed() {
        let value = listed(Audited::new(AuditAction::Panic, AuditAuthor::Owner));
        let line = lines(&value);
        let row: Value = serde_json::from_str(line.trim_end()).unwrap();
        let entry = AuditEntry { seq: 4, at_ms: 9, what: Audited::new(AuditAction::Panic, AuditAuthor::Owner) };
        assert_eq!(protocol::audit::canonical_row(&row), protocol::audit::canonical(&entry).unwrap());
    }

    #[test]
    fn tells_whether_the_chain_holds() {
        assert_eq!(verdict(&json!({"ok": true, "checked": 3})), (true, "Chain verified: 3 decisions".to_owned()));
        let (holds, words) = verdict(&json!({"ok": false, "checked": 3, "firstBad": 2, "problem": "x"}));
        assert_eq!((holds, words.as_str()), (false, "The record does not fit together at number 2: x"));
    }
}
