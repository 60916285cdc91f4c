CREATE TABLE {name}_recent ( -- the same of the newest commits, which are moved over together
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)
) WITHOUT ROWID, STRICT
