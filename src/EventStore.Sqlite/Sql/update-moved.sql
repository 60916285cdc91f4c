UPDATE {name}_store SET gathered = ?1, settled = ?2 WHERE one = 1
