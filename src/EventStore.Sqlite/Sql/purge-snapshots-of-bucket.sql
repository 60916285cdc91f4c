DELETE FROM {name}_snapshots WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
