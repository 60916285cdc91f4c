UPDATE {name}_store SET moved = ?1 WHERE one = 1
