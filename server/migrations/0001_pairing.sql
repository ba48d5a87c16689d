-- Devices that were approved. Times are Unix epoch milliseconds; lists are JSON.
CREATE TABLE devices (
    device_id       TEXT PRIMARY KEY NOT NULL,
    public_key      TEXT NOT NULL,
    display_name    TEXT,
    operator_label  TEXT,
    platform        TEXT NOT NULL,
    device_family   TEXT,
    client_id       TEXT NOT NULL,
    client_mode     TEXT NOT NULL,
    role            TEXT NOT NULL,
    roles           TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    remote_ip       TEXT,
    approved_via    TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    approved_at_ms  INTEGER NOT NULL,
    last_seen_at_ms INTEGER
) STRICT;

-- Device tokens are derived from the generation with the server key; the token itself is nowhere.
CREATE TABLE device_tokens (
    device_id       TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
    role            TEXT NOT NULL,
    generation      TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    issuer          TEXT,
    created_at_ms   INTEGER NOT NULL,
    rotated_at_ms   INTEGER,
    revoked_at_ms   INTEGER,
    last_used_at_ms INTEGER,
    PRIMARY KEY (device_id, role)
) STRICT;

-- Requests that wait for a person: one for each device at most.
CREATE TABLE pending_requests (
    request_id      TEXT PRIMARY KEY NOT NULL,
    device_id       TEXT NOT NULL UNIQUE,
    public_key      TEXT NOT NULL,
    display_name    TEXT,
    platform        TEXT NOT NULL,
    device_family   TEXT,
    client_id       TEXT NOT NULL,
    client_mode     TEXT NOT NULL,
    role            TEXT NOT NULL,
    roles           TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    reason          TEXT NOT NULL,
    has_secret      INTEGER NOT NULL,
    is_direct_local INTEGER NOT NULL,
    is_repair       INTEGER NOT NULL,
    address         TEXT NOT NULL,
    origin          TEXT NOT NULL,
    user_agent      TEXT,
    attempts        INTEGER NOT NULL,
    ts              INTEGER NOT NULL,
    refreshed_at_ms INTEGER,
    -- When somebody who may decide was first shown it.
    seen_at_ms      INTEGER
) STRICT;

CREATE INDEX pending_requests_by_address ON pending_requests (address);

-- One-time owner links, by the SHA-256 of their code.
CREATE TABLE owner_links (
    code_hash      TEXT PRIMARY KEY NOT NULL,
    expires_at_ms  INTEGER NOT NULL,
    -- The device that showed it first; nobody else can use it then.
    device_id      TEXT,
    redeemed_at_ms INTEGER
) STRICT;
