INSERT INTO {name}_categories (bucket, category, checkpoint)
SELECT named.bucket, named.category, stored.checkpoint
FROM {name}_commits AS stored CROSS JOIN {name}_streams AS named ON named.stream = stored.stream
WHERE stored.checkpoint > ?1 AND stored.removed < stored.event_count
