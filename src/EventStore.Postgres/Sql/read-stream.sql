-- A page of one stream, by index and in order. What is larger than its share of the page is left out: it is fetched apart.
SELECT y.checkpoint, y.stream, y.revision, y.sequence, y.stamp, y.commit_id, y.event_id, y.index_in_commit, y.commit_events, y.type,
    CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $7 THEN y.body END,
    CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $7 THEN y.headers END,
    COALESCE(y.commit_headers, (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = y.checkpoint - y.index_in_commit))
FROM {schema}.events y
WHERE y.stream = (SELECT s.stream FROM {schema}.streams s WHERE s.bucket = $1 AND s.category = $2 AND s.id = $3) AND y.revision >= $4
    AND y.revision <= $5
ORDER BY y.revision {order} LIMIT $6
