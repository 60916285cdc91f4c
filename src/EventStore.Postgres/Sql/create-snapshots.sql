CREATE TABLE {schema}.snapshots (
    stream bigint NOT NULL,
    revision bigint NOT NULL,
    schema_version integer NOT NULL,
    state_type text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    CONSTRAINT snapshots_revision PRIMARY KEY (stream, revision, schema_version)
)
