-- Passkeys with which the owner shows who is there. Their private halves never leave their authenticators.
CREATE TABLE passkeys (
    -- What the authenticator calls it, in base64url.
    credential_id   TEXT PRIMARY KEY NOT NULL,
    -- The host name of the pages that it works on.
    host            TEXT NOT NULL,
    name            TEXT NOT NULL,
    -- A COSE key (RFC 9052), as the authenticator gave it.
    public_key      BLOB NOT NULL,
    -- Never goes back; 0 for authenticators that do not count.
    sign_count      INTEGER NOT NULL,
    -- How the authenticator is reached, a JSON list.
    transports      TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    last_used_at_ms INTEGER
) STRICT;
