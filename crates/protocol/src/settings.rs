//! What a page is told about the settings: extensions (docs/protocol.md, "Settings on a page").
//!
//! **Invariant:** nothing here holds a secret but [`ShownSecret`], which is asked for alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::Secret;
use crate::shape::{Property, Shape, optional};

/// The shortest and the longest time that a change may wait for its confirmation, in milliseconds. Long enough for a
/// page to come back, short enough for whoever is locked out.
pub const CONFIRM_WITHIN_MS: (u64, u64) = (5_000, 600_000);

pub(crate) const CONFIRM_WITHIN: Property =
    optional("confirmWithinMs", Shape::Between { min: CONFIRM_WITHIN_MS.0, max: CONFIRM_WITHIN_MS.1 });

/// Parameters of `config.check`: those of `config.patch` that matter before it is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckParams {
    /// A merge patch, JSON5.
    pub raw: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<String>,
}

/// Something about one setting, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The key path; empty for the whole file.
    pub path: String,
    pub message: String,
    /// The entry of a list that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// Result of `config.check`: what `config.patch` would do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Why nothing would be written; empty where it would be.
    pub problems: Vec<Remark>,
    /// What is odd, or dangerous, about what is changed.
    pub warnings: Vec<Remark>,
    pub changed_paths: Vec<String>,
    /// Whether what runs would differ from the file until the gateway is started again.
    pub requires_restart: bool,
    /// Whose connections would end.
    pub disconnects: Disconnects,
    /// Why the caller itself could not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<CutOff>,
}

/// Connections that would end with a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disconnects {
    pub count: usize,
    /// The first of them by name.
    pub named: Vec<Disconnected>,
}

/// How many [`Disconnects::named`] holds at most.
pub const MAX_NAMED: usize = 50;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disconnected {
    pub name: String,
    pub address: String,
    /// Whether it is the caller.
    pub is_you: bool,
    /// What becomes of it.
    pub then: Afterwards,
}

/// What becomes of a connection that a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Afterwards {
    /// It comes back by itself.
    ComesBack,
    /// It showed the old secret and has to be given the new one.
    NeedsSecret,
    /// The new rules turn it away.
    StaysOut,
}

/// Why a connection could not come back under other settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum CutOff {
    /// It comes through a proxy that would not be trusted any more.
    ProxyUntrusted { proxy: String },
    /// Its own address, or that of its proxy, would be believed to be a proxy that names no client.
    ClientUnnamed { address: String },
    /// Its page would not be allowed any more.
    PageNotAllowed { page: String },
    /// After the restart nobody listens where it comes in.
    NotListening { address: String },
    /// After the restart the gateway is at another port.
    PortMoves { port: u16 },
}

/// Parameters of `config.confirm` and `config.rollback`: the change that is meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrialRef {
    /// The `hash` that the change was answered with.
    pub hash: String,
}

/// A change that is taken back unless somebody confirms it. Also the payload of `config.trial`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub hash: String,
    pub state: TrialState,
    pub changed_paths: Vec<String>,
    /// Unix epoch milliseconds, by the gateway's clock.
    pub deadline_ms: u64,
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialState {
    /// It waits for a confirmation.
    Waits,
    Confirmed,
    /// The file says again what it said before, byte for byte.
    RolledBack,
    /// Something else was changed meanwhile, so it cannot be taken back any more.
    Overtaken,
}

/// Result of `config.describe`: the settings as a page shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    pub path: String,
    /// What a change sends as `baseHash`.
    pub hash: String,
    /// Why the file is not what is live, if it is not.
    pub problems: Vec<Remark>,
    pub warnings: Vec<Remark>,
    pub settings: Vec<SettingState>,
    pub secret: SecretState,
    pub restart: RestartState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    pub running: Running,
    pub you: YourWay,
    pub proxies: Proxies,
    pub limits: Limits,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingState {
    pub path: String,
    /// What the file says, without secrets; absent where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What holds where the file says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The flag or the variable that overrules the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overruled_by: Option<String>,
    /// Whether a change only works after a restart.
    pub needs_restart: bool,
}

/// The secret that devices show, without itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretState {
    /// `token`, `password` or `none`.
    pub mode: String,
    pub is_set: bool,
    /// How many connections it has let in.
    pub connections: usize,
}

/// Result of `config.secret`: the secret that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSecret {
    /// `token` or `password`.
    pub mode: String,
    pub secret: Secret,
}

/// Whether the gateway has to be started again, and whether it can do that itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartState {
    pub is_due: bool,
    pub is_possible: bool,
}

/// What the gateway was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub port: u16,
    pub bind: String,
}

/// How the caller comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct YourWay {
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    pub is_encrypted: bool,
}

/// Who passed requests on lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxies {
    /// Addresses that are trusted, each with the entry that covers it.
    pub trusted: Vec<PassedOn>,
    /// Addresses that are not.
    pub strangers: Vec<PassedOn>,
}

/// What came through one address since the gateway was started, a day at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOn {
    pub address: String,
    /// The entry of `gateway.trustedProxies` that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    pub requests: u64,
    /// How many of them named no client, and were refused for it.
    pub unnamed: u64,
    /// Unix epoch milliseconds.
    pub last_at_ms: u64,
    /// Clients that it named, the latest first. Of a stranger nothing is believed, so there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// A range that would be named rather than the address alone: a container gets another one each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
}

/// What no setting changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How many requests of one address may wait, and of all.
    pub waiting_per_address: u32,
    pub waiting: u32,
    /// How long a request waits, in milliseconds.
    pub waiting_ms: u64,
}

/// Result of `config.reach`: what others see of the ways to the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// The address that setup codes name, if one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    pub certificates: Vec<CertificateSeen>,
    pub tailscale: TailscaleSeen,
}

/// A certificate that this machine shows for the public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSeen {
    pub of: String,
    /// Unix epoch milliseconds; absent where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How Tailscale is on the gateway's machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TailscaleSeen {
    pub is_installed: bool,
    /// The address of this machine in its tailnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why it is of no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether it leads here now.
    pub leads_here: bool,
}
