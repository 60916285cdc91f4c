-- No row where the document has another version than expected; one that is missing has version 0.
UPDATE {name}_store SET document_version = document_version + 1
WHERE one = 1 AND $expectedVersion = coalesce((SELECT version FROM {name}_documents WHERE name = $name), 0)
RETURNING document_version
