SELECT stored.checkpoint
FROM {name}_commits AS stored JOIN {name}_streams AS named ON named.stream = stored.stream
WHERE stored.removed <> max(0, min(stored.event_count, named.first_revision - stored.revision))
