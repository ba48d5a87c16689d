//! The slice of configuration that decisions may see.

use ipnet::IpNet;

use crate::locality::TrustedProxies;
use crate::origin::OriginPolicy;
use crate::surface::CommandPolicy;

/// Everything the owner can set that changes a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub auth_mode: AuthMode,
    pub trusted_proxies: TrustedProxies,
    /// `gateway.allowRealIpFallback`.
    pub allow_real_ip_fallback: bool,
    pub origins: OriginPolicy,
    /// `gateway.nodes.pairing.autoApproveLocal`.
    pub auto_approve_local: bool,
    /// `gateway.nodes.pairing.autoApproveCidrs`.
    pub auto_approve_cidrs: Vec<IpNet>,
    /// `gateway.pairing.knock`.
    pub knock: Knock,
    /// `gateway.nodes.commands`.
    pub commands: CommandPolicy,
}

/// What an unknown device must show (`gateway.auth.mode`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthMode {
    #[default]
    Token,
    Password,
    /// Nothing. Only for gateways that listen on loopback alone.
    None,
}

impl AuthMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
            Self::None => "none",
        }
    }
}

/// From where a device without any secret may ask to be let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Knock {
    Off,
    /// This machine, private networks and tailnets.
    #[default]
    Private,
    Any,
}

/// What takes one of the owner's passkeys besides the right to do it (`gateway.stepUp`). It is asked for each time, so
/// that another answer ends no connection; that is why it is no part of [`Policy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepUp {
    Off,
    /// Whatever lets somebody become an admin from the internet, once there is a passkey.
    #[default]
    PublicAdmin,
    /// Every approval, every code and every look at the secret.
    Always,
}

impl StepUp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::PublicAdmin => "public-admin",
            Self::Always => "always",
        }
    }
}
