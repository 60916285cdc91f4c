UPDATE {schema}.store SET version = @version, holder = @holder
