SELECT stored.checkpoint
FROM {name}_commits AS stored
LEFT JOIN (SELECT checkpoint, count(*) AS entries FROM {name}_tags GROUP BY checkpoint) AS counted ON counted.checkpoint = stored.checkpoint
WHERE stored.tags <> coalesce(counted.entries, 0)
UNION ALL
SELECT entry.checkpoint
FROM {name}_tags AS entry
WHERE NOT EXISTS (SELECT 1 FROM {name}_commits AS stored JOIN {name}_streams AS named ON named.stream = stored.stream
    WHERE stored.checkpoint = entry.checkpoint AND named.bucket = entry.bucket)
