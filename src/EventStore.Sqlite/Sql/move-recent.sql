INSERT INTO {name}_gathered (stream, revision, checkpoint) SELECT stream, revision, checkpoint FROM {name}_recent ORDER BY stream, revision
