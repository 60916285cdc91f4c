SELECT schema_version FROM {name}_store
