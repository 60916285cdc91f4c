INSERT INTO {schema}.store (schema_version, version, last_checkpoint, last_stamp, last_stream) VALUES (2, 0, 0, '0001-01-01 00:00:00+00', 0)
