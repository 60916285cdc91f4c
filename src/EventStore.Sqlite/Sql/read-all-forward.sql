SELECT checkpoint, stream, revision, sequence, event_count, stamp, commit_id, crc, unit, unit_size, removed, tags, headers,
    events
FROM {name}_commits
WHERE checkpoint >= coalesce((SELECT max(checkpoint) FROM {name}_commits WHERE checkpoint <= ?1), 0)
    AND checkpoint <= ?2
ORDER BY checkpoint
