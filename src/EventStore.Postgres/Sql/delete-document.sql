DELETE FROM {schema}.documents WHERE name = @name AND version = @expected
