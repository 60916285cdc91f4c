SELECT stream, bucket, category, id, first_revision, sealed, crc FROM {name}_streams
