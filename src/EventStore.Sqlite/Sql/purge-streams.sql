DELETE FROM {name}_streams
