DELETE FROM {name}_revisions WHERE stream = $stream
