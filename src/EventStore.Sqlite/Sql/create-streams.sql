CREATE TABLE {name}_streams (
    stream INTEGER PRIMARY KEY, -- the checkpoint of its first event, so never given twice
    bucket TEXT NOT NULL,
    category TEXT NOT NULL,
    id TEXT NOT NULL,
    snapshot_revision INTEGER NOT NULL,
    first_revision INTEGER NOT NULL, -- the first that is not truncated
    sealed INTEGER NOT NULL, -- 1 where it refuses commits
    crc INTEGER NOT NULL, -- CRC32C of its name, its first revision and its seal
    UNIQUE (bucket, category, id)
) STRICT
