SELECT checkpoint
FROM {name}_commits AS stored
WHERE NOT EXISTS (SELECT 1 FROM {name}_revisions AS entry
    WHERE entry.stream = stored.stream AND entry.revision = stored.revision AND entry.checkpoint = stored.checkpoint)
    AND NOT EXISTS (SELECT 1 FROM {name}_gathered AS entry
        WHERE entry.stream = stored.stream AND entry.revision = stored.revision AND entry.checkpoint = stored.checkpoint)
    AND NOT EXISTS (SELECT 1 FROM {name}_recent AS entry
        WHERE entry.stream = stored.stream AND entry.revision = stored.revision AND entry.checkpoint = stored.checkpoint)
