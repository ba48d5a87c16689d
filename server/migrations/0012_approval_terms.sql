-- When what was approved of a device ends by itself, Unix epoch milliseconds. An older gateway lets it go on.
ALTER TABLE devices ADD COLUMN expires_at_ms INTEGER;
CREATE INDEX devices_by_end ON devices (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
-- What it asked for and whoever approved it left out, as a JSON list.
ALTER TABLE devices ADD COLUMN withheld_scopes TEXT;

-- How often a blocked device was refused, or a new device from its address, and when last.
ALTER TABLE blocked_devices ADD COLUMN knocks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE blocked_devices ADD COLUMN last_knock_at_ms INTEGER;
