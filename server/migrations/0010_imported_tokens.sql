-- Tokens that another gateway gave to a device, by their SHA-256. One is good only while the device's own token
-- of that role has the generation that it was taken over with. An older gateway does not look at this table.
CREATE TABLE imported_tokens (
    device_id  TEXT NOT NULL,
    role       TEXT NOT NULL,
    generation TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    PRIMARY KEY (device_id, role)
) STRICT;
