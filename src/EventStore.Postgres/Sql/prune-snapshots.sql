DELETE FROM {schema}.snapshots
WHERE stream = @stream AND (revision, schema_version) NOT IN (
    SELECT n.revision, n.schema_version FROM {schema}.snapshots n WHERE n.stream = @stream
    ORDER BY n.revision DESC, n.schema_version DESC LIMIT @keep)
