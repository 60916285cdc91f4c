-- A commit of a unit, or with tags.
INSERT INTO {name}_commits (checkpoint, stream, revision, sequence, event_count, stamp, commit_id, crc, unit, unit_size, removed, tags,
    headers, events)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?11, ?12, 0, ?13, ?9, ?10)
ON CONFLICT (commit_id, stream) DO NOTHING
