DELETE FROM {name}_commits WHERE stream = $stream
