CREATE TABLE {name}_tags ( -- the commits with an event that has a tag
    bucket TEXT NOT NULL,
    tag TEXT NOT NULL,
    checkpoint INTEGER NOT NULL, -- of the commit's first event
    PRIMARY KEY (bucket, tag, checkpoint)
) WITHOUT ROWID, STRICT
