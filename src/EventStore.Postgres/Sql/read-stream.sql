-- The newest checkpoint of the store, a stream's state, and a page of its events, all of one moment. Every row has the first two; there is
-- one without an event where the page is empty. The events come in the order of the innermost query. What is larger than its share of the
-- page is left out: it is fetched apart.
SELECT e.*, t.last_checkpoint, s.revision, s.incarnation, s.first_revision, s.sealed
FROM {schema}.store t
LEFT JOIN {schema}.streams s ON s.bucket = $1 AND s.category = $2 AND s.id = $3
LEFT JOIN LATERAL (
    SELECT y.checkpoint, y.stream, y.revision, y.sequence, y.stamp, y.commit_id, y.event_id, y.index_in_commit, y.commit_events, y.type,
        CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $7 THEN y.body END,
        CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $7 THEN y.headers END,
        COALESCE(y.commit_headers, (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = y.checkpoint - y.index_in_commit)),
        y.tags, y.unit_checkpoint, y.unit_size
    FROM {schema}.events y
    WHERE y.stream = s.stream AND y.revision >= GREATEST($4, s.first_revision) AND y.revision <= $5
    ORDER BY y.revision {order} LIMIT $6
) e ON true
