SELECT named.bucket, named.category, named.id, newest.revision + newest.event_count - 1 AS lastRevision, newest.sequence,
    named.snapshot_revision AS snapshotRevision, named.stream, named.first_revision AS firstRevision, named.sealed, named.crc
FROM {name}_streams AS named
JOIN {name}_commits AS newest ON newest.checkpoint = coalesce(
    (SELECT checkpoint FROM {name}_recent WHERE stream = named.stream ORDER BY revision DESC LIMIT 1),
    (SELECT checkpoint FROM {name}_gathered WHERE stream = named.stream ORDER BY revision DESC LIMIT 1),
    (SELECT checkpoint FROM {name}_revisions WHERE stream = named.stream ORDER BY revision DESC LIMIT 1))
WHERE (named.bucket, named.category, named.id) > ($bucket, $category, $id)
    AND newest.revision + newest.event_count - 1 - named.snapshot_revision >= $minimum
ORDER BY named.bucket, named.category, named.id
LIMIT $limit
