//! `openclaw devices list --json=flat`: everything in one array, as older guides show it.

use protocol::pairing::{PairedDevice, PairingList, PendingRequest};
use serde::Serialize;

use crate::clock::rfc3339_seconds;

/// A request or a device. Those that wait come first; their `id` is what `openclaw devices approve` takes.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    id: String,
    name: String,
    status: Status,
    ip: String,
    /// In UTC. For a device that is paired, when it was first let in.
    requested_at: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Paired,
}

/// What a device on the gateway's own machine asks from.
const THIS_MACHINE: &str = "127.0.0.1";

pub fn entries(list: &PairingList) -> Vec<Entry> {
    list.pending.iter().map(waiting).chain(list.paired.iter().map(paired)).collect()
}

fn waiting(request: &PendingRequest) -> Entry {
    let resolved = request.evidence.as_ref().map(|seen| seen.origin.address.clone());
    Entry {
        id: request.request_id.clone(),
        name: request.shown_name(),
        status: Status::Pending,
        ip: resolved.or(request.remote_ip.clone()).unwrap_or_else(|| THIS_MACHINE.to_owned()),
        requested_at: rfc3339_seconds(request.ts),
    }
}

fn paired(device: &PairedDevice) -> Entry {
    Entry {
        id: device.device_id.as_str().to_owned(),
        name: device.shown_name(),
        status: Status::Paired,
        ip: device.remote_ip.clone().unwrap_or_else(|| THIS_MACHINE.to_owned()),
        requested_at: rfc3339_seconds(device.created_at_ms),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::select::tests::sample;
    use super::*;

    #[test]
    fn the_array_has_the_keys_that_the_guide_shows() {
        let list = sample();
        let flat = serde_json::to_value(entries(&list)).unwrap();
        assert_eq!(
            flat[0],
            json!({
                "id": "a1ba6ee7-ebe6-4d46", "name": "Phone", "status": "pending", "ip": "192.0.2.2",
                "requestedAt": "1970-01-01T00:01:00Z",
            })
        );
        assert_eq!((&flat[4]["status"], &flat[4]["name"]), (&json!("paired"), &json!("Laptop")));
        assert_eq!(flat[4]["id"], list.paired[2].device_id.as_str());
        assert_eq!(flat.as_array().unwrap().len(), 5);
    }
}
