INSERT INTO {name}_snapshots (stream, revision, schema_version, state_type, crc, payload)
VALUES ($stream, $revision, $schemaVersion, $stateType, $crc, $payload)
ON CONFLICT (stream, revision, schema_version) DO UPDATE
SET state_type = excluded.state_type, crc = excluded.crc, payload = excluded.payload
