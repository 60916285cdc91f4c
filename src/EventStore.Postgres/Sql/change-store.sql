UPDATE {schema}.store SET version = @version
