UPDATE {schema}.store SET version = @version, removed = GREATEST(removed, @removed)
