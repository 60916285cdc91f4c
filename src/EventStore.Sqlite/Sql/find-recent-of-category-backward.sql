-- CROSS JOIN, so that the few commits after the newest gathered one are gone through, and not the streams of the category.
SELECT stored.checkpoint
FROM {name}_commits AS stored CROSS JOIN {name}_streams AS named ON named.stream = stored.stream
WHERE stored.checkpoint > (SELECT gathered FROM {name}_store WHERE one = 1) AND stored.checkpoint <= ?3
    AND stored.removed < stored.event_count AND named.bucket = ?1 AND named.category = ?2
ORDER BY stored.checkpoint DESC LIMIT ?4
