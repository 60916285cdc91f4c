-- A page of the events that indexes of categories and tags list, in order: up to so many that they list, of which those that match come
-- with their columns. What is larger than its share of the page is left out: it is fetched apart.
SELECT c.checkpoint, e.*, c.cut
FROM ({listed}) c
LEFT JOIN LATERAL (
    SELECT y.stream, y.revision, y.sequence, y.stamp, y.commit_id, y.event_id, y.index_in_commit, y.commit_events, y.type,
        CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $4 THEN y.body END,
        CASE WHEN octet_length(y.body) + octet_length(y.headers) <= $4 THEN y.headers END,
        COALESCE(y.commit_headers, (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = y.checkpoint - y.index_in_commit)),
        y.tags, y.unit_checkpoint, y.unit_size
    FROM {schema}.events y
    WHERE y.checkpoint = c.checkpoint AND y.type <> '' {filter}
    LIMIT 1
) e ON true
ORDER BY c.checkpoint {order}
