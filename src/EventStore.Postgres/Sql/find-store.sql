SELECT schema_version, last_checkpoint, tableoid::bigint FROM {schema}.store
