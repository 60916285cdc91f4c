CREATE TABLE {name}_streams (
    stream INTEGER PRIMARY KEY, -- the checkpoint of its first event, so never given twice
    bucket TEXT NOT NULL,
    category TEXT NOT NULL,
    id TEXT NOT NULL,
    snapshot_revision INTEGER NOT NULL,
    UNIQUE (bucket, category, id)
) STRICT
