//! How many requests may wait, and who makes room for a new one.

use access::pairing::{Dropped, Effect, Pending};
use protocol::DeviceId;
use sqlx::SqliteConnection;

use super::StoreError;

/// How many requests may wait from one address.
pub const MAX_PENDING_PER_ADDRESS: u32 = 8;

/// How many requests may wait in all.
pub const MAX_PENDING: u32 = 256;

/// Makes room for a request: the oldest that nobody has seen goes first, of the same address, then of
/// all. The new one itself stays.
pub(super) async fn make_room(
    connection: &mut SqliteConnection,
    newest: &Pending,
) -> Result<Vec<(DeviceId, Effect)>, StoreError> {
    let mut effects = Vec::new();
    for (address, limit) in [(Some(&newest.ask.origin.address), MAX_PENDING_PER_ADDRESS), (None, MAX_PENDING)] {
        // The newest is one of them, so one less may stay beside it.
        let crowded_out: Vec<(String, String)> = sqlx::query_as(
            "DELETE FROM pending_requests WHERE request_id IN (\
             SELECT request_id FROM pending_requests WHERE request_id <> ?1 AND (?2 IS NULL OR address = ?2) \
             ORDER BY seen_at_ms IS NOT NULL DESC, ts DESC LIMIT -1 OFFSET ?3) RETURNING device_id, request_id",
        )
        .bind(&newest.request_id)
        .bind(address)
        .bind(i64::from(limit) - 1)
        .fetch_all(&mut *connection)
        .await?;
        for (device_id, request_id) in crowded_out {
            let device_id = DeviceId::claimed(device_id);
            effects.push((device_id.clone(), Effect::Drop { request_id, why: Dropped::CrowdedOut }));
            effects.push((device_id, Effect::ListChanged));
        }
    }
    Ok(effects)
}
