-- Incarnation is the checkpoint of the stream's first event, and first_revision the first that is not truncated.
CREATE TABLE {schema}.streams (
    stream bigint NOT NULL CONSTRAINT streams_stream PRIMARY KEY,
    bucket text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL,
    incarnation bigint NOT NULL,
    snapshot_revision bigint NOT NULL DEFAULT 0,
    first_revision bigint NOT NULL DEFAULT 1,
    sealed boolean NOT NULL DEFAULT false,
    CONSTRAINT streams_name UNIQUE (bucket, category, id)
) WITH (fillfactor = 70)
