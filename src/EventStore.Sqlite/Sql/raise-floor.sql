UPDATE {name}_store SET checkpoint = ?1, stamp = ?2 WHERE one = 1
