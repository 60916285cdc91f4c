SELECT stored.checkpoint, stored.stream, stored.revision, stored.sequence, stored.event_count, stored.stamp, stored.commit_id, stored.crc,
    stored.unit, stored.unit_size, stored.removed, stored.tags, stored.headers, stored.events
FROM {name}_gathered AS entry JOIN {name}_commits AS stored ON stored.checkpoint = entry.checkpoint
WHERE entry.stream = ?1
    AND entry.revision >= coalesce((SELECT max(revision) FROM {name}_gathered WHERE stream = ?1 AND revision <= ?2), 0)
    AND entry.revision <= ?3
ORDER BY entry.revision
