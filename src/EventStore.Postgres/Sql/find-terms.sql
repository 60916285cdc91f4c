-- Which of the terms of conditions have an event after their checkpoints.
SELECT a.place::integer - 1
FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) WITH ORDINALITY AS a (term, after, is_category, place)
WHERE CASE WHEN a.is_category THEN (
        SELECT x.checkpoint FROM {schema}.events x
        WHERE x.type <> '' AND (x.category, x.checkpoint) > (a.term, a.after)
            AND (x.category, x.checkpoint) <= (a.term, 9223372036854775807)
        ORDER BY x.category, x.checkpoint LIMIT 1)
    ELSE (SELECT x.checkpoint FROM {schema}.tags x WHERE x.term = a.term AND x.checkpoint > a.after ORDER BY x.checkpoint LIMIT 1)
    END IS NOT NULL
