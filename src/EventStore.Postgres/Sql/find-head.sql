SELECT bucket, category, id, revision, sequence, snapshot_revision, incarnation, first_revision, sealed FROM {schema}.streams
WHERE bucket = @bucket AND category = @category AND id = @id
