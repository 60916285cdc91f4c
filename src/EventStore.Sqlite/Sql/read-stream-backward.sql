SELECT checkpoint, stream, revision, sequence, event_count, stamp, commit_id, crc, headers, events
FROM {name}_commits
WHERE stream = ?1
    AND revision >= coalesce((SELECT max(revision) FROM {name}_commits WHERE stream = ?1 AND revision <= ?2), 0)
    AND revision <= ?3
ORDER BY revision DESC
