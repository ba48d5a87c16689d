-- What was decided, numbered from 1 without gaps. An entry is canonical JSON; its hash is the SHA-256, in hex, over the
-- hash of the entry before it and the text of the entry. The other columns say what the entry says, to find it by.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY NOT NULL,
    at_ms  INTEGER NOT NULL,
    action TEXT NOT NULL,
    -- The id of the device that it is about, if it is about one.
    about  TEXT,
    -- Who decided: a kind, or the id of a device.
    author TEXT NOT NULL,
    entry  TEXT NOT NULL,
    hash   TEXT NOT NULL
) STRICT;

-- The last entry that was forgotten, from which the others follow; before anything was, what the first one follows.
CREATE TABLE audit_anchor (
    only INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_anchor (only, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'what was decided is never changed');
END;

CREATE TRIGGER audit_is_forgotten_from_its_beginning BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT seq FROM audit_anchor)
BEGIN
    SELECT RAISE(ABORT, 'what was decided is only forgotten from its beginning');
END;
