//! A node that is let in says what it offers; what nobody has approved yet is put before a person.

use access::admission::offer;
use access::metadata;
use access::pairing::{Declaration, Device, PairingEvent};
use protocol::{Connect, Refusal};
use uuid::Uuid;

use crate::gateway::effects;
use crate::state::AppState;

/// Compares the declaration with what was approved, and stores what is new. The result is the device as it
/// is stored then.
pub async fn declare(state: &AppState, connect: &Connect, device: Device) -> Result<Device, Refusal> {
    let (platform, device_family) = metadata::described(&connect.client);
    let declaration = Declaration {
        display_name: connect.client.display_name.clone(),
        platform,
        device_family,
        offer: offer(connect, &state.config().policy),
    };
    if declaration.is_known(&device) {
        return Ok(device);
    }
    let event = PairingEvent::Declare { declaration: Box::new(declaration), request_id: Uuid::new_v4().to_string() };
    let stored = effects::apply(state, &device.device_id, event).await.map_err(|error| error.refusal())?;
    Ok(stored.paired.unwrap_or(device))
}
