DELETE FROM {schema}.snapshots WHERE stream IN (SELECT s.stream FROM {schema}.streams s WHERE {which})
