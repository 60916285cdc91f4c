DELETE FROM {name}_gathered WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
