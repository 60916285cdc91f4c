-- The events that have a tag, by the term of bucket and tag.
CREATE TABLE {schema}.tags (
    term bigint NOT NULL,
    checkpoint bigint NOT NULL,
    CONSTRAINT tags_term PRIMARY KEY (term, checkpoint)
)
