-- A page of one stream with its head, in one snapshot: by index, in order, no more bytes than asked.
SELECT s.revision, e.checkpoint, s.stream, e.revision, e.sequence, e.stamp, e.commit_id, e.event_id, e.index_in_commit, e.commit_events, e.type, e.body, e.headers, e.commit_headers
FROM {schema}.streams s
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT x.checkpoint, x.revision, x.sequence, x.stamp, x.commit_id, x.event_id, x.index_in_commit, x.commit_events, x.type, x.body, x.headers,
            CASE WHEN x.commit_headers IS NULL THEN (SELECT f.commit_headers FROM {schema}.events f WHERE f.checkpoint = x.checkpoint - x.index_in_commit) ELSE x.commit_headers END AS commit_headers,
            sum(octet_length(x.body) + octet_length(x.headers)) OVER (ORDER BY x.revision {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
        FROM (SELECT * FROM {schema}.events y WHERE y.stream = s.stream AND y.revision >= $4 AND y.revision <= $5 ORDER BY y.revision {order} LIMIT $6) x
    ) z WHERE z.bytes_before IS NULL OR z.bytes_before < $7
) e ON true
WHERE s.bucket = $1 AND s.category = $2 AND s.id = $3
