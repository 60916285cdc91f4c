-- For people with psql: names instead of keys, and bodies as JSON where they are. Nothing in the engine reads it.
CREATE VIEW {schema}.readable_events AS
SELECT e.checkpoint, s.bucket, s.category, s.id, e.revision, e.type, {schema}.read_json(e.body) AS body, e.stamp, e.event_id, e.commit_id,
    e.sequence, e.tags
FROM {schema}.events e
JOIN {schema}.streams s ON s.stream = e.stream
WHERE e.type <> ''
