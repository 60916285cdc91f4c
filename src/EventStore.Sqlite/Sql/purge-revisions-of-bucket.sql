DELETE FROM {name}_revisions WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
