UPDATE {name}_store SET holder = ?1 WHERE one = 1
