CREATE TABLE {name}_commits (
    checkpoint INTEGER PRIMARY KEY, -- of its first event
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of its first event
    sequence INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    stamp INTEGER NOT NULL, -- in microseconds since 1970
    commit_id BLOB NOT NULL,
    crc INTEGER NOT NULL, -- CRC32C of the stream's name and all other columns
    headers BLOB NOT NULL,
    events BLOB NOT NULL, -- one after another: id, type, headers, body
    UNIQUE (commit_id, stream)
) STRICT
