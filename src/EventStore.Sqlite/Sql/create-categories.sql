CREATE TABLE {name}_categories ( -- the commits of a category up to the newest gathered one; later ones are found among the commits
    bucket TEXT NOT NULL,
    category TEXT NOT NULL,
    checkpoint INTEGER NOT NULL, -- of the commit's first event
    PRIMARY KEY (bucket, category, checkpoint)
) WITHOUT ROWID, STRICT
