SELECT stream, revision
FROM (
    SELECT stream, revision, checkpoint FROM {name}_revisions
    UNION ALL SELECT stream, revision, checkpoint FROM {name}_gathered
    UNION ALL SELECT stream, revision, checkpoint FROM {name}_recent) AS entry
WHERE NOT EXISTS (SELECT 1 FROM {name}_commits AS stored
    WHERE stored.checkpoint = entry.checkpoint AND stored.stream = entry.stream AND stored.revision = entry.revision)
