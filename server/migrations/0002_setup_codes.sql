-- One-time codes of every kind, by the SHA-256 of the code: owner links and setup codes.
CREATE TABLE bootstrap_tokens (
    code_hash       TEXT PRIMARY KEY NOT NULL,
    -- What its outcome is asked for by; the code itself cannot be found from it.
    setup_id        TEXT NOT NULL UNIQUE,
    profile         TEXT NOT NULL,
    expires_at_ms   INTEGER NOT NULL,
    -- The device that showed it first, and what for; nobody else can use it then.
    device_id       TEXT,
    role            TEXT,
    scopes          TEXT,
    redeemed_at_ms  INTEGER,
    device_name     TEXT,
    completed_at_ms INTEGER
) STRICT;

CREATE INDEX bootstrap_tokens_by_device ON bootstrap_tokens (device_id);

-- Codes of join URLs, by their SHA-256. Whoever fetches one gets a new code for the same setup.
CREATE TABLE join_codes (
    code_hash       TEXT PRIMARY KEY NOT NULL,
    setup_id        TEXT NOT NULL UNIQUE REFERENCES bootstrap_tokens (setup_id) ON DELETE CASCADE,
    url             TEXT NOT NULL,
    tls_fingerprint TEXT
) STRICT;

-- Links that are under way go on working. The empty table stays, so that an older gateway can be started again.
INSERT INTO bootstrap_tokens (code_hash, setup_id, profile, expires_at_ms, redeemed_at_ms)
SELECT code_hash, 'owner-link-' || code_hash, 'control-ui-owner', expires_at_ms, redeemed_at_ms
FROM owner_links WHERE device_id IS NULL;

DELETE FROM owner_links;
