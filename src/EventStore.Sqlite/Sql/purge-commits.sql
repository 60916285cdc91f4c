DELETE FROM {name}_commits
