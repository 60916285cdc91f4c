CREATE TABLE {name}_commits (
    checkpoint INTEGER PRIMARY KEY, -- of its first event
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of its first event
    sequence INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    stamp INTEGER NOT NULL, -- in microseconds since 1970
    commit_id BLOB NOT NULL,
    crc INTEGER NOT NULL, -- CRC32C of the stream's name and all other columns
    unit INTEGER NOT NULL, -- the first checkpoint of the unit that it was stored in; 0 for none
    unit_size INTEGER NOT NULL, -- the number of commits of that unit; 0 for none
    removed INTEGER NOT NULL, -- how many of its first events were truncated
    tags INTEGER NOT NULL, -- how many rows of tags lead to it
    headers BLOB NOT NULL,
    events BLOB NOT NULL, -- those left, one after another: id, type, tags, headers, body
    UNIQUE (commit_id, stream)
) STRICT
