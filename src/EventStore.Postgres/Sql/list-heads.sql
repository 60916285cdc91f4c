SELECT bucket, category, id, revision, sequence, snapshot_revision, incarnation, first_revision, sealed
FROM {schema}.streams
WHERE (bucket, category, id) > (@afterBucket, @afterCategory, @afterId) AND revision::numeric - snapshot_revision >= @min
    AND (@bucket::text IS NULL OR bucket = @bucket)
ORDER BY bucket, category, id
LIMIT @limit
