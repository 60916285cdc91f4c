DELETE FROM {name}_commits WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
