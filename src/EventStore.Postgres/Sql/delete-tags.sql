DELETE FROM {schema}.tags t
USING (
    SELECT {schema}.term(s.bucket, n.tag) AS term, e.checkpoint
    FROM {schema}.streams s JOIN {schema}.events e ON e.stream = s.stream CROSS JOIN unnest(e.tags) AS n (tag)
    WHERE {which}
) gone
WHERE t.term = gone.term AND t.checkpoint = gone.checkpoint
