INSERT INTO {name}_store (one, schema_version, checkpoint, stamp, gathered, settled, document_version, removed, holder)
VALUES (1, $version, 0, 0, 0, 0, 0, 0, '')
