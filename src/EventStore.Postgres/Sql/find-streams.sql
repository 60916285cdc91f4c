SELECT stream, bucket, category, id FROM {schema}.streams WHERE stream = ANY($1)
