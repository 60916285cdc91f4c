UPDATE {name}_store SET document_version = document_version + 1 WHERE one = 1 RETURNING document_version
