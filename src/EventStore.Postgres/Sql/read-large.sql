-- The large events of a page, in its order, no more bytes than asked.
SELECT z.checkpoint, z.body, z.headers
FROM (
    SELECT y.checkpoint, y.body, y.headers,
        sum(octet_length(y.body) + octet_length(y.headers)) OVER (
            ORDER BY y.checkpoint {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM {schema}.events y WHERE y.checkpoint = ANY($1) AND y.type <> ''
) z
WHERE z.bytes_before IS NULL OR z.bytes_before < $2
ORDER BY z.checkpoint {order}
