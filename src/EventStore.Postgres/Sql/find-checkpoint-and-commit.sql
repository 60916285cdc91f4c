-- The head, and whether the commit that begins at a checkpoint is still the one that was read there.
SELECT s.last_checkpoint, EXISTS (SELECT FROM {schema}.events e WHERE e.checkpoint = $1 AND e.commit_id = $2 AND e.stamp = $3)
FROM {schema}.store s
