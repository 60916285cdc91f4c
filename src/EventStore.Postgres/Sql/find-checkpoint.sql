SELECT last_checkpoint FROM {schema}.store
