-- The events that several terms list, the last term a category where {tags} says so. Each term is searched from where the one before it led
-- to, so the cost is that of the rarest. After so many searches the place reached is listed, too, and cut says so.
SELECT w.found AS checkpoint, w.cut
FROM (
    WITH RECURSIVE walk (target, agreed, term, steps, found, cut) AS (
        SELECT {start}, 0, 1, 0, NULL::bigint, false
        UNION ALL
        SELECT CASE WHEN n.agreed = cardinality({terms}) THEN n.checkpoint {step} 1 ELSE n.checkpoint END,
            CASE WHEN n.agreed = cardinality({terms}) THEN 0 ELSE n.agreed END,
            w.term % cardinality({terms}) + 1, w.steps + 1,
            CASE WHEN n.agreed = cardinality({terms}) OR w.steps + 1 = {budget} THEN n.checkpoint END,
            n.agreed < cardinality({terms}) AND w.steps + 1 = {budget}
        FROM walk w
        CROSS JOIN LATERAL (
            SELECT f.checkpoint, CASE WHEN f.checkpoint = w.target THEN w.agreed + 1 ELSE 1 END AS agreed
            FROM (
                (SELECT x.checkpoint FROM {schema}.tags x
                WHERE w.term <= {tags} AND x.term = ({terms})[w.term] AND x.checkpoint {beyond} w.target
                ORDER BY x.checkpoint {order} LIMIT 1)
                UNION ALL
                (SELECT x.checkpoint FROM {schema}.events x
                WHERE w.term > {tags} AND x.type <> '' AND (x.category, x.checkpoint) {beyond} (({terms})[w.term], w.target)
                    AND (x.category, x.checkpoint) {within} (({terms})[w.term], {end})
                ORDER BY x.category {order}, x.checkpoint {order} LIMIT 1)
            ) f
            LIMIT 1
        ) n
        WHERE w.steps < {budget} AND n.checkpoint > $1 AND n.checkpoint <= $2
    )
    SELECT found, cut FROM walk WHERE found IS NOT NULL LIMIT $3
) w
