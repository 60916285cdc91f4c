SELECT checkpoint, stream, revision, sequence, event_count, stamp, commit_id, crc, unit, unit_size, removed, tags, headers,
    events
FROM {name}_commits
WHERE tags > 0 AND checkpoint IN (
    SELECT checkpoint FROM {name}_recent WHERE stream = ?1
    UNION ALL SELECT checkpoint FROM {name}_gathered WHERE stream = ?1
    UNION ALL SELECT checkpoint FROM {name}_revisions WHERE stream = ?1)
