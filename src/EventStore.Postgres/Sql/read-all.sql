-- A page of the whole store with its head, in one snapshot: by key, in order, no more bytes than asked. Of a filtered read no more than a window is examined.
SELECT t.last_checkpoint, e.checkpoint, e.stream, e.revision, e.sequence, e.stamp, e.commit_id, e.event_id, e.index_in_commit, e.commit_events, e.type, e.body, e.headers, e.commit_headers
FROM {schema}.store t
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT x.checkpoint, x.stream, x.revision, x.sequence, x.stamp, x.commit_id, x.event_id, x.index_in_commit, x.commit_events, x.type, x.body, x.headers,
            CASE WHEN x.commit_headers IS NULL THEN (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = x.checkpoint - x.index_in_commit) ELSE x.commit_headers END AS commit_headers,
            sum(octet_length(x.body) + octet_length(x.headers)) OVER (ORDER BY x.checkpoint {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
        FROM (
            SELECT * FROM {schema}.events y
            WHERE y.checkpoint > {low} AND y.checkpoint <= {high} {filter}
            ORDER BY y.checkpoint {order} LIMIT $3
        ) x
    ) z WHERE z.bytes_before IS NULL OR z.bytes_before < $4
) e ON true
