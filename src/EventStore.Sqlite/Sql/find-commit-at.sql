SELECT max(checkpoint) FROM {name}_commits WHERE checkpoint <= ?1
