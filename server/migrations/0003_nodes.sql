-- What may be used of a node, and what it offers beyond that; both as JSON.
ALTER TABLE devices ADD COLUMN node_surface TEXT;
ALTER TABLE devices ADD COLUMN pending_node_surface TEXT;
-- The id under which people decide about the latter.
ALTER TABLE devices ADD COLUMN pending_node_request_id TEXT;
ALTER TABLE devices ADD COLUMN last_connected_at_ms INTEGER;
ALTER TABLE devices ADD COLUMN last_disconnected_at_ms INTEGER;
ALTER TABLE devices ADD COLUMN last_seen_reason TEXT;
CREATE UNIQUE INDEX devices_by_node_request ON devices (pending_node_request_id);

-- What a device that wants to be a node offers, as JSON.
ALTER TABLE pending_requests ADD COLUMN node_offer TEXT;
