CREATE TABLE {name}_gathered ( -- the same of the commits before those, likewise
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)
) WITHOUT ROWID, STRICT
