SELECT named.bucket, named.category, named.id, newest.revision, newest.event_count AS eventCount, newest.sequence, named.snapshot_revision AS snapshotRevision
FROM {name}_streams AS named
JOIN {name}_commits AS newest ON newest.stream = named.stream AND newest.revision = (SELECT max(revision) FROM {name}_commits WHERE stream = named.stream)
WHERE (named.bucket, named.category, named.id) > ($bucket, $category, $id)
    AND newest.revision + newest.event_count - 1 - named.snapshot_revision >= $minimum
ORDER BY named.bucket, named.category, named.id
LIMIT $limit
