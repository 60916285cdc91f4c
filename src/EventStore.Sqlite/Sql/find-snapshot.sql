SELECT revision, schema_version AS schemaVersion, state_type AS stateType, crc, payload
FROM {name}_snapshots
WHERE stream = $stream AND revision <= $atMost
ORDER BY revision DESC, schema_version DESC
LIMIT 1
