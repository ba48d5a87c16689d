-- Browsers that are told of requests while no page is open. A device's go with its right to be told.
CREATE TABLE push_subscriptions (
    -- What the browser's push service gave it.
    endpoint      TEXT PRIMARY KEY NOT NULL,
    device_id     TEXT NOT NULL,
    -- The browser's keys, in base64url.
    p256dh        TEXT NOT NULL,
    auth          TEXT NOT NULL,
    -- The gateway's key that the browser subscribed to; with another one nothing can be sent there.
    server_key    TEXT NOT NULL,
    -- The page that subscribed, which push services are told as the sender's address.
    page          TEXT,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX push_subscriptions_by_device ON push_subscriptions (device_id, created_at_ms);
