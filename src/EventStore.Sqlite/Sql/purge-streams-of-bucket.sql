DELETE FROM {name}_streams WHERE bucket = $bucket
