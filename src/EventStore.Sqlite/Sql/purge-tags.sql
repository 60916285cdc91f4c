DELETE FROM {name}_tags
