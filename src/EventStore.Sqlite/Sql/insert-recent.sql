INSERT INTO {name}_recent (stream, revision, checkpoint) VALUES (?1, ?2, ?3)
