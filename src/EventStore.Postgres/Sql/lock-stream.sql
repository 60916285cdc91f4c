SELECT stream, revision FROM {schema}.streams WHERE bucket = @bucket AND category = @category AND id = @id FOR UPDATE
