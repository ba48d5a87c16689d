//! The gateway's clockwork: ticks, forgotten requests, who was seen.

use std::time::Duration;

use access::PairingEvent;
use protocol::TICK_INTERVAL_MS;
use protocol::event::Event;
use serde_json::json;

use super::effects;
use super::methods::status;
use crate::config::trial;
use crate::state::AppState;
use crate::store::StoreError;

/// How often requests and approvals that ran out are looked for, and who got in is written down.
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

/// Takes a change of the settings back that nobody has confirmed in time.
async fn settle_trial(state: &AppState) {
    if !trial::is_over(state) {
        return;
    }
    let settled = tokio::task::spawn_blocking({
        let state = state.clone();
        move || trial::settle(&state)
    });
    if let Err(error) = settled.await.map_err(anyhow::Error::from).flatten() {
        tracing::error!("A change of the settings cannot be taken back; it is tried again in a second: {error:#}");
    }
}

/// Forgets what ran out, ends what was approved until now, and writes down who was seen.
pub async fn sweep(state: &AppState) -> Result<(), StoreError> {
    settle_trial(state).await;
    state.flush_seen().await?;
    state.flush_knocks().await?;
    let now_ms = state.clock.now_ms();
    state.notifier.sweep(now_ms);
    let mut due = state.store.find_expired_requests(now_ms).await?;
    due.extend(state.store.find_ended_approvals(now_ms).await?);
    for device_id in due {
        effects::apply(state, &device_id, PairingEvent::Sweep).await?;
    }
    Ok(())
}
