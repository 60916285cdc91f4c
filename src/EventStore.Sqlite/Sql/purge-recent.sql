DELETE FROM {name}_recent
