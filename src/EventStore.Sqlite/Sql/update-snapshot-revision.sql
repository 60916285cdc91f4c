UPDATE {name}_streams
SET snapshot_revision = coalesce((SELECT max(revision) FROM {name}_snapshots WHERE stream = $stream), 0)
WHERE stream = $stream
