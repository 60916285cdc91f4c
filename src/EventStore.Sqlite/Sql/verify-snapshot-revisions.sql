SELECT stream
FROM {name}_streams AS named
WHERE snapshot_revision <> coalesce((SELECT max(revision) FROM {name}_snapshots AS saved WHERE saved.stream = named.stream), 0)
