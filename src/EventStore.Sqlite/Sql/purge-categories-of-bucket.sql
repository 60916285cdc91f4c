DELETE FROM {name}_categories WHERE bucket = $bucket
