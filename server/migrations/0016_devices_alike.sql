-- Devices that came in without asking and are the same to people, found without a look at all devices.
CREATE INDEX devices_alike ON devices (lower(client_id), lower(client_mode), lower(coalesce(display_name, '')))
    WHERE approved_via = 'silent';
