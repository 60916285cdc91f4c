SELECT stream, revision, incarnation, first_revision, sealed FROM {schema}.streams
WHERE bucket = @bucket AND category = @category AND id = @id FOR UPDATE
