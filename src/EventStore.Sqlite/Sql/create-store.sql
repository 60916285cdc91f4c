CREATE TABLE {name}_store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    schema_version INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL, -- the newest there ever was when something was last removed or skipped: none is given again
    stamp INTEGER NOT NULL, -- the same of stamps, in microseconds since 1970
    gathered INTEGER NOT NULL, -- the newest checkpoint when entries were last moved from recent to gathered
    settled INTEGER NOT NULL, -- the same from gathered to revisions
    document_version INTEGER NOT NULL, -- the newest ever given
    removed INTEGER NOT NULL, -- the highest checkpoint ever removed; 0 for none
    holder TEXT NOT NULL -- the import that alone may commit; empty for none
) STRICT
