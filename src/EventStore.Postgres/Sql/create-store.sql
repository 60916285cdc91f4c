-- The one row of the store. A writer holds its lock until its commit ends, so the order in which checkpoints are given is the order in
-- which they become visible: the guarantee that nothing appears late (G14) rests on this row. Version is another number
-- after every change of commits and streams, and none that was there before. Removed is the highest checkpoint ever removed, and holder the
-- import that alone may commit; NULL for none.
CREATE TABLE {schema}.store (
    one boolean NOT NULL DEFAULT true CONSTRAINT store_one_row PRIMARY KEY CONSTRAINT store_is_one CHECK (one),
    schema_version integer NOT NULL,
    version bigint NOT NULL,
    last_checkpoint bigint NOT NULL,
    last_stamp timestamptz NOT NULL,
    last_stream bigint NOT NULL,
    removed bigint NOT NULL DEFAULT 0,
    holder text COLLATE "C"
) WITH (fillfactor = 10)
