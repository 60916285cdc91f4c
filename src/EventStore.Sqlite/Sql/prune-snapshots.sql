DELETE FROM {name}_snapshots
WHERE stream = $stream AND (revision, schema_version) <= (
    SELECT revision, schema_version FROM {name}_snapshots WHERE stream = $stream
    ORDER BY revision DESC, schema_version DESC LIMIT 1 OFFSET $keep)
