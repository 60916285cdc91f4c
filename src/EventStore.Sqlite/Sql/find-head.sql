SELECT named.stream, newest.revision + newest.event_count - 1, newest.sequence, named.snapshot_revision
FROM {name}_streams AS named JOIN {name}_commits AS newest ON newest.stream = named.stream
WHERE named.bucket = ?1 AND named.category = ?2 AND named.id = ?3
ORDER BY newest.revision DESC
LIMIT 1
