//! The gateway's clockwork: ticks, forgotten requests, who was seen.

use std::time::Duration;

use access::PairingEvent;
use protocol::TICK_INTERVAL_MS;
use protocol::event::Event;
use serde_json::json;

use super::effects;
use super::methods::status;
use crate::state::AppState;
use crate::store::StoreError;

/// How often requests that ran out are looked for, and who got in is written down.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often everyone is told how the gateway is (wire.md §8.3).
const HEALTH_INTERVAL: Duration = Duration::from_mins(1);

/// Tells everyone how the gateway is, every minute, until it stops.
pub async fn tell_health(state: AppState) {
    let mut rounds = tokio::time::interval(HEALTH_INTERVAL);
    rounds.tick().await;
    loop {
        tokio::select! {
            _ = rounds.tick() => state.registry.broadcast_health(&status::health(&state)),
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Says `tick` to everyone every thirty seconds, until the gateway stops.
pub async fn tick(state: AppState) {
    let mut ticks = tokio::time::interval(Duration::from_millis(TICK_INTERVAL_MS));
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let payload = json!({"ts": state.clock.now_ms()});
                state.registry.broadcast(Event::Tick, Some(&payload), None::<&()>);
            }
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Sweeps every second, until the gateway stops.
pub async fn sweep_regularly(state: AppState) {
    let mut sweeps = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = sweeps.tick() => {
                if let Err(error) = sweep(&state).await {
                    tracing::warn!(%error, "The regular sweep failed; it is tried again in a second");
                }
            }
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Forgets what ran out, and writes down who was seen.
pub async fn sweep(state: &AppState) -> Result<(), StoreError> {
    state.flush_seen().await?;
    let now_ms = state.clock.now_ms();
    state.notifier.sweep(now_ms);
    for device_id in state.store.find_expired_requests(now_ms).await? {
        effects::apply(state, &device_id, PairingEvent::Sweep).await?;
    }
    Ok(())
}
