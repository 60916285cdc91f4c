UPDATE {name}_store SET checkpoint = ?1, stamp = ?2, removed = max(removed, ?3) WHERE one = 1
