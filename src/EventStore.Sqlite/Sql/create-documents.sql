CREATE TABLE {name}_documents (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT
