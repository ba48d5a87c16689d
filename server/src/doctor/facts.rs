//! Everything that the checks decide over, as plain data.

use std::collections::BTreeSet;
use std::path::PathBuf;

use protocol::Secret;
use serde_json::Value;

use crate::backup::last_good;
use crate::config::{Bind, Paths, Problem};
use crate::holder::Holder;
use crate::service::{Drift, State};

/// What was seen on this machine, at one moment.
#[derive(Debug, Clone)]
pub struct Facts {
    /// This machine's clock, Unix epoch milliseconds.
    pub now_ms: u64,
    pub paths: Paths,
    pub me: Me,
    /// The state directory and what is in it, as far as the gateway uses it.
    pub entries: Vec<Entry>,
    pub settings: Settings,
    pub shell: Shell,
    pub unit: Option<Unit>,
    pub identities: Vec<IdentityFile>,
    /// What other programs of this machine keep to get in with.
    pub logins: Vec<Login>,
    pub gateway: Running,
    pub port: Port,
    pub store: StoreState,
    /// Who was turned away lately.
    pub refused: Vec<Refused>,
    pub machine: Machine,
    pub certificates: Vec<Certificate>,
    pub other_settings: Vec<OtherSettings>,
    pub openclaw: OpenclawState,
}

/// Who runs the doctor, and who should own the state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub uid: u32,
    /// Whose the files should be.
    pub wanted_uid: u32,
    pub wanted_gid: u32,
}

impl Me {
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// A file or folder of the state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub uid: u32,
    /// The permission bits.
    pub mode: u32,
    pub is_folder: bool,
    /// When it was changed, Unix epoch milliseconds.
    pub changed_at_ms: u64,
}

/// The file with the settings, and what it comes to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub exists: bool,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// What it says; an empty object where that is not known.
    pub value: Value,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    pub resolved: Option<Resolved>,
}

/// What the settings come to, environment included.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub port: u16,
    pub bind: Bind,
}

/// Variables of the shell that the doctor runs in.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    pub token: Option<Secret>,
    pub password: Option<Secret>,
}

/// The service that starts the gateway.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    pub name: String,
    pub file: PathBuf,
    /// The program that it starts.
    pub program: PathBuf,
    /// Where that is not the program that would be installed now.
    pub drift: Option<Drift>,
    /// `None` where the system does not say.
    pub state: Option<State>,
    /// Variables in the unit itself that hold secrets, by name.
    pub secrets: Vec<String>,
    pub token: Option<GivenByUnit>,
    pub password: Option<GivenByUnit>,
    pub port: Option<u16>,
}

/// A secret that the service gives to its gateway.
#[derive(Debug, Clone)]
pub struct GivenByUnit {
    pub secret: Secret,
    /// The unit, or the file with variables that it names.
    pub file: PathBuf,
}

/// A key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFile {
    pub path: PathBuf,
    pub whose: Whose,
    /// What is wrong with it.
    pub damage: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    CommandLine,
    Node,
    Gateway,
    /// The key that device tokens are derived from.
    ServerKey,
    /// The device of an OpenClaw installation in the same directory.
    OpenClaw,
}

impl Whose {
    pub fn words(self) -> &'static str {
        match self {
            Self::CommandLine => "the command line's device key",
            Self::Node => "this machine's node key",
            Self::Gateway => "the gateway's own key",
            Self::ServerKey => "the key that device tokens are derived from",
            Self::OpenClaw => "OpenClaw's device key",
        }
    }
}

/// A stored device token and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub file: PathBuf,
    pub device_id: String,
    /// Whose key lies beside it, if one does.
    pub key_device_id: Option<String>,
    /// Whether it is for the gateway of this machine.
    pub is_for_us: bool,
}

/// How the gateway of this state directory answers.
#[derive(Debug, Clone)]
pub enum Running {
    /// Nobody holds the state directory.
    Stopped,
    /// Somebody holds it, but does not answer.
    Silent {
        why: String,
    },
    /// It cannot be asked from here: it belongs to another user.
    Foreign {
        uid: Option<u32>,
    },
    Answers(Box<Answer>),
}

/// What a running gateway said.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub pid: Option<u64>,
    pub port: Option<u16>,
    /// Its clock when it was asked, and ours, Unix epoch milliseconds.
    pub its_clock_ms: u64,
    pub our_clock_ms: u64,
    pub devices: BTreeSet<String>,
    pub waiting: Vec<Waiting>,
    /// Whether somebody is connected who could see and decide about requests.
    pub has_decider: bool,
}

/// A request that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    pub request_id: String,
    pub name: String,
    pub address: Option<String>,
    pub asked_at_ms: u64,
}

/// Who is at the gateway's port of this machine.
#[derive(Debug, Clone, Default)]
pub struct Port {
    pub number: u16,
    /// `None` where it belongs to another user.
    pub holder: Option<Holder>,
    pub answer: PortAnswer,
}

/// What a question over HTTP came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PortAnswer {
    /// Nobody listens.
    #[default]
    Nothing,
    /// Somebody listens, but says nothing that is HTTP.
    Mute,
    /// A gateway of our kind.
    Gateway,
    /// Something else: its status line or its `Server`.
    Other(String),
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreState {
    Missing,
    /// It can be read, but for these rows.
    Sound {
        devices: BTreeSet<String>,
        /// Devices that were paired here once, and removed.
        removed: BTreeSet<String>,
        damaged: Vec<String>,
    },
    /// It may not be read; who owns it is told elsewhere.
    Forbidden,
    Broken {
        why: String,
        last_good: Option<last_good::Copy>,
    },
}

/// Somebody who was turned away, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: String,
    pub address: String,
    pub at_ms: u64,
}

/// What kind of machine this is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// By what it was seen that this is a container.
    pub container: Option<String>,
    pub is_wsl: bool,
}

/// A certificate that clients of this gateway see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// A file, or the address that showed it.
    pub from: String,
    pub state: CertificateState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateState {
    /// From when to when it is good, Unix epoch seconds.
    Good {
        from_s: i64,
        until_s: i64,
    },
    Unreadable(String),
}

/// Settings in a file that the gateway does not read.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherSettings {
    pub file: PathBuf,
    /// What it says, by key path; or why it cannot be read.
    pub content: Result<Value, String>,
}

/// What an OpenClaw installation left in the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenclawState {
    /// The files that hold something of it.
    pub files: Vec<PathBuf>,
    /// The devices that can be taken over.
    pub devices: BTreeSet<String>,
    /// Files and records that cannot, with the reason.
    pub unreadable: Vec<(String, String)>,
    /// Whether it was taken over once.
    pub was_taken_over: bool,
    /// Whether somebody has switched `silent` on for a request that waits, as a guide advises.
    pub has_silent_request: bool,
}
