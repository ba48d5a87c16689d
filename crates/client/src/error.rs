//! Everything that can go wrong with a connection, as callers tell it apart.

use std::io;

use protocol::{Close, WireError};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answered, or the network or TLS failed on the way.
    #[error("cannot reach the gateway at {at}: {source}")]
    Unreachable { at: String, source: io::Error },
    /// The other side answered the upgrade with a plain HTTP response.
    #[error("what answers at {at} is no gateway: HTTP status {status}{}", after_colon(body))]
    Rejected { at: String, status: u16, body: String },
    /// The gateway said no, and why.
    #[error("{}", error.message)]
    Refused { error: Box<WireError>, close: Option<Close> },
    /// The gateway hung up without saying why.
    #[error("the gateway closed the connection{}", describe(close.as_ref()))]
    Closed { close: Option<Close> },
    #[error("the gateway did not answer in time")]
    TimedOut,
    /// The other side does not speak this protocol.
    #[error("the other side does not speak the gateway's protocol: {0}")]
    Protocol(String),
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The gateway said no, and why. The connection goes on.
    #[error("{}", .0.message)]
    Refused(Box<WireError>),
    #[error("the gateway closed the connection{}", describe(.0.as_ref()))]
    Closed(Option<Close>),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the gateway did not answer in time")]
    TimedOut,
    #[error("the gateway's answer makes no sense: {0}")]
    Protocol(String),
}

impl CallError {
    /// What a failure means while the connection is not open yet.
    pub(crate) fn while_connecting(self, at: String) -> ConnectError {
        match self {
            Self::Refused(error) => ConnectError::Refused { error, close: None },
            Self::Closed(close) => ConnectError::Closed { close },
            Self::Broken(source) => ConnectError::Unreachable { at, source },
            Self::TimedOut => ConnectError::TimedOut,
            Self::Protocol(problem) => ConnectError::Protocol(problem),
        }
    }
}

fn describe(close: Option<&Close>) -> String {
    match close {
        None => String::new(),
        Some(close) if close.reason.is_empty() => format!(" ({})", close.code),
        Some(close) => format!(" ({}: {})", close.code, close.reason),
    }
}

fn after_colon(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}
