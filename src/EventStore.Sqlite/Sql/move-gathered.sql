INSERT INTO {name}_revisions (stream, revision, checkpoint) SELECT stream, revision, checkpoint FROM {name}_gathered
ORDER BY stream, revision
