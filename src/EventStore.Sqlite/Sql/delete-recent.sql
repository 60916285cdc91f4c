DELETE FROM {name}_recent WHERE stream = $stream
