-- Numbers that were given are never given again, whatever is rolled back or deleted.
CREATE SEQUENCE {schema}.document_versions
