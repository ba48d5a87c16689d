-- Devices that were paired and removed here, so that what another gateway has stored of them does not bring them back.
-- One that is let in again goes from this list.
CREATE TABLE removed_devices (
    device_id     TEXT PRIMARY KEY NOT NULL,
    removed_at_ms INTEGER NOT NULL
) STRICT;
