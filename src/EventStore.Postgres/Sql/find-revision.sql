-- The newest checkpoint of the store, and the revision of a stream; 0 for no stream.
SELECT t.last_checkpoint, COALESCE((
    SELECT s.revision FROM {schema}.streams s WHERE s.bucket = $1 AND s.category = $2 AND s.id = $3), 0)
FROM {schema}.store t
