//! What a change costs: nothing, or a restart.

use super::tailscale::{Tailscale, TailscaleMode};
use super::{Bind, Config};

/// Whether what differs only works after a restart.
pub fn needs_restart(from: &Config, to: &Config) -> bool {
    read_at_start(from) != read_at_start(to)
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
    } = config;
    (*port, bind, *mode)
}
