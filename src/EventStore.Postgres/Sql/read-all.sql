-- A page of the whole store, by key and in order. What is larger than its share of the page is left out: it is fetched apart.
SELECT y.checkpoint, y.stream, y.revision, y.sequence, y.stamp, y.commit_id, y.event_id, y.index_in_commit, y.commit_events, y.type,
    CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $4 THEN y.body END,
    CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $4 THEN y.headers END,
    COALESCE(y.commit_headers, (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = y.checkpoint - y.index_in_commit)),
    y.tags, y.unit_checkpoint, y.unit_size
FROM {schema}.events y
WHERE y.checkpoint > $1 AND y.checkpoint <= $2 AND y.type <> '' {filter}
ORDER BY y.checkpoint {order} LIMIT $3
