DELETE FROM {name}_recent WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
