//! Forgets devices that came in without asking once another takes their place (wire.md §5.4): private windows and
//! programs with a new home each time would leave a trusted device behind with every visit.

use access::pairing::PairingEvent;
use protocol::DeviceId;

use super::effects;
use crate::state::AppState;

/// How long a device is left alone after it came in, in milliseconds: it may be about to connect.
const GRACE_MS: u64 = 60_000;

/// Forgets whom the device `newest` supersedes, unless somebody is connected as one of them. A failure is not the newest
/// device's problem.
pub async fn forget_older(state: &AppState, newest: &DeviceId) {
    let until_ms = state.clock.now_ms().saturating_sub(GRACE_MS);
    let found = state.store.find_superseded(newest, until_ms).await;
    let older = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "Devices that are superseded could not be looked for");
        Vec::new()
    });
    let connected = state.registry.connected_devices();
    for device_id in older.iter().filter(|device_id| !connected.contains(device_id)) {
        match effects::apply(state, device_id, PairingEvent::Supersede { by: newest.clone() }).await {
            Ok(_) => tracing::info!(device.id = device_id.as_str().get(..8), "A device was superseded and forgotten"),
            Err(error) => tracing::warn!(%error, "A device that is superseded could not be forgotten"),
        }
    }
}
