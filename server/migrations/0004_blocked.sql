-- Devices that the owner wants to hear nothing more of.
CREATE TABLE blocked_devices (
    device_id     TEXT PRIMARY KEY NOT NULL,
    name          TEXT,
    -- Set where new devices from there stay out too.
    address       TEXT,
    blocked_at_ms INTEGER NOT NULL,
    -- Who blocked it, as JSON.
    blocked_by    TEXT
) STRICT;

-- On whose word a device was let in and what was known of it then, as JSON; and where it was when last seen.
ALTER TABLE devices ADD COLUMN approval TEXT;
ALTER TABLE devices ADD COLUMN last_seen_address TEXT;
