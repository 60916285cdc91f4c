DELETE FROM {schema}.tags t
USING (
    SELECT {schema}.term(s.bucket, n.tag) AS term, e.checkpoint
    FROM {schema}.events e JOIN {schema}.streams s ON s.stream = e.stream CROSS JOIN unnest(e.tags) AS n (tag)
    WHERE e.stream = @stream AND e.revision >= @from AND e.revision < @first
) gone
WHERE t.term = gone.term AND t.checkpoint = gone.checkpoint
