UPDATE {name}_streams SET first_revision = ?2, sealed = ?3, crc = ?4 WHERE stream = ?1
