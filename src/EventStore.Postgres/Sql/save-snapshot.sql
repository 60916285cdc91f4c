INSERT INTO {schema}.snapshots (stream, revision, schema_version, state_type, payload)
VALUES (@stream, @revision, @schemaVersion, @stateType, @payload)
ON CONFLICT (stream, revision, schema_version) DO UPDATE SET state_type = excluded.state_type, payload = excluded.payload
