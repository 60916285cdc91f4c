-- The commit that a stream holds under an id, without its events.
SELECT e.checkpoint, e.revision, e.sequence, e.stamp, e.commit_events, e.commit_headers, e.unit_checkpoint, e.unit_size
FROM {schema}.streams s
JOIN {schema}.events e ON e.stream = s.stream AND e.commit_id = $4 AND e.index_in_commit = 0
WHERE s.bucket = $1 AND s.category = $2 AND s.id = $3
