DELETE FROM {name}_categories WHERE bucket = ?1 AND category = ?2 AND checkpoint = ?3
