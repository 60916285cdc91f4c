CREATE TABLE {name}_snapshots (
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    state_type TEXT NOT NULL,
    crc INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (stream, revision, schema_version)
) STRICT
