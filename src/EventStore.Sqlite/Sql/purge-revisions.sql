DELETE FROM {name}_revisions
