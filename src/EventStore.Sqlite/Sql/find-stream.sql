SELECT bucket, category, id FROM {name}_streams WHERE stream = ?1
