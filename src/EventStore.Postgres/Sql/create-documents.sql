CREATE TABLE {schema}.documents (
    name text COLLATE "C" NOT NULL CONSTRAINT documents_name PRIMARY KEY,
    version bigint NOT NULL,
    content bytea NOT NULL
)
