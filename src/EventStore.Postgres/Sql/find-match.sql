-- The first event after a checkpoint that matches one criterion of a condition.
SELECT c.checkpoint
FROM ({listed}) c
CROSS JOIN LATERAL (SELECT FROM {schema}.events y WHERE y.checkpoint = c.checkpoint {filter} LIMIT 1) e
ORDER BY c.checkpoint LIMIT 1
