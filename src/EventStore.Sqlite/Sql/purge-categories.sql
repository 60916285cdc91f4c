DELETE FROM {name}_categories
