INSERT INTO {name}_tags (bucket, tag, checkpoint) VALUES (?1, ?2, ?3)
