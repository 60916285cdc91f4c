-- Returns the highest checkpoint that goes.
WITH gone AS (
    DELETE FROM {schema}.events WHERE stream IN (SELECT s.stream FROM {schema}.streams s WHERE {which}) RETURNING checkpoint
)
SELECT COALESCE(max(checkpoint), 0) FROM gone
