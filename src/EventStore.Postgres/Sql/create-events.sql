-- Headers of a commit stand at its first event. At the later ones they are empty if the commit has none, and NULL if they are to be looked
-- up there. Category is the term of bucket and category. Tags and unit are NULL where there are none. The first event of a truncated commit
-- keeps its row, so that the commit's id stays known: its type, body and headers are empty.
CREATE TABLE {schema}.events (
    checkpoint bigint NOT NULL CONSTRAINT events_checkpoint PRIMARY KEY,
    stream bigint NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL,
    stamp timestamptz NOT NULL,
    commit_id uuid NOT NULL,
    event_id uuid NOT NULL,
    index_in_commit integer NOT NULL,
    commit_events integer NOT NULL,
    category bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    headers bytea NOT NULL,
    commit_headers bytea,
    tags text[] COLLATE "C",
    unit_checkpoint bigint,
    unit_size integer,
    CONSTRAINT events_revision UNIQUE (stream, revision)
)
