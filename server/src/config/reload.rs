//! What a change costs: nothing, or a restart.

use super::Config;

/// Whether what differs only works after a restart. Both are taken apart to the last field, so that a new
/// setting cannot be forgotten here.
pub fn needs_restart(from: &Config, to: &Config) -> bool {
    let Config {
        port: old_port,
        bind: old_bind,
        token: _,
        password: _,
        rate_limit: _,
        policy: _,
        public_url: _,
        remote_url: _,
        strict_transport_security: _,
        handshake_timeout_ms: _,
        max_unauthenticated_per_address: _,
    } = from;
    let Config {
        port: new_port,
        bind: new_bind,
        token: _,
        password: _,
        rate_limit: _,
        policy: _,
        public_url: _,
        remote_url: _,
        strict_transport_security: _,
        handshake_timeout_ms: _,
        max_unauthenticated_per_address: _,
    } = to;
    old_port != new_port || old_bind != new_bind
}
