SELECT revision FROM {schema}.streams WHERE bucket = $1 AND category = $2 AND id = $3
