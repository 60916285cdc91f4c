SELECT named.stream, newest.revision + newest.event_count - 1, newest.sequence, named.snapshot_revision, named.first_revision, named.sealed,
    named.crc
FROM {name}_streams AS named
LEFT JOIN {name}_commits AS newest ON newest.checkpoint = coalesce(
    (SELECT checkpoint FROM {name}_recent WHERE stream = named.stream ORDER BY revision DESC LIMIT 1),
    (SELECT checkpoint FROM {name}_gathered WHERE stream = named.stream ORDER BY revision DESC LIMIT 1),
    (SELECT checkpoint FROM {name}_revisions WHERE stream = named.stream ORDER BY revision DESC LIMIT 1))
WHERE named.bucket = ?1 AND named.category = ?2 AND named.id = ?3
