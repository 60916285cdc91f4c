SELECT name, version, content FROM {schema}.documents WHERE name = @name
