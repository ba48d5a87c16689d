//! Everything that is known when a connection asks to be let in.

use protocol::{BootstrapProfile, Connect};

use crate::identity::VerifiedDevice;
use crate::locality::Attribution;
use crate::pairing::Device;

/// Everything that is known when a connection asks to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub connect: &'a Connect,
    pub device: Option<&'a VerifiedDevice>,
    /// Whether the operating system vouches for the owner (the unix socket in the state directory).
    pub is_owner: bool,
    pub attribution: &'a Attribution,
    pub is_encrypted: bool,
    /// The Origin header, which a browser adds and a program does not.
    pub page: Option<&'a str>,
    pub shared_secret: SharedSecret,
    pub device_token: Presented,
    pub bootstrap: BootstrapProof,
    /// The device as stored, if it was approved.
    pub paired: Option<&'a Device>,
    pub blocked: Blocked,
}

/// Whether the owner wants to hear of the device at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    No,
    /// This very device stays out.
    Device,
    /// New devices from its address stay out; those that are in go on.
    Address,
}

/// The shared token or password, compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedSecret {
    NotGiven,
    Match,
    Mismatch,
    /// The gateway has none to compare with.
    NotConfigured,
    /// Not compared: too many wrong ones came from there.
    Locked {
        retry_after_ms: u64,
    },
}

/// A credential bound to one device, looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    NotGiven,
    Valid,
    Invalid,
    Locked { retry_after_ms: u64 },
}

/// A one-time code, looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapProof {
    NotGiven,
    /// It belongs to this device and is of this profile.
    Valid(BootstrapProfile),
    Invalid,
    Locked {
        retry_after_ms: u64,
    },
}
