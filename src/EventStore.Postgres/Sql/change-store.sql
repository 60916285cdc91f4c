UPDATE {schema}.store SET version = version + 1
