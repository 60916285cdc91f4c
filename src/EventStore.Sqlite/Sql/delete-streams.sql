DELETE FROM {name}_streams WHERE stream = $stream
