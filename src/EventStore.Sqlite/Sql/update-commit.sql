UPDATE {name}_commits SET removed = ?2, tags = ?3, crc = ?4, headers = ?5, events = ?6 WHERE checkpoint = ?1
