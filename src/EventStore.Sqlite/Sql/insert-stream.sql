INSERT INTO {name}_streams (stream, bucket, category, id, snapshot_revision) VALUES (?1, ?2, ?3, ?4, 0)
