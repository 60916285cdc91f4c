SELECT stream, revision, schema_version AS schemaVersion, state_type AS stateType, crc, payload
FROM {name}_snapshots
ORDER BY stream, revision, schema_version
