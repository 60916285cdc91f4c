SELECT checkpoint FROM {name}_tags WHERE bucket = ?1 AND tag = ?2 AND checkpoint <= ?3 ORDER BY checkpoint DESC LIMIT ?4
