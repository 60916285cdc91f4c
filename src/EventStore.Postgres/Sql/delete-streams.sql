DELETE FROM {schema}.streams s WHERE {which}
