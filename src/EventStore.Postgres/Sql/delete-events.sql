DELETE FROM {schema}.events WHERE stream IN (SELECT s.stream FROM {schema}.streams s WHERE {which})
