SELECT checkpoint, stream, revision, sequence, event_count, stamp, commit_id, crc, unit, unit_size, removed, tags, headers,
    events
FROM {name}_commits
WHERE commit_id = ?1 AND stream = ?2
