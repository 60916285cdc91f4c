-- The heads of the streams of a batch, and which of its commit ids they already hold. Each is looked up by index, however the planner
-- feels.
SELECT a.attempt::integer - 1, s.stream, s.sequence, s.revision, s.incarnation, s.first_revision, s.sealed,
    c.checkpoint, c.revision, c.sequence, c.stamp, c.commit_events, c.commit_headers, c.unit_checkpoint, c.unit_size
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) WITH ORDINALITY AS a (bucket, category, id, commit_id, attempt)
CROSS JOIN LATERAL (
    SELECT x.stream, x.revision, x.sequence, x.incarnation, x.first_revision, x.sealed FROM {schema}.streams x
    WHERE x.bucket = a.bucket AND x.category = a.category AND x.id = a.id LIMIT 1
) s
LEFT JOIN LATERAL (
    SELECT x.checkpoint, x.revision, x.sequence, x.stamp, x.commit_events, x.commit_headers, x.unit_checkpoint, x.unit_size
    FROM {schema}.events x WHERE x.stream = s.stream AND x.commit_id = a.commit_id AND x.index_in_commit = 0 LIMIT 1
) c ON true
