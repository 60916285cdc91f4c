DELETE FROM {name}_tags WHERE bucket = $bucket
