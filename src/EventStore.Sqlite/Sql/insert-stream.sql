INSERT INTO {name}_streams (stream, bucket, category, id, snapshot_revision, first_revision, sealed, crc)
VALUES (?1, ?2, ?3, ?4, 0, 1, 0, ?5)
