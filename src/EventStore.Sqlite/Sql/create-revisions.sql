CREATE TABLE {name}_revisions ( -- the commits of a stream by the revisions they begin with
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)
) WITHOUT ROWID, STRICT
