//! What a change costs: nothing, or a restart.

use super::tailscale::{Tailscale, TailscaleMode};
use super::{Bind, Config};

/// Whether what differs only works after a restart.
pub fn needs_restart(from: &Config, to: &Config) -> bool {
    read_at_start(from) != read_at_start(to)
}

/// Which connections a change ends (wire.md §1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Those that the old secret let in.
    pub by_secret: bool,
    /// All but the owner's.
    pub by_policy: bool,
}

impl Ends {
    pub fn between(from: &Config, to: &Config) -> Self {
        Self { by_secret: from.shared_secret() != to.shared_secret(), by_policy: from.policy != to.policy }
    }
}

/// The settings that are only read at the start. A configuration is taken apart to the last field, so that a
/// new setting cannot be forgotten here.
fn read_at_start(config: &Config) -> (u16, &Bind, TailscaleMode) {
    let Config {
        port,
        bind,
        tailscale: Tailscale { mode, reset_on_exit: _ },
        token: _,
        password: _,
        notify: _,
        rate_limit: _,
        policy: _,
        public_url: _,
        remote_url: _,
        strict_transport_security: _,
        handshake_timeout_ms: _,
        max_unauthenticated_per_address: _,
        step_up: _,
    } = config;
    (*port, bind, *mode)
}
