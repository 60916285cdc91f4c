UPDATE {schema}.streams SET snapshot_revision = COALESCE((SELECT max(n.revision) FROM {schema}.snapshots n WHERE n.stream = @stream), 0)
WHERE stream = @stream
