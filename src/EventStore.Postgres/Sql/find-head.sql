SELECT bucket, category, id, revision, sequence, snapshot_revision FROM {schema}.streams
WHERE bucket = @bucket AND category = @category AND id = @id
