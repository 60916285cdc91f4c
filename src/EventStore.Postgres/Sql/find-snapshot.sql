SELECT n.revision, n.schema_version AS schemaVersion, n.state_type AS stateType, n.payload, s.incarnation
FROM {schema}.streams s
JOIN {schema}.snapshots n ON n.stream = s.stream
WHERE s.bucket = @bucket AND s.category = @category AND s.id = @id AND n.revision <= @atMost
ORDER BY n.revision DESC, n.schema_version DESC
LIMIT 1
