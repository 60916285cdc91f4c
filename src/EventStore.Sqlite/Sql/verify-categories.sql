SELECT stored.checkpoint
FROM {name}_commits AS stored JOIN {name}_streams AS named ON named.stream = stored.stream
WHERE stored.removed < stored.event_count AND stored.checkpoint <= (SELECT gathered FROM {name}_store)
    AND NOT EXISTS (SELECT 1 FROM {name}_categories AS entry
        WHERE entry.bucket = named.bucket AND entry.category = named.category AND entry.checkpoint = stored.checkpoint)
UNION ALL
SELECT entry.checkpoint
FROM {name}_categories AS entry
WHERE NOT EXISTS (SELECT 1 FROM {name}_commits AS stored JOIN {name}_streams AS named ON named.stream = stored.stream
    WHERE stored.checkpoint = entry.checkpoint AND stored.removed < stored.event_count
        AND named.bucket = entry.bucket AND named.category = entry.category)
