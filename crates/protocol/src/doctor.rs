//! Extension: who came to the gateway and what became of it, what a request would come to, and what is wrong
//! (docs/protocol.md, "The doctor").

use serde::{Deserialize, Serialize};

use crate::DeviceId;
use crate::pairing::{Network, Origin};
use crate::shape::{NON_EMPTY, Property, Shape, TEXT, optional, required};

/// How many attempts are remembered, and returned at most.
pub const MAX_ATTEMPTS: u64 = 500;

/// How many headers, proxies and origins a question may name.
const MAX_NAMED: usize = 100;

const HEADER: Shape = Shape::Object(&[required("name", NON_EMPTY), required("value", TEXT)]);

pub(crate) const EXPLAIN: [Property; 4] = [
    required("peer", Shape::Text { min: 1, max: 64 }),
    required("headers", Shape::Items { item: &HEADER, min: 0, max: MAX_NAMED, unique: false }),
    optional("trustedProxies", Shape::Items { item: &TEXT, min: 0, max: MAX_NAMED, unique: false }),
    optional("allowedOrigins", Shape::Items { item: &TEXT, min: 0, max: MAX_NAMED, unique: false }),
];

/// Parameters of `doctor.attempts`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct AttemptsParams {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// What became of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Let in.
    In,
    /// Held, or sent away, until a person decides.
    Waiting,
    Refused,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::In, Self::Waiting, Self::Refused].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Attempts that were equal but for the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Names it as long as it is remembered.
    pub id: u64,
    /// Unix epoch, milliseconds: the first, and the last.
    pub first_at_ms: u64,
    pub at_ms: u64,
    pub count: u64,
    pub outcome: Outcome,
    /// What the wire calls the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Who it came from. Where nobody can say, the address is that of the other end of the connection.
    pub origin: Origin,
    /// The other end of the connection: the proxy, if there is one.
    pub peer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The headers by which proxies speak, for the lab. Their values are what somebody sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<Header>,
    /// The device's own claim, unless it was let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client: its id and version, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Why, in one sentence. `backticks` mark what to type.
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// One sentence. `backticks` mark what to type.
    pub words: String,
    /// A command for the gateway's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// A change of the settings that a page can make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<SettingFix>,
}

/// Something to add to a list in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingFix {
    /// The key path of the list.
    pub path: String,
    pub add: String,
    /// What else it lets in; to be read before it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// Result of `doctor.attempts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The latest first.
    pub attempts: Vec<Attempt>,
}

/// The payload of `doctor.attempt`: which one is new, or happened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptNoted {
    pub id: u64,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// Parameters of `doctor.explainRequest`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainParams {
    /// The other end of the TCP connection, as the gateway would see it.
    pub peer: String,
    pub headers: Vec<Header>,
    /// What `gateway.trustedProxies` is taken to be; absent means as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// What `gateway.controlUi.allowedOrigins` is taken to be; absent means as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Hop by hop, from the gateway outwards.
    pub steps: Vec<ExplainedStep>,
    /// Absent where nobody can say who the client is; then `refused` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ExplainedClient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ExplainedRefusal>,
    /// Entries of the lists that can never match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<String>,
    /// What the same settings make of the connection that asks.
    pub own: Box<OwnConnection>,
}

/// What other settings make of the connection that asks about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnConnection {
    /// Whether it would still be let in from where it is.
    pub survives: bool,
    pub words: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedStep {
    pub words: String,
    pub tone: Tone,
}

/// What a step means for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedClient {
    pub address: String,
    pub network: Network,
    pub resolved: String,
    pub encrypted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRefusal {
    pub code: String,
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// One thing that `openclaw doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFinding {
    /// The check that it is from.
    pub id: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    pub what: String,
    pub why: String,
    pub evidence: Vec<String>,
    pub fix: String,
    /// Whether `doctor.fix` does it.
    pub fixable: bool,
}

/// Result of `doctor.run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Whether nothing is wrong. Notes do not count.
    pub ok: bool,
    /// How many checks there are.
    pub checks: u64,
    pub findings: Vec<CheckFinding>,
    /// Unix epoch, milliseconds.
    pub at_ms: u64,
}

/// Parameters of `doctor.fix`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixParams {
    /// The check whose findings are to be repaired.
    pub id: String,
}

/// Result of `doctor.fix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// What was done.
    pub done: Vec<String>,
    /// What could not be done, and why.
    pub failed: Vec<String>,
}
