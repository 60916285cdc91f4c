DELETE FROM {name}_gathered WHERE stream = $stream
