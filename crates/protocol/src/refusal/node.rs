//! Every way to say no about a node (wire.md §7.4, §9).

use serde_json::{Value, json};

use super::Advice;
use super::advice::advice;
use crate::node::NodeError;

/// Why a node cannot be found, used, or listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeRefusal {
    Unknown,
    /// Its surface was never approved, or is not any more.
    NotApproved {
        what: Work,
    },
    /// What it offers waits for a person.
    AwaitsApproval {
        request_id: String,
    },
    CommandNotAllowed {
        command: String,
        why: CommandBarred,
    },
    /// A field of the parameters that only a gateway may set.
    ParamReserved {
        name: String,
    },
    Offline,
    /// It was asked and did not do it.
    Failed(NodeError),
    /// A node answers for another one.
    IdMismatch,
    PluginSurfaceUnavailable {
        surface: String,
    },
    /// One connection has too many calls under way.
    TooManyCalls,
}

/// What a node was doing when its approval was found missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Invocation,
    PendingWork,
}

impl Work {
    fn as_str(self) -> &'static str {
        match self {
            Self::Invocation => "invocation",
            Self::PendingWork => "pending work",
        }
    }
}

/// Why a command cannot be invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandBarred {
    /// Neither the platform's list nor `gateway.nodes.commands.allow` has it, or `deny` does.
    NotListed { platform: &'static str },
    /// It needs `gateway.nodes.commands.allow`, because it reaches into somebody's privacy.
    Dangerous,
    /// The node does not offer it.
    NotDeclared,
    /// The node offers nothing at all.
    NothingDeclared,
    /// It is not for invoking.
    Reserved,
}

impl NodeRefusal {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unknown | Self::CommandNotAllowed { .. } | Self::ParamReserved { .. } | Self::IdMismatch => {
                "INVALID_REQUEST"
            }
            Self::NotApproved { .. }
            | Self::AwaitsApproval { .. }
            | Self::Offline
            | Self::Failed(_)
            | Self::PluginSurfaceUnavailable { .. }
            | Self::TooManyCalls => "UNAVAILABLE",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Unknown => "unknown nodeId".to_owned(),
            Self::NotApproved { what } => format!("node pairing changed while {} was active", what.as_str()),
            Self::AwaitsApproval { request_id } => format!(
                "node capability surface is awaiting operator approval; run `openclaw nodes approve {request_id}` (see `openclaw nodes pending`), then this node retries automatically"
            ),
            Self::CommandNotAllowed { command, why } => format!("node command not allowed: {}", why.sentence(command)),
            Self::ParamReserved { name } => format!("invalid node.invoke params: `{name}` is set by the gateway only"),
            Self::Offline => "node not connected".to_owned(),
            Self::Failed(error) => format!("{}: {}", error.code, error.message),
            Self::IdMismatch => "nodeId mismatch".to_owned(),
            Self::PluginSurfaceUnavailable { surface } => format!("{surface} plugin surface unavailable"),
            Self::TooManyCalls => "too many calls of this connection are under way; wait for an answer".to_owned(),
        }
    }

    pub(super) fn detail_code(&self) -> Option<&'static str> {
        match self {
            Self::NotApproved { .. } => Some("PAIRING_CHANGED"),
            Self::Offline => Some("NOT_CONNECTED"),
            Self::TooManyCalls => Some("TOO_MANY_CALLS"),
            Self::Unknown
            | Self::AwaitsApproval { .. }
            | Self::CommandNotAllowed { .. }
            | Self::ParamReserved { .. }
            | Self::Failed(_)
            | Self::IdMismatch
            | Self::PluginSurfaceUnavailable { .. } => None,
        }
    }

    pub(super) fn more_details(&self) -> Value {
        match self {
            Self::Offline => json!({
                "nodeError": {"code": "NOT_CONNECTED", "message": "node not connected"},
                "nodeCommandDispatched": false,
            }),
            Self::Failed(error) => json!({"nodeError": error, "nodeCommandDispatched": true}),
            Self::CommandNotAllowed { command, why } => json!({"reason": why.reason(), "command": command}),
            Self::Unknown
            | Self::NotApproved { .. }
            | Self::AwaitsApproval { .. }
            | Self::ParamReserved { .. }
            | Self::IdMismatch
            | Self::PluginSurfaceUnavailable { .. }
            | Self::TooManyCalls => Value::Null,
        }
    }

    pub(super) fn is_retryable(&self) -> bool {
        matches!(self, Self::NotApproved { .. } | Self::TooManyCalls)
    }

    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Unknown => advice("There is no such node.", "Run `openclaw nodes list`."),
            Self::NotApproved { .. } | Self::AwaitsApproval { .. } => advice(
                "Nobody has approved what this node offers.",
                "Run `openclaw nodes pending`, then `openclaw nodes approve` with the id it shows.",
            ),
            Self::CommandNotAllowed { why: CommandBarred::NotDeclared | CommandBarred::NothingDeclared, .. } => {
                advice("The node does not offer this command.", "Run `openclaw nodes describe` to see what it offers.")
            }
            Self::CommandNotAllowed { why: CommandBarred::Reserved, .. } => advice(
                "This command is not for invoking.",
                "Change the rules on the node itself, in its exec-approvals.json.",
            ),
            Self::CommandNotAllowed { .. } => advice(
                "The gateway does not let this command through.",
                "If you want it, approve it for the node with `openclaw nodes approve`, or add it to gateway.nodes.commands.allow.",
            ),
            Self::ParamReserved { .. } => {
                advice("The parameters claim something that only the gateway may say.", "Leave that field out.")
            }
            Self::Offline => advice("The node is not connected.", "Start it with `openclaw node run` on its machine."),
            Self::Failed(_) => {
                advice("The node did not do what it was asked.", "The message is the node's own; its log says more.")
            }
            Self::IdMismatch => advice("The node answered for another node.", "Update the node."),
            Self::PluginSurfaceUnavailable { .. } => advice("This gateway has no plugins.", "Go on without it."),
            Self::TooManyCalls => {
                advice("Too many calls are under way at once.", "Wait for some of them to be answered.")
            }
        }
    }

    pub(super) fn examples() -> Vec<Self> {
        let command = || "x".to_owned();
        let barred = |why| Self::CommandNotAllowed { command: command(), why };
        vec![
            Self::Unknown,
            Self::NotApproved { what: Work::Invocation },
            Self::AwaitsApproval { request_id: "7db823c7-5fc6-439e-9a19-4c50092afaab".to_owned() },
            barred(CommandBarred::NotListed { platform: "linux" }),
            barred(CommandBarred::Dangerous),
            barred(CommandBarred::NotDeclared),
            barred(CommandBarred::Reserved),
            Self::ParamReserved { name: "approved".to_owned() },
            Self::Offline,
            Self::Failed(NodeError { code: "TIMEOUT".to_owned(), message: "node invoke timed out".to_owned() }),
            Self::IdMismatch,
            Self::PluginSurfaceUnavailable { surface: "canvas".to_owned() },
            Self::TooManyCalls,
        ]
    }
}

impl CommandBarred {
    fn sentence(&self, command: &str) -> String {
        match self {
            Self::NotListed { platform } => {
                format!("\"{command}\" is not in the allowlist for platform \"{platform}\"")
            }
            Self::Dangerous => format!("\"{command}\" requires explicit gateway.nodes.commands.allow opt-in"),
            Self::NotDeclared => format!("the node does not offer \"{command}\""),
            Self::NothingDeclared => "the node offers no commands".to_owned(),
            Self::Reserved => format!("\"{command}\" is not for invoking"),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotListed { .. } | Self::Dangerous | Self::Reserved => "command not allowlisted",
            Self::NotDeclared => "command not declared by node",
            Self::NothingDeclared => "node did not declare commands",
        }
    }
}
