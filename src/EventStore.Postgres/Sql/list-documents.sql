SELECT name, version, content FROM {schema}.documents WHERE name > @after AND name >= @prefix AND starts_with(name, @prefix)
ORDER BY name LIMIT @limit
